// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import PrivateDNS

/// The tests of RFC 8906 section 8, against the real sockets, by UDP and by TCP.
@Suite(.serialized)
struct ComplianceTests {
    /// One query of the RFC and what is to come back, bit by bit.
    struct Case: Sendable, CustomTestStringConvertible {
        let section: String
        let what: String
        var flags: UInt16 = 0
        var type: UInt16 = 6
        var edns: [UInt8]?
        /// The whole flags word: RFC 8906 has RD and AD clear, Z clear; ours has RA.
        var reply: UInt16 = 0x8480
        /// The numbers of question, answer, authority and additional records.
        var counts = [1, 1, 0, 0]
        /// OPT from its class on: size, extended code, version, flags, options; nil for none.
        var opt: [UInt8]?

        var testDescription: String { "\(section) \(what)" }
    }

    /// OPT of an answer without options: 1232 octets, version 0.
    private static func opt(code: UInt8 = 0, isDO: Bool = false, options: [UInt8] = []) -> [UInt8] {
        [4, 208, code, 0, isDO ? 0x80 : 0, 0, 0, UInt8(options.count)] + options
    }

    /// OPT of a query with flags of its own.
    private static func query(version: UInt8 = 0, flags: UInt16 = 0, options: [UInt8] = []) -> [UInt8] {
        [0, 0, 41, 4, 208, 0, version, UInt8(flags >> 8), UInt8(flags & 255), 0, UInt8(options.count)] + options
    }

    private static let unknownOption: [UInt8] = [0, 100, 0, 0]
    /// NSID, client subnet, EXPIRE and a cookie's beginning.
    private static let definedOptions: [UInt8] =
        [0, 3, 0, 0, 0, 8, 0, 4, 0, 1, 0, 0, 0, 9, 0, 0]

    static let cases: [Case] = {
        let ednsCounts = [1, 1, 0, 1]
        let refusedVersion = [1, 0, 0, 1]
        return [
            Case(section: "8.1.1", what: "zone configured"),
            Case(section: "8.1.2", what: "unknown type", type: 1000, counts: [1, 0, 1, 0]),
            // CD is copied (RFC 4035 section 3.2.2).
            Case(section: "8.1.3.1", what: "CD", flags: 0x0010, reply: 0x8490),
            Case(section: "8.1.3.2", what: "AD", flags: 0x0020),
            Case(section: "8.1.3.3", what: "reserved bit", flags: 0x0040),
            Case(section: "8.1.3.4", what: "RD", flags: 0x0100, reply: 0x8580),
            Case(section: "8.1.5", what: "all header bits", flags: 0x0170, reply: 0x8590),
            Case(section: "8.2.1", what: "minimal EDNS", edns: query(), counts: ednsCounts, opt: opt()),
            Case(
                section: "8.2.2",
                what: "version 1",
                edns: query(version: 1),
                // BADVERS is 16: 0 in the header, 1 in OPT; nobody is asked, so there is no AA.
                reply: 0x8080,
                counts: refusedVersion,
                opt: opt(code: 1)
            ),
            Case(
                section: "8.2.3",
                what: "unknown option",
                edns: query(options: unknownOption),
                counts: ednsCounts,
                opt: opt()
            ),
            Case(section: "8.2.4", what: "unknown flag", edns: query(flags: 0x40), counts: ednsCounts, opt: opt()),
            Case(
                section: "8.2.5",
                what: "version 1, unknown flag",
                edns: query(version: 1, flags: 0x40),
                reply: 0x8080,
                counts: refusedVersion,
                opt: opt(code: 1)
            ),
            Case(
                section: "8.2.6",
                what: "version 1, unknown option",
                edns: query(version: 1, options: unknownOption),
                reply: 0x8080,
                counts: refusedVersion,
                opt: opt(code: 1)
            ),
            Case(
                section: "8.2.8",
                what: "DO",
                edns: query(flags: 0x8000),
                counts: ednsCounts,
                opt: opt(isDO: true)
            ),
            Case(
                section: "8.2.9",
                what: "version 1, DO",
                edns: query(version: 1, flags: 0x8000),
                reply: 0x8080,
                counts: refusedVersion,
                opt: opt(code: 1, isDO: true)
            ),
            Case(
                section: "8.2.10",
                what: "defined options",
                edns: query(options: definedOptions),
                counts: ednsCounts,
                opt: opt()
            ),
            Case(
                section: "8.2",
                what: "all at once",
                flags: 0x0060,
                edns: query(version: 255, flags: 0xffff, options: definedOptions + unknownOption),
                reply: 0x8080,
                counts: refusedVersion,
                opt: opt(code: 1, isDO: true)
            ),
        ]
    }()

