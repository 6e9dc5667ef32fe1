// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import PrivateDNS

struct TruncationTests {
    /// What is aged is what is left of the records, and not what came to stand in their place.
    @Test func anOldAnswerThatIsCutKeepsItsOPT() throws {
        let scenario = Scenario()
        scenario.adopt([try Scenario.zone("azure.test", realm: Scenario.path("pn-a"))])
        let txt = RecordType(rawValue: 16)
        let query = MessageText.query("hub.azure.test", txt, edns: MessageText.opt(size: 512, dnssecOK: true)).bytes
        scenario.ask(query)
        let asked = try #require(scenario.takeAsked().first)
        let records = (0..<9).map { number in
            MessageText.record("hub.azure.test", txt, ttl: 300, [255] + [UInt8](repeating: UInt8(number), count: 255))
        }
        scenario.reply(MessageText.answer(to: asked.message, answers: records), to: asked)
        let young = try #require(scenario.takeAnswers().first)
        scenario.pass(.seconds(3))
        let old = Reply(try #require(scenario.ask(query)))
        #expect(scenario.tally.cacheHits == 1)
        #expect(old.isTruncated)
        #expect(old.counts == [1, 0, 0, 1])
        #expect(old.bytes == young.bytes)
        // Size, code, version, DO, no options.
        #expect(old.rawOPT == [4, 208, 0, 0, 0x80, 0, 0, 0])
    }
}
