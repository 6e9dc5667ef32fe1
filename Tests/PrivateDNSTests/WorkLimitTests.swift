// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import PrivateDNS

/// How much work a server's answer may make: as much as any honest one does, and no more.
struct WorkLimitTests {
    private static let name = "hub.azure.test"

    /// Answers a question for the name with these records.
    private func reply(_ records: [[UInt8]]) throws -> Scenario {
        let scenario = Scenario()
        scenario.adopt([try Scenario.zone("azure.test", realm: Scenario.path("pn-a"))])
        scenario.ask(MessageText.query(Self.name).bytes, isStream: true)
        let asked = try #require(scenario.takeAsked().first)
        scenario.reply(MessageText.answer(to: asked.message, answers: records), to: asked)
        return scenario
    }

    private static func addresses(_ count: Int) -> [[UInt8]] {
        (0..<count).map { [0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 10, 20, UInt8($0 >> 8), UInt8($0 & 255)] }
    }

    @Test func takes256Records() throws {
        let answers = try reply(Self.addresses(256)).takeAnswers()
        #expect(answers.map(\.addresses.count) == [256])
        #expect(answers.first?.addresses.last == "10.20.0.255")
        // Each but the first owner is a pointer: 16 octets a record.
        #expect(answers.first?.bytes.count == 12 + 20 + 256 * 16)
    }

    @Test func refuses257Records() throws {
        #expect(try reply(Self.addresses(257)).takeAnswers().isEmpty)
    }

    /// The alias and its target once, and then each owner: 8 KiB are taken, and no name more.
    @Test(arguments: [(124, 1), (125, 0)]) func takesNamesOf8KiB(records: Int, answers: Int) throws {
        let alias = String(repeating: "a", count: 48) + "." + Self.name
        let wire = MessageText.wire(alias)
        #expect(wire.count == 65)
        let first = MessageText.record(Self.name, .cname, ttl: 300, wire)
        // 16 + 65 + 124 * 65 octets are below 8,192, and another 65 are not.
        let others = (0..<records).map { MessageText.record(alias, .a, ttl: 300, [10, 20, 0, UInt8($0)]) }
        #expect(try reply([first] + others).takeAnswers().count == answers)
    }

    @Test func takesEightRecordsBehindAQuestion() throws {
        let scenario = Scenario()
        scenario.adopt([try Scenario.zone("plant.internal", records: ["h A 10.0.0.1"], realm: Scenario.path("pn-a"))])
        for (count, code) in [(8, 0), (9, 1)] {
            var message = MessageText.query("h.plant.internal")
            message.additional = Array(repeating: MessageText.record("x", .a, ttl: 1, [1, 2, 3, 4]), count: count)
            #expect(Reply(try #require(scenario.ask(message.bytes))).code == code)
        }
    }

    /// The pattern that a decoder without limits pays for: thousands of records point to the end of a chain.
    @Test func aChainOfPointersIsNotFollowedForEver() {
        var message = [UInt8](repeating: 0, count: 12) + [1, 0x61, 0]
        var last = 12
        for _ in 0..<11 {
            let next = message.count
            message += [1, 0x61, 0xc0 | UInt8(last >> 8), UInt8(last & 255)]
            last = next
        }
        let octets = message.span
        #expect((try? WireName.skip(octets, at: last - 4)) == last)
        #expect(throws: FormatError.tooManyPointers) { try WireName.skip(message.span, at: last) }
    }
}
