// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO
import Testing

@testable import PrivateDNS

/// The real threads and the real sockets, over loopback.
@Suite(.serialized)
struct LoopbackTests {
    /// A pool with UDP and TCP on one port.
    private final class Server {
        let pool: WorkerPool
        let endpoint: SocketEndpoint
        private var serial: UInt64 = 0
        private var policy: Policy?

        init(workers: Int = 1, address: String = "127.0.0.1") throws {
            pool = try WorkerPool(cacheBudget: 1 << 20)
            let any = SocketEndpoint(address: try #require(IPAddress(address)), port: 0)
            // A TCP port is chosen rather than a UDP one: those of connections that just ended are many.
            let stream = try NetworkSocket.listener(on: any, isStream: true)
            let bound = try #require(NetworkSocket.boundEndpoint(of: stream.raw))
            let first = try NetworkSocket.listener(on: bound, isStream: false)
            var listeners = [
                WorkerPool.Listener(worker: 0, descriptor: first.raw, isStream: false),
                WorkerPool.Listener(worker: 0, descriptor: stream.raw, isStream: true),
            ]
            var more: [Int32] = []
            for worker in 1..<max(workers, 1) {
                for isStream in [false, true] {
                    more.append(try NetworkSocket.listener(on: bound, isStream: isStream).release())
                    listeners.append(.init(worker: worker, descriptor: more.last ?? -1, isStream: isStream))
                }
            }
            try pool.serve(listeners)
            for descriptor in more { close(descriptor) }
            endpoint = SocketEndpoint(address: try #require(IPAddress("127.0.0.1")), port: bound.port)
        }

        deinit { pool.stop() }

        func adopt(_ zones: [Policy.Zone], upstreams: [SocketEndpoint] = []) throws {
            serial += 1
            let next = Policy(
                serial: serial,
                allow: [try #require(IPPrefix("127.0.0.0/8"))],
                whenBlocked: .servfail,
                upstreams: upstreams,
                zones: zones,
                after: policy
            )
            policy = next
            pool.adopt(next)
            for _ in 0..<500 where pool.policyInForce != serial { usleep(10_000) }
            try #require(pool.policyInForce == serial)
        }

        func ask(_ query: [UInt8]) throws -> [UInt8]? {
            let socket = try NetworkSocket.datagram(to: endpoint, through: nil)
            _ = try socket.write(query.span)
            return try LoopbackTests.wait(socket)
        }
    }

    private static func wait(_ socket: borrowing FileDescriptor, milliseconds: Int32 = 4000) throws -> [UInt8]? {
        var poller = pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&poller, 1, milliseconds) == 1 else { return nil }
        return try socket.read(upTo: 65535)
    }

    private func records() throws -> [Policy.Zone] {
        [try Scenario.zone("plant.internal", records: ["h A 10.0.0.1"], realm: Scenario.path("lo"))]
    }

    /// As they do for a resolver that takes over the sockets of one that died.
    @Test func questionsWaitUntilThereIsAPolicy() throws {
        let server = try Server()
        let socket = try NetworkSocket.datagram(to: server.endpoint, through: nil)
        _ = try socket.write(MessageText.query("a.corp.test").bytes.span)
        #expect(try Self.wait(socket, milliseconds: 200) == nil)
        try server.adopt([try Scenario.zone("corp.test", records: ["a A 10.20.0.1"], realm: Scenario.path("lo"))])
        #expect(try Self.wait(socket).map { Reply($0).addresses } == ["10.20.0.1"])
    }

    @Test(arguments: ["127.0.0.1", "0.0.0.0"]) func answersOverDatagrams(address: String) throws {
        let server = try Server(address: address)
        try server.adopt(records())
        let answer = try #require(try server.ask(MessageText.query("h.plant.internal").bytes))
        #expect(Reply(answer).addresses == ["10.0.0.1"])
    }

    @Test func answersAStreamOutOfOrder() throws {
        let any = SocketEndpoint(address: .v4(IPv4Address(bits: 0x7f00_0001)), port: 0)
        let silent = try NetworkSocket.listener(on: any, isStream: false)
        let endpoint = try #require(NetworkSocket.boundEndpoint(of: silent.raw))
        let server = try Server()
        try server.adopt(
            try records() + [try Scenario.zone("azure.test", forward: [endpoint], realm: Scenario.path("lo"))]
        )
        let client = try NetworkSocket.stream(to: server.endpoint, through: nil)
        var frames: [UInt8] = []
        // The first one waits for a server that says nothing; the others must not.
        for (id, name) in [(1, "slow.azure.test"), (2, "h.plant.internal"), (3, "no.plant.internal")] {
            let query = MessageText.query(name, id: UInt16(id)).bytes
            frames.append(UInt16(query.count))
            frames += query
        }
        var poller = pollfd(fd: client.raw, events: Int16(POLLOUT), revents: 0)
        try #require(unsafe poll(&poller, 1, 4000) == 1)
        // In two writes, cut inside a frame.
        #expect(try client.write(frames.span.extracting(first: 9)) == 9)
        usleep(20_000)
        #expect(try client.write(frames.span.extracting(droppingFirst: 9)) == frames.count - 9)
        var received: [UInt8] = []
        var ids: [Int] = []
        while ids.count < 3, let part = try Self.wait(client), !part.isEmpty {
            received += part
            while received.count >= 2, received.count >= 2 + Int(received.span.uint16(at: 0)) {
                let length = Int(received.span.uint16(at: 0))
                ids.append(Reply(Array(received[2..<2 + length])).id)
                received.removeFirst(2 + length)
            }
        }
        #expect(ids == [2, 3, 1])
    }

    @Test func spreadsOverWorkersAndChangesTheirNumber() throws {
        let server = try Server(workers: 2)
        try server.adopt(records())
        #expect(server.pool.count == 2)
        for id in 0..<50 {
            let answer = try server.ask(MessageText.query("h.plant.internal", id: UInt16(id)).bytes)
            #expect(answer.map { Reply($0).id } == id)
        }
        usleep(1_200_000)
        #expect(server.pool.tally.datagramQueries == 50)
    }

    @Test func forwardsThroughAnInterface() throws {
        let any = SocketEndpoint(address: .v4(IPv4Address(bits: 0x7f00_0001)), port: 0)
        let cloud = try NetworkSocket.listener(on: any, isStream: false)
        let endpoint = try #require(NetworkSocket.boundEndpoint(of: cloud.raw))
        let server = try Server()
        try server.adopt([try Scenario.zone("azure.test", forward: [endpoint], realm: Scenario.path("lo"))])
        let client = try NetworkSocket.datagram(to: server.endpoint, through: nil)
        _ = try client.write(MessageText.query("hub.azure.test").bytes.span)

        var poller = pollfd(fd: cloud.raw, events: Int16(POLLIN), revents: 0)
        try #require(unsafe poll(&poller, 1, 4000) == 1)
        var inbox = DatagramInbox(capacity: 1, datagramSize: 2048)
        try #require(try inbox.receive(from: cloud.raw) == 1)
        let question = [UInt8](inbox.octets(of: 0))
        let record = MessageText.record("hub.azure.test", .a, ttl: 300, [10, 20, 0, 7])
        let reply = MessageText.answer(to: question, answers: [record])
        var outbox = DatagramOutbox(capacity: 1, datagramSize: 1232)
        var room = outbox.nextRoom()
        room.copy(reply.span, at: 0)
        outbox.commit(reply.count, to: inbox.peer(of: 0))
        #expect(outbox.send(to: cloud.raw) == 0)

        let answer = try #require(try Self.wait(client))
        #expect(Reply(answer).addresses == ["10.20.0.7"])
        #expect(Reply(answer).records.first?.ttl == 10)
    }
}
