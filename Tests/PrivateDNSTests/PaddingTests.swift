// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import PrivateDNS

/// Answers whose length tells little of them (RFC 7830, RFC 8467).
struct PaddingTests {
    private static let padded = MessageText.opt(options: [0, 12, 0, 3, 0, 0, 0])

    private func scenario() throws -> Scenario {
        let scenario = Scenario()
        let records = ["hub A 10.20.0.4"] + (0..<40).map { "many A 10.20.1.\($0)" }
        scenario.adopt([try Scenario.zone("plant.test", records: records, realm: Scenario.path("pn-a"))])
        return scenario
    }

    @Test(arguments: [("hub.plant.test", 468), ("none.plant.test", 468), ("many.plant.test", 936)])
    func areOfWholeBlocks(name: String, length: Int) throws {
        let scenario = try scenario()
        let query = MessageText.query(name, edns: Self.padded).bytes
        let reply = Reply(try #require(scenario.ask(query, isRelayed: true)))
        #expect(reply.bytes.count == length)
        let opt = try #require(reply.records.last)
        #expect(opt.type == .opt && opt.data.prefix(2) == [0, 12] && opt.data.dropFirst(4).allSatisfy { $0 == 0 })
        #expect(opt.data.count == 4 + (Int(opt.data[2]) << 8 | Int(opt.data[3])))
    }

    /// Also what has to be waited for.
    @Test func areSoWhenTheyComeLate() throws {
        let scenario = try scenario()
        scenario.ask(MessageText.query("www.example.net", edns: Self.padded).bytes, isRelayed: true)
        let asked = try #require(scenario.takeAsked().first)
        let record = MessageText.record("www.example.net", .a, ttl: 300, [203, 0, 113, 81])
        scenario.reply(MessageText.answer(to: asked.message, answers: [record]), to: asked)
        let reply = try #require(scenario.takeAnswers().first)
        #expect(reply.bytes.count == 468 && reply.addresses == ["203.0.113.81"])
    }

    @Test func areNotSoForWhoDoesNotAskOrSpeaksInTheClear() throws {
        let scenario = try scenario()
        let plain = MessageText.query("hub.plant.test", edns: MessageText.opt()).bytes
        let padded = MessageText.query("hub.plant.test", edns: Self.padded).bytes
        let length = try #require(scenario.ask(plain)).count
        #expect(scenario.ask(plain, isRelayed: true)?.count == length)
        #expect(scenario.ask(padded, isStream: true)?.count == length)
        #expect(scenario.ask(padded)?.count == length)
    }
}