    private static func server() throws -> LoopbackServer {
        let server = try LoopbackServer()
        let long = (0..<100).map { "many A 10.0.1.\($0)" }
        try server.adopt([
            try Scenario.zone("plant.internal", records: ["h A 10.0.0.1"] + long, realm: Scenario.path("lo"))
        ])
        return server
    }

    @Test(arguments: LoopbackClient.Transport.allCases) func answersAsTheRFCExpects(
        transport: LoopbackClient.Transport
    ) throws {
        let server = try Self.server()
        var client = try LoopbackClient(of: server, transport)
        for (number, test) in Self.cases.enumerated() {
            var message = MessageText(id: UInt16(number), flags: test.flags)
            message.questions = [("plant.internal", test.type, 1)]
            message.additional = test.edns.map { [$0] } ?? []
            let reply = Reply(try #require(try client.ask(message.bytes), "\(test.testDescription)"))
            #expect(reply.id == number, "\(test.testDescription)")
            #expect(reply.number(at: 2) == Int(test.reply), "\(test.testDescription)")
            #expect(reply.counts == test.counts, "\(test.testDescription)")
            // The question comes back as it went out.
            #expect(Array(reply.bytes[12..<32]) == Array(message.bytes[12..<32]), "\(test.testDescription)")
            #expect(reply.rawOPT == test.opt, "\(test.testDescription)")
        }
    }

    /// Section 8.1.4, for all opcodes but QUERY: a header and nothing else.
    @Test(arguments: LoopbackClient.Transport.allCases) func saysNOTIMP(transport: LoopbackClient.Transport) throws {
        let server = try Self.server()
        var client = try LoopbackClient(of: server, transport)
        for opcode in 1...15 as ClosedRange<UInt8> {
            let header: [UInt8] = [1, 2, opcode << 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]
            let expected: [UInt8] = [1, 2, 0x80 | opcode << 3, 4, 0, 0, 0, 0, 0, 0, 0, 0]
            #expect(try client.ask(header) == expected)
            // With a body whose meaning is not known either.
            #expect(try client.ask(header[..<4] + [0, 1, 0, 1, 0, 1, 0, 1, 255, 255]) == expected)
        }
    }

    /// Section 8.2.7: what does not fit is left out, and OPT stays.
    @Test func truncatesAndKeepsOPT() throws {
        let server = try Self.server()
        let query = MessageText.query("many.plant.internal", edns: Self.query(flags: 0x8000)).bytes
        var client = try LoopbackClient(of: server, .datagram)
        let reply = Reply(try #require(try client.ask(query)))
        #expect(reply.number(at: 2) == 0x8780)
        #expect(reply.counts == [1, 0, 0, 1])
        #expect(reply.rawOPT == Self.opt(isDO: true))
        var stream = try LoopbackClient(of: server, .stream)
        let whole = Reply(try #require(try stream.ask(query)))
        #expect(whole.number(at: 2) == 0x8580)
        #expect(whole.counts == [1, 100, 0, 1])
    }
}

extension Reply {
    /// OPT from its class on, as it stands; nil where it is not the last record, or the root does not own it.
    var rawOPT: [UInt8]? {
        guard let opt = records.last, opt.type == .opt else { return nil }
        let start = bytes.count - opt.data.count - 11
        guard bytes[start] == 0 else { return nil }
        return Array(bytes[(start + 3)...])
    }
}
