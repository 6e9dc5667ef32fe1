// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import Synchronization
import SystemIO
import Testing

@testable import Tunnel

/// The other end of a client's connections, on the same loop and on a clock that moves as told.
final class FakeCharon {
    final class HandClock: TimeSource {
        private let nanoseconds = Mutex<Int64>(1 << 40)
        var now: Instant { Instant(nanoseconds: nanoseconds.withLock { $0 }) }
        var wallNanoseconds: Int64 { now.nanoseconds }
        func advance(by time: Duration) { nanoseconds.withLock { $0 += time.nanoseconds } }
    }

    /// One connection.
    final class Link {
        let socket: FileDescriptor
        var segments = VICISegments()
        var registered: [String] = []
        init(_ socket: consuming FileDescriptor) { self.socket = socket }

        func send(_ packet: VICIPacket) throws { try send(octets: packet.segment()) }
        func send(octets: [UInt8]) throws { _ = try socket.write(octets.span) }
    }

    let clock = HandClock()
    let loop: EventLoop
    /// What a connection attempt fails by.
    var refusal: SystemError?
    var unknownEvents: Set<String> = []
    /// What it says that it is.
    var version = "5.9.8"
    /// The answer to get-algorithms; nil: it does not know the command.
    var algorithms: VICIMessage? = VICIMessage()
    /// What is done about a request that is no part of the greeting.
    var answer: (Link, _ command: String, VICIMessage) throws -> Void = { link, _, _ in
        try link.send(.response(VICIMessage()))
    }
    private(set) var requests: [(command: String, message: VICIMessage)] = []
    private(set) var attempts = 0
    private(set) var links: [Link] = []
    private var failures: [any Error] = []

    init() throws { loop = try EventLoop(clock: clock) }

    deinit { drop() }

    /// The connections in the order that a client makes them.
    var events: Link { links[links.count - 2] }
    var commands: Link { links[links.count - 1] }

    func client(patience: CharonPatience = CharonPatience(), report: @escaping (Charon.Report) -> Void) -> Charon {
        Charon(
            on: loop,
            patience: patience,
            connect: { [unowned self] () throws(SystemError) in try connect() },
            report: report
        )
    }

    /// Lets all happen that is due, and time go by before it.
    func turn(after time: Duration = .zero) throws {
        clock.advance(by: time)
        for _ in 0..<100 { try loop.turn(waiting: .zero) }
        if let failure = failures.first { throw failure }
    }

    /// All connections end, even where another test's child has not closed its copies yet.
    func drop() {
        for link in links {
            loop.unwatch(link.socket.raw)
            shutdown(link.socket.raw, Int32(SHUT_RDWR))
        }
        links = []
    }

    private func connect() throws(SystemError) -> FileDescriptor {
        attempts += 1
        if let refusal { throw refusal }
        var ends: [Int32] = [0, 0]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        guard unsafe socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw .last("socketpair") }
        let link = Link(FileDescriptor(owning: ends[1]))
        links.append(link)
        try loop.watch(ends[1]) { [weak self, weak link] _ in
            guard let self, let link else { return }
            do { try serve(link) } catch { failures.append(error) }
        }
        return FileDescriptor(owning: ends[0])
    }

    private func serve(_ link: Link) throws {
        let part: [UInt8]
        do throws(SystemError) {
            guard let got = try link.socket.read(upTo: 1 << 16) else { return }
            part = got
        } catch {
            // A client that goes with something unread resets the connection.
            part = []
        }
        guard !part.isEmpty else { return loop.unwatch(link.socket.raw) }
        link.segments.append(part[...])
        while let segment = try link.segments.next() {
            switch try VICIPacket(segment) {
            case .register(let name):
                let name = String(decoding: name, as: UTF8.self)
                guard !unknownEvents.contains(name) else {
                    try link.send(.eventUnknown)
                    continue
                }
                link.registered.append(name)
                try link.send(.eventConfirmed)
            case .request(let name, let message):
                let command = String(decoding: name, as: UTF8.self)
                requests.append((command, message))
                switch command {
                case "version": try link.send(.response(versionMessage))
                case "get-algorithms": try link.send(algorithms.map { .response($0) } ?? .commandUnknown)
                default: try answer(link, command, message)
                }
            default: Issue.record("a client sent what only charon does")
            }
        }
    }

    private var versionMessage: VICIMessage {
        var message = VICIMessage()
        message.append("daemon", "charon-systemd")
        message.append("version", version)
        return message
    }
}
