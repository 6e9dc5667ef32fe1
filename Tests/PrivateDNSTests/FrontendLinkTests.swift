// SPDX-License-Identifier: Apache-2.0

import CLinux
import NameRelay
import NetworkTypes
import SystemIO
import Testing

@testable import PrivateDNS

/// A worker and the frontend, which the test plays.
@Suite(.serialized)
struct FrontendLinkTests {
    private static let name = "www.example.net"

    /// The frontend's end of a worker's socket.
    private final class Frontend {
        private let socket: FileDescriptor
        private var frames = RelayFrames()

        convenience init(of server: LoopbackServer) throws { try self.init(of: server.pool) }

        init(of pool: WorkerPool) throws {
            let (one, other) = try UnixPair().release()
            socket = FileDescriptor(owning: one)
            let workers = FileDescriptor(owning: other)
            try pool.relay(by: [workers.raw])
        }

        func send(_ octets: [UInt8]) throws { #expect(try socket.write(octets.span) == octets.count) }

        func send(_ message: RelayMessage) throws { try send(message.frame) }

        func next() throws -> RelayMessage? {
            while true {
                if let message = try frames.next() { return message }
                guard let octets = try LoopbackServer.wait(socket), !octets.isEmpty else { return nil }
                frames.append(octets)
            }
        }

        /// Whether the worker has hung up.
        func isOver() throws -> Bool { try LoopbackServer.wait(socket)?.isEmpty ?? false }
    }

    /// An upstream that takes what comes in the clear, so that it shows.
    private struct Upstreams: ~Copyable {
        let socket: FileDescriptor
        let endpoint: SocketEndpoint

        init() throws {
            let any = SocketEndpoint(address: try #require(IPAddress("127.0.0.1")), port: 0)
            let socket = try NetworkSocket.listener(on: any, isStream: false)
            endpoint = try #require(NetworkSocket.boundEndpoint(of: socket.raw))
            self.socket = socket
        }

        func gotNothing() throws -> Bool { try LoopbackServer.wait(socket, milliseconds: 50) == nil }
    }

    private func answer(to message: [UInt8]) -> [UInt8] {
        MessageText.answer(
            to: message,
            answers: [MessageText.record(Self.name, .a, ttl: 300, [203, 0, 113, 81])]
        )
    }

