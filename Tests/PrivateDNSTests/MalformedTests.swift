// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO
import Testing

@testable import PrivateDNS

/// Octets that are no query, against the real sockets: each has one answer, which is a header, or none.
@Suite(.serialized)
struct MalformedTests {
    enum Answer: Equatable {
        case silence
        /// A header with this code and nothing behind it.
        case header(UInt8)
        /// A whole answer with this code.
        case code(Int)
    }

    /// A header with id 0x0102, RD and these counts, and octets behind it.
    private static func message(_ counts: [UInt8], _ body: [UInt8], flags: UInt8 = 1) -> [UInt8] {
        [1, 2, flags, 0] + counts.flatMap { [0, $0] } + body
    }

    private static let question = MessageText.wire("h.plant.internal") + [0, 1, 0, 1]
    private static let opt = MessageText.opt()

    /// A name of so many octets, from 4 on.
    private static func name(_ octets: Int) -> [UInt8] {
        var name: [UInt8] = []
        while octets - name.count - 1 > 64 { name += [63] + [UInt8](repeating: 0x61, count: 63) }
        let rest = octets - name.count - 2
        return name + [UInt8(rest)] + [UInt8](repeating: 0x61, count: rest) + [0]
    }

    static let cases: [(what: String, message: [UInt8], answer: Answer)] = {
        let badOption = MessageText.opt(options: [0, 100, 0, 2, 1])
        var longData = opt
        longData[10] = 1
        let fault = Answer.header(1)
        return [
            ("nothing", [], .silence),
            ("one octet", [1], .silence),
            ("a header cut by one octet", Array(message([1, 0, 0, 0], []).prefix(11)), .silence),
            ("an answer", message([1, 0, 0, 0], question, flags: 0x81), .silence),
            ("an answer with an unknown opcode", message([1, 0, 0, 0], question, flags: 0xf8), .silence),
            ("a header alone", message([0, 0, 0, 0], []), fault),
            ("a question that is announced only", message([1, 0, 0, 0], []), fault),
            ("no question, but a record", message([0, 0, 0, 1], opt), fault),
            ("two questions", message([2, 0, 0, 0], question + question), fault),
            ("two questions announced", message([2, 0, 0, 0], question), fault),
            ("a question less than there are", message([0, 0, 0, 0], question), fault),
            ("an answer record", message([1, 1, 0, 0], question + opt), fault),
            ("an authority record", message([1, 0, 1, 0], question + opt), fault),
            ("255 records announced", message([1, 0, 0, 255], question), fault),
            ("a question without a class", message([1, 0, 0, 0], question.dropLast(2)), fault),
            ("a name without an end", message([1, 0, 0, 0], Array(question.prefix(17 - 1))), fault),
            ("a label that is cut", message([1, 0, 0, 0], [63, 0x61]), fault),
            ("a pointer to itself", message([1, 0, 0, 0], [0xc0, 12, 0, 1, 0, 1]), fault),
            ("a pointer forwards", message([1, 0, 0, 0], [0xc0, 18, 0, 1, 0, 1, 0]), fault),
            ("a pointer into the header", message([1, 0, 0, 0], [0xc0, 4, 0, 1, 0, 1]), fault),
            (
                "a label of 64 octets",
                message([1, 0, 0, 0], [64] + .init(repeating: 0x61, count: 64) + [0, 0, 1, 0, 1]), fault
            ),
            ("a label of type 2", message([1, 0, 0, 0], [0x80, 0, 0, 1, 0, 1]), fault),
            ("a name of 255 octets", message([1, 0, 0, 0], name(255) + [0, 1, 0, 1]), .code(5)),
            ("a name of 256 octets", message([1, 0, 0, 0], name(256) + [0, 1, 0, 1]), fault),
            ("a name of 320 octets", message([1, 0, 0, 0], name(320) + [0, 1, 0, 1]), fault),
            ("an octet behind the end", message([1, 0, 0, 0], question + [0]), fault),
            ("an octet behind OPT", message([1, 0, 0, 1], question + opt + [0]), fault),
            ("two OPT", message([1, 0, 0, 2], question + opt + opt), fault),
            ("an OPT with an owner", message([1, 0, 0, 1], question + [1, 0x78] + opt), fault),
            (
                "an OPT that a pointer to the root owns",
                message([1, 0, 0, 1], question + [0xc0, 28] + opt.dropFirst()), fault
            ),
            ("an OPT that is cut", message([1, 0, 0, 1], question + opt.dropLast()), fault),
            ("an OPT that announces data", message([1, 0, 0, 1], question + longData), fault),
            ("an option that is cut", message([1, 0, 0, 1], question + badOption), fault),
            (
                "an option of three octets", message([1, 0, 0, 1], question + MessageText.opt(options: [0, 100, 0])),
                fault
            ),
            (
                "a cookie of seven octets",
                message([1, 0, 0, 1], question + MessageText.opt(options: [0, 10, 0, 7, 1, 2, 3, 4, 5, 6, 7])), fault
            ),
            (
                "a loop of two pointers in a record",
                message([1, 0, 0, 1], question + [0xc0, 36, 0xc0, 34, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]), fault
            ),
            (
                "a pointer to the end", message([1, 0, 0, 1], question + [0xff, 0xff, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]),
                fault
            ),
            (
                "a transaction signature", message([1, 0, 0, 1], question + [0, 0, 250, 0, 255, 0, 0, 0, 0, 0, 0]),
                .code(0)
            ),
            (
                "a question for OPT", message([1, 0, 0, 0], MessageText.wire("h.plant.internal") + [0, 41, 0, 1]),
                .code(5)
            ),
            (
                "a question for type 0", message([1, 0, 0, 0], MessageText.wire("h.plant.internal") + [0, 0, 0, 1]),
                .code(5)
            ),
            ("a transfer", message([1, 0, 0, 0], MessageText.wire("plant.internal") + [0, 252, 0, 1]), .code(5)),
            ("class 0", message([1, 0, 0, 0], MessageText.wire("h.plant.internal") + [0, 1, 0, 0]), .code(5)),
            (
                "a record behind OPT", message([1, 0, 0, 2], question + opt + [0, 0, 16, 0, 1, 0, 0, 0, 0, 0, 0]),
                .code(0)
            ),
        ]
    }()

