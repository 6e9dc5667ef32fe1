// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO
import Testing

@testable import PrivateDNS

/// The real threads and the real sockets, over loopback.
@Suite(.serialized)
struct LoopbackTests {
    private func records() throws -> [Policy.Zone] {
        [try Scenario.zone("plant.internal", records: ["h A 10.0.0.1"], realm: Scenario.path("lo"))]
    }

    /// As they do for a resolver that takes over the sockets of one that died.
    @Test func questionsWaitUntilThereIsAPolicy() throws {
        let server = try LoopbackServer()
        let socket = try NetworkSocket.datagram(to: server.endpoint, through: nil)
        _ = try socket.write(MessageText.query("a.corp.test").bytes.span)
        #expect(try LoopbackServer.wait(socket, milliseconds: 200) == nil)
        try server.adopt([try Scenario.zone("corp.test", records: ["a A 10.20.0.1"], realm: Scenario.path("lo"))])
        #expect(try LoopbackServer.wait(socket).map { Reply($0).addresses } == ["10.20.0.1"])
    }

    @Test(arguments: ["127.0.0.1", "0.0.0.0"]) func answersOverDatagrams(address: String) throws {
        let server = try LoopbackServer(address: address)
        try server.adopt(records())
        let answer = try #require(try server.ask(MessageText.query("h.plant.internal").bytes))
        #expect(Reply(answer).addresses == ["10.0.0.1"])
    }

    @Test func answersAStreamOutOfOrder() throws {
        let any = SocketEndpoint(address: .v4(IPv4Address(bits: 0x7f00_0001)), port: 0)
        let silent = try NetworkSocket.listener(on: any, isStream: false)
        let endpoint = try #require(NetworkSocket.boundEndpoint(of: silent.raw))
        let server = try LoopbackServer()
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
        while ids.count < 3, let part = try LoopbackServer.wait(client), !part.isEmpty {
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
        let server = try LoopbackServer(workers: 2)
        try server.adopt(records())
        #expect(server.pool.count == 2)
        for id in 0..<50 {
            let answer = try server.ask(MessageText.query("h.plant.internal", id: UInt16(id)).bytes)
            #expect(answer.map { Reply($0).id } == id)
        }
        usleep(1_200_000)
        #expect(server.pool.tally.datagramQueries == 50)
    }

    /// Which worker a client's next query reaches is the kernel's choice.
    @Test func allWorkersKnowTheCookiesOfEach() throws {
        let server = try LoopbackServer(workers: 3)
        try server.adopt(records())
        func ask(_ cookie: [UInt8]) throws -> [UInt8]? {
            let option = [0, 10, 0, UInt8(cookie.count)] + cookie
            let query = MessageText.query("h.plant.internal", edns: MessageText.opt(options: option)).bytes
            return try server.ask(query).flatMap { Reply($0).cookie }
        }
        let given = try #require(try ask([1, 2, 3, 4, 5, 6, 7, 8]))
        // One that is not known would be answered with another: the time has gone on, or the key is another's.
        usleep(1_100_000)
        for _ in 0..<30 { #expect(try ask(given) == given) }
    }

    @Test func forwardsThroughAnInterface() throws {
        let any = SocketEndpoint(address: .v4(IPv4Address(bits: 0x7f00_0001)), port: 0)
        let cloud = try NetworkSocket.listener(on: any, isStream: false)
        let endpoint = try #require(NetworkSocket.boundEndpoint(of: cloud.raw))
        let server = try LoopbackServer()
        try server.adopt([try Scenario.zone("azure.test", forward: [endpoint], realm: Scenario.path("lo"))])
        let client = try NetworkSocket.datagram(to: server.endpoint, through: nil)
        _ = try client.write(MessageText.query("hub.azure.test").bytes.span)

        try LoopbackServer.answer(cloud, [10, 20, 0, 7])
        let answer = try #require(try LoopbackServer.wait(client))
        #expect(Reply(answer).addresses == ["10.20.0.7"])
        #expect(Reply(answer).records.first?.ttl == 10)
    }
}