    @Test func asksByTheFrontend() throws {
        let upstream = try Upstreams()
        let server = try LoopbackServer()
        let frontend = try Frontend(of: server)
        let wanted = Upstream(upstream.endpoint, .tls)
        try server.adopt([], upstreams: [wanted])
        let client = try NetworkSocket.datagram(to: server.endpoint, through: nil)
        _ = try client.write(MessageText.query(Self.name, id: 5).bytes.span)
        guard case .ask(let number, let asked, let message) = try frontend.next() else {
            Issue.record("nothing was asked")
            return
        }
        #expect(asked == wanted && message.count == 128)
        try frontend.send(.answered(number, message: answer(to: message)))
        let reply = Reply(try #require(try LoopbackServer.wait(client)))
        #expect(reply.id == 5 && reply.addresses == ["203.0.113.81"])
        #expect(try upstream.gotNothing())
    }

    @Test(arguments: [false, true])
    func asksNobodyInTheClearWhereThereIsNone(isLost: Bool) throws {
        let upstream = try Upstreams()
        let server = try LoopbackServer()
        if isLost { _ = try Frontend(of: server) }
        try server.adopt([], upstreams: [Upstream(upstream.endpoint, .tls)])
        let reply = Reply(try #require(try server.ask(MessageText.query(Self.name).bytes)))
        #expect(reply.code == 2)
        #expect(try upstream.gotNothing())
    }

    @Test func asksTheNextFrontendWhatTheLastOneLeft() throws {
        let server = try LoopbackServer()
        var first: Frontend? = try Frontend(of: server)
        try server.adopt([], upstreams: [Upstream(Scenario.upstream, .https)])
        let client = try NetworkSocket.datagram(to: server.endpoint, through: nil)
        _ = try client.write(MessageText.query(Self.name, id: 5).bytes.span)
        #expect(try first?.next() != nil)
        first = nil
        let second = try Frontend(of: server)
        guard case .ask(let number, _, let message) = try second.next() else {
            Issue.record("nothing was asked")
            return
        }
        try second.send(.answered(number, message: answer(to: message)))
        #expect(Reply(try #require(try LoopbackServer.wait(client))).addresses == ["203.0.113.81"])
    }

    @Test func answersWhatTheFrontendPassesOn() throws {
        let server = try LoopbackServer()
        let frontend = try Frontend(of: server)
        try server.adopt([try Scenario.zone("plant.test", records: ["hub A 10.20.0.4"], realm: Scenario.path("lo"))])
        let query = MessageText.query("hub.plant.test", id: 77).bytes
        for (number, address) in [(UInt64(1), "127.0.0.9"), (2, "192.0.2.1")] {
            try frontend.send(.query(number, from: try #require(IPAddress(address)), on: 0, message: query))
        }
        guard case .reply(1, let answer) = try frontend.next(), case .reply(2, let refusal) = try frontend.next() else {
            Issue.record("no reply")
            return
        }
        #expect(Reply(answer).id == 77 && Reply(answer).addresses == ["10.20.0.4"])
        #expect(Reply(refusal).code == 5)
        // What is no query gets nothing, and the frontend is told so.
        try frontend.send(.query(3, from: .v4(IPv4Address(bits: 0x7f00_0001)), on: 0, message: [0, 1, 2]))
        #expect(try frontend.next() == .reply(3, message: []))
        for _ in 0..<300 where server.pool.tally.relayedQueries < 3 { usleep(10_000) }
        #expect(server.pool.tally.relayedQueries == 3 && server.pool.tally.streamQueries == 0)
    }

    /// Views go by the interface that the frontend tells.
    @Test func answersByTheViewOfTheInterface() throws {
        let server = try LoopbackServer()
        let frontend = try Frontend(of: server)
        func zone(_ address: String) throws -> Policy.Zone {
            try Scenario.zone("plant.test", records: ["hub A \(address)"], realm: Scenario.path("lo"))
        }
        let view = Policy.View(name: "cell", clients: nil, interfaces: [7], zones: [try zone("10.20.0.7")])
        try server.adopt([try zone("10.20.0.4")], views: [view])
        let query = MessageText.query("hub.plant.test").bytes
        for (interface, address) in [(UInt32(7), "10.20.0.7"), (8, "10.20.0.4")] {
            try frontend.send(.query(1, from: .v4(IPv4Address(bits: 0x7f00_0001)), on: interface, message: query))
            guard case .reply(1, let answer) = try frontend.next() else {
                Issue.record("no reply")
                return
            }
            #expect(Reply(answer).addresses == [address])
        }
        // Whose view it is cannot be known.
        try frontend.send(.query(2, from: .v4(IPv4Address(bits: 0x7f00_0001)), on: 0, message: query))
        #expect(try frontend.next() == .reply(2, message: []))
    }

    /// The resolver may have no sockets yet when it hears of the frontend.
    @Test func servesAFrontendThatCameBeforeTheWorkers() throws {
        let pool = try WorkerPool(cacheBudget: 1 << 20)
        defer { pool.stop() }
        let frontend = try Frontend(of: pool)
        let any = SocketEndpoint(address: try #require(IPAddress("127.0.0.1")), port: 0)
        let socket = try NetworkSocket.listener(on: any, isStream: false)
        try pool.serve([.init(worker: 0, descriptor: socket.raw, isStream: false)])
        let query = MessageText.query("localhost").bytes
        let policy = Policy(
            serial: 1,
            allow: [try #require(IPPrefix("127.0.0.0/8"))],
            whenBlocked: .servfail,
            upstreams: [],
            zones: [],
            after: nil
        )
        // Nor a policy: what is asked meanwhile waits.
        try frontend.send(.query(1, from: .v4(IPv4Address(bits: 0x7f00_0001)), on: 0, message: query))
        usleep(100_000)
        pool.adopt(policy)
        guard case .reply(1, let answer) = try frontend.next() else {
            Issue.record("no reply")
            return
        }
        #expect(Reply(answer).addresses == ["127.0.0.1"])
    }

    @Test func hangsUpOnAFrontendThatSaysNonsense() throws {
        let server = try LoopbackServer()
        try server.adopt([])
        for octets in [[0, 1, 0, 30], RelayMessage.reply(1, message: []).frame] as [[UInt8]] {
            let frontend = try Frontend(of: server)
            try frontend.send(octets)
            #expect(try frontend.isOver())
        }
    }
}