    private static func server(forward: [SocketEndpoint] = []) throws -> LoopbackServer {
        let server = try LoopbackServer()
        var zones = [try Scenario.zone("plant.internal", records: ["h A 10.0.0.1"], realm: Scenario.path("lo"))]
        if !forward.isEmpty {
            zones.append(try Scenario.zone("azure.test", forward: forward, realm: Scenario.path("lo")))
        }
        try server.adopt(zones)
        return server
    }

    private static func answer(_ reply: [UInt8]?) -> Answer {
        guard let reply else { return .silence }
        guard reply.count == 12 else { return .code(Reply(reply).code) }
        #expect(Array(reply[..<3]) == [1, 2, 0x81])
        #expect(Array(reply[4...]) == [0, 0, 0, 0, 0, 0, 0, 0])
        return .header(reply[3])
    }

    @Test(arguments: LoopbackClient.Transport.allCases) func hasOneAnswer(transport: LoopbackClient.Transport) throws {
        let server = try Self.server()
        var client = try LoopbackClient(of: server, transport)
        for test in Self.cases {
            #expect(Self.answer(try client.ask(test.message)) == test.answer, "\(test.what)")
        }
    }

    /// Longer than any query that comes by datagram; the kernel gave us a part of it.
    @Test func aDatagramThatIsCutHasNoAnswer() throws {
        let server = try Self.server()
        var client = try LoopbackClient(of: server, .datagram)
        let padding = MessageText.opt(options: [0, 12, 0x0f, 0xfc] + [UInt8](repeating: 0, count: 0x0ffc))
        #expect(Self.answer(try client.ask(Self.message([1, 0, 0, 1], Self.question + padding))) == .silence)
    }

    @Test(arguments: [UInt8(0), 0xc0, 0xff]) func takesTheLongestFrame(octet: UInt8) throws {
        let server = try Self.server()
        var client = try LoopbackClient(of: server, .stream)
        let rest = [UInt8](repeating: octet, count: 65535 - 12)
        #expect(Self.answer(try client.ask(Self.message([1, 0, 0, 0], rest))) == .header(1))
        // All of it an option: that is a query like any other.
        let size = 65535 - 12 - Self.question.count - 11
        var opt = MessageText.opt()
        opt[9] = UInt8(size >> 8)
        opt[10] = UInt8(size & 255)
        let option: [UInt8] = [0, 12, UInt8((size - 4) >> 8), UInt8((size - 4) & 255)]
        let padding = [UInt8](repeating: octet, count: size - 4)
        #expect(
            Self.answer(try client.ask(Self.message([1, 0, 0, 1], Self.question + opt + option + padding))) == .code(0)
        )
    }

    @Test func takesAQueryOctetByOctet() throws {
        let server = try Self.server()
        var client = try LoopbackClient(of: server, .stream)
        for octet in LoopbackClient.frame(MessageText.query("h.plant.internal", id: 7).bytes) {
            try client.write([octet])
            usleep(1000)
        }
        #expect(try client.next().map { Reply($0).id } == 7)
    }

    /// Whoever asks no more still gets what it asked for, and then the end.
    @Test func answersAClientThatHasClosedItsHalf() throws {
        let any = SocketEndpoint(address: .v4(IPv4Address(bits: 0x7f00_0001)), port: 0)
        let cloud = try NetworkSocket.listener(on: any, isStream: false)
        let server = try Self.server(forward: [try #require(NetworkSocket.boundEndpoint(of: cloud.raw))])
        var client = try LoopbackClient(of: server, .stream)
        try client.send(MessageText.query("hub.azure.test", id: 1).bytes)
        try client.send(MessageText.query("h.plant.internal", id: 2).bytes)
        // And a frame that never ends.
        try client.write([0, 40, 1])
        #expect(shutdown(client.socket.raw, Int32(SHUT_WR)) == 0)
        #expect(try client.next().map { Reply($0).id } == 2)
        #expect(try client.next(milliseconds: 200) == nil)
        try LoopbackServer.answer(cloud, [10, 20, 0, 7])
        #expect(try client.next().map { Reply($0).addresses } == ["10.20.0.7"])
        #expect(try client.next() == [])
    }

    private final class Holder {
        let client: LoopbackClient
        init(_ client: consuming LoopbackClient) { self.client = client }
    }

    /// RFC 7766 section 6.2.2: one client does not get all connections, and loses its own first.
    @Test func aClientHasOnlySoManyConnections() throws {
        let server = try Self.server()
        try server.adopt(
            [try Scenario.zone("plant.internal", records: ["h A 10.0.0.1"], realm: Scenario.path("lo"))],
            clientLimits: ClientLimits(queriesPerSecond: 100, inFlight: 100, responsesPerSecond: 100, exempt: [])
        )
        var first = try LoopbackClient(of: server, .stream)
        #expect(try first.ask(MessageText.query("h.plant.internal").bytes) != nil)
        var others: [Holder] = []
        for _ in 0..<32 {
            var client = try LoopbackClient(of: server, .stream)
            #expect(try client.ask(MessageText.query("h.plant.internal").bytes) != nil)
            others.append(Holder(client))
        }
        #expect(try first.next() == [])
        #expect(others.count == 32)
    }
}
