// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import PrivateDNS

/// What a client may say, and what it gets for it.
struct QueryTests {
    private func scenario() throws -> Scenario {
        let scenario = Scenario()
        scenario.adopt([
            try Scenario.zone("plant.internal", records: ["h A 10.0.0.1"], realm: Scenario.path("pn-a"))
        ])
        return scenario
    }

    private var query: MessageText { MessageText.query("h.plant.internal") }

    @Test func dropsWhatIsNoQuery() throws {
        let scenario = try scenario()
        var answer = query
        answer.flags = 0x8100
        #expect(scenario.ask(answer.bytes) == nil)
        #expect(scenario.ask(Array(query.bytes.prefix(11))) == nil)
        #expect(scenario.ask([]) == nil)
    }

    static let malformed: [(String, [UInt8])] = {
        let good = MessageText.query("h.plant.internal").bytes
        var two = MessageText.query("h.plant.internal")
        two.questions += two.questions
        var none = MessageText.query("h.plant.internal")
        none.questions = []
        var withAnswer = MessageText.query("h.plant.internal")
        withAnswer.answers = [MessageText.record("x", .a, ttl: 1, [1, 2, 3, 4])]
        var twoOPT = MessageText.query("h.plant.internal")
        twoOPT.additional = [MessageText.opt(), MessageText.opt()]
        var ownedOPT = MessageText.query("h.plant.internal")
        ownedOPT.additional = [[1, 0x78] + MessageText.opt()]
        let badOption = MessageText.query("h.plant.internal", edns: MessageText.opt(options: [0, 8, 0, 9, 1])).bytes
        var pointer = Array(good.prefix(12))
        pointer += [0xc0, 12, 0, 1, 0, 1]
        var long = Array(good.prefix(12))
        for _ in 0..<5 { long += [63] + [UInt8](repeating: 0x61, count: 63) }
        long += [0, 0, 1, 0, 1]
        return [
            ("two questions", two.bytes), ("no question", none.bytes), ("an answer", withAnswer.bytes),
            ("two OPT", twoOPT.bytes), ("an OPT with an owner", ownedOPT.bytes), ("a cut option", badOption),
            ("a pointer to itself", pointer), ("a name of 321 octets", long), ("trailing octets", good + [0]),
            ("a cut question", Array(good.dropLast(2))), ("a cut name", Array(good.prefix(16))),
            ("an unknown label type", Array(good.prefix(12)) + [0x41, 0, 0, 1, 0, 1]),
        ]
    }()

    @Test(arguments: malformed) func saysFORMERR(what: String, message: [UInt8]) throws {
        let reply = Reply(try #require(try scenario().ask(message)))
        #expect(reply.bytes.count == 12)
        #expect(reply.id == 0x1234)
        #expect(reply.code == 1)
    }

    @Test func saysNOTIMPForOtherOpcodes() throws {
        var message = query
        message.flags = 4 << 11
        #expect(Reply(try #require(try scenario().ask(message.bytes))).code == 4)
    }

    @Test func saysBADVERSForALaterEDNS() throws {
        let reply = try #require(try scenario().ask("h.plant.internal", edns: MessageText.opt(version: 1)))
        // The low four bits are in the header, the others in OPT: 16 is 0 and 1.
        #expect(reply.code == 0)
        let opt = try #require(reply.records.first)
        #expect(opt.ttl >> 24 == 1)
        #expect(reply.addresses.isEmpty)
    }

    @Test(arguments: [UInt16(3), 4, 254, 255]) func refusesOtherClasses(number: UInt16) throws {
        var message = query
        message.questions[0].classNumber = number
        #expect(Reply(try #require(try scenario().ask(message.bytes))).code == 5)
    }

    @Test func refusesStrangersWithEDE18() throws {
        let scenario = try scenario()
        let stranger = IPAddress.v4(IPv4Address(bits: 0x0808_0808))
        let message = MessageText.query("h.plant.internal", edns: MessageText.opt()).bytes
        let reply = Reply(try #require(scenario.ask(message, from: stranger)))
        #expect(reply.code == 5)
        #expect(reply.extendedError?.code == 18)
        #expect(scenario.tally.refused == 1)
    }

    @Test func allowsAnIPv4ClientOfADualStackSocket() throws {
        let mapped = try #require(IPAddress("::ffff:127.0.0.1"))
        #expect(Reply(try #require(try scenario().ask(query.bytes, from: mapped))).addresses == ["10.0.0.1"])
    }

    @Test func refusesOtherNamesWithoutUpstreams() throws {
        let scenario = Scenario()
        scenario.adopt([], upstreams: [])
        let reply = try #require(scenario.ask("example.net", edns: MessageText.opt()))
        #expect(reply.code == 5)
        #expect(reply.extendedError?.code == 20)
    }

    @Test func copiesRDAndCDAndSetsRA() throws {
        var message = query
        message.flags = 0x0010
        let reply = Reply(try #require(try scenario().ask(message.bytes)))
        #expect(reply.number(at: 2) == 0x8490)
    }

    @Test func answersEverySmallChangeOfAMessageOrDropsIt() throws {
        let scenario = try scenario()
        let message = MessageText.query("h.plant.internal", edns: MessageText.opt(options: [0, 3, 0, 1, 9])).bytes
        for index in message.indices {
            for value in UInt8.min...UInt8.max {
                var changed = message
                changed[index] = value
                if let answer = scenario.ask(changed) { #expect(answer.count >= 12) }
            }
            scenario.ask(Array(message.prefix(index)))
        }
    }
}
