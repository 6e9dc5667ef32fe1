// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO
import Testing

@testable import HostDNS

/// A bus with systemd-resolved on it, on the loop of the test: takes what is called and answers as it is told to.
final class FakeBus {
    let path = "/tmp/pnetd-test-bus-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    private let listener: UnixListener
    private let loop: EventLoop
    /// The client's end, which is ours to close.
    private var connection: Int32?
    private var received: [UInt8] = []
    private var isAuthenticated = false
    private var serial: UInt32 = 0

    /// The members that were called, in order.
    private(set) var called: [String] = []
    /// The answers to members that have one of their own, and to `PROPERTY of OBJECT`: the body, or an error.
    var answers: [String: Result<[DBusValue], DBusError>] = [:]
    /// What is said in the place of `OK …`.
    var welcome = "OK 0123456789abcdef\r\n"
    /// Whether calls are left without an answer.
    var isSilent = false

    init(on loop: EventLoop) throws {
        self.loop = loop
        listener = try UnixListener(path: path, mode: 0o600, group: nil)
        try loop.watch(listener.raw) { [weak self] _ in self?.accept() }
    }

    deinit {
        hangUp()
        loop.unwatch(listener.raw)
    }

    /// Takes the calls that came since the last time.
    func takeCalls() -> [String] {
        defer { called = [] }
        return called
    }

    /// Ends the connection.
    func hangUp() {
        if let connection {
            loop.unwatch(connection)
            _ = FileDescriptor(owning: connection)
        }
        connection = nil
        isAuthenticated = false
        received = []
    }

    /// Tells that a name has another owner now.
    func owns(_ name: String, _ owner: String) throws {
        var message = DBusMessage(.signal)
        message.sender = "org.freedesktop.DBus"
        message.path = "/org/freedesktop/DBus"
        message.interface = "org.freedesktop.DBus"
        message.member = "NameOwnerChanged"
        message.body = [.string(name), .string(""), .string(owner)]
        try send(message)
    }

    /// Sends octets as they are.
    func send(_ octets: [UInt8]) throws {
        let copy = try FileDescriptor.duplicating(try #require(connection))
        #expect(try copy.write(octets.span) == octets.count)
    }

    private func send(_ message: DBusMessage) throws {
        var message = message
        serial += 1
        message.serial = serial
        try send(message.bytes)
    }

    private func accept() {
        guard let socket = try? listener.accept() else { return }
        let raw = socket.release()
        connection = raw
        try? loop.watch(raw) { [weak self] _ in
            do { try self?.read() } catch { self?.hangUp() }
        }
    }

    private func read() throws {
        var room = [UInt8](repeating: 0, count: 1 << 16)
        let copy = try FileDescriptor.duplicating(try #require(connection))
        guard let count = try copy.receive(into: &room), count > 0 else { return hangUp() }
        received += room[..<count]
        if !isAuthenticated {
            guard let end = received.firstIndex(of: UInt8(ascii: "\n")) else { return }
            #expect(received.first == 0 && received[1...].starts(with: Array("AUTH EXTERNAL ".utf8)))
            received.removeFirst(end + 1)
            isAuthenticated = true
            try send(Array(welcome.utf8))
        }
        let begin = Array("BEGIN\r\n".utf8)
        if received.starts(with: begin) { received.removeFirst(begin.count) }
        while let length = try DBusMessage.length(received[...]), received.count >= length {
            let message = try #require(try DBusMessage(received.prefix(length)))
            received.removeFirst(length)
            try answer(message)
        }
    }

    private func answer(_ call: DBusMessage) throws {
        let member = call.member ?? ""
        called.append(member)
        guard !isSilent else { return }
        var reply = DBusMessage(.reply)
        let property = call.body.count == 2 ? call.body[1].text : nil
        switch answers[member == "Get" ? "\(property ?? "") of \(call.path ?? "")" : member] {
        case .success(let body): reply.body = body
        case .failure(.refused(let name, let text)):
            reply = DBusMessage(.error)
            reply.errorName = name
            reply.body = [.string(text)]
        case .failure, nil: break
        }
        reply.replyTo = call.serial
        try send(reply)
    }
}
