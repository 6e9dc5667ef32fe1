// SPDX-License-Identifier: Apache-2.0

import CLinux
import SystemIO
import Testing

@testable import PrivateDNS

/// A client of a ``LoopbackServer``, by UDP or by one TCP connection.
struct LoopbackClient: ~Copyable {
    enum Transport: CaseIterable {
        case datagram
        case stream
    }

    let socket: FileDescriptor
    private let transport: Transport
    private var received: [UInt8] = []

    init(of server: LoopbackServer, _ transport: Transport) throws {
        self.transport = transport
        socket =
            transport == .datagram
            ? try NetworkSocket.datagram(to: server.endpoint, through: nil)
            : try NetworkSocket.stream(to: server.endpoint, through: nil)
        var poller = pollfd(fd: socket.raw, events: Int16(POLLOUT), revents: 0)
        guard unsafe poll(&poller, 1, 4000) == 1 else {
            Issue.record("no connection")
            return
        }
    }

    /// A message behind its length.
    static func frame(_ message: [UInt8]) -> [UInt8] {
        [UInt8(message.count >> 8), UInt8(message.count & 255)] + message
    }

    /// Sends one message.
    func send(_ message: [UInt8]) throws {
        try write(transport == .stream ? Self.frame(message) : message)
    }

    /// Writes octets as they stand, all of them.
    func write(_ octets: [UInt8]) throws {
        var sent = 0
        for _ in 0..<1000 {
            sent += try socket.write(octets.span.extracting(droppingFirst: sent))
            guard sent < octets.count else { return }
            usleep(1000)
        }
        Issue.record("the server does not read")
    }

    /// The next message; nil where none comes, empty where the connection ends.
    mutating func next(milliseconds: Int32 = 4000) throws -> [UInt8]? {
        guard transport == .stream else { return try LoopbackServer.wait(socket, milliseconds: milliseconds) }
        while received.count < 2 || received.count < 2 + Int(received.span.uint16(at: 0)) {
            guard let part = try LoopbackServer.wait(socket, milliseconds: milliseconds) else { return nil }
            guard !part.isEmpty else { return [] }
            received += part
        }
        let end = 2 + Int(received.span.uint16(at: 0))
        defer { received.removeFirst(end) }
        return Array(received[2..<end])
    }

    /// What is answered to a message; nil where nothing is. A question behind it ends the wait: its answer comes second.
    mutating func ask(_ message: [UInt8]) throws -> [UInt8]? {
        try send(message)
        try send(MessageText.query("h.plant.internal", id: 0xfade).bytes)
        let first = try #require(try next(), "the server answers no more")
        guard Reply(first).id != 0xfade else { return nil }
        let second = try #require(try next(), "the server answers no more")
        #expect(Reply(second).id == 0xfade)
        return first
    }
}
