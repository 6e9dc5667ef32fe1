// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO
import Testing

@testable import PrivateDNS

/// An upstream that leads back: its question is told from a client's, which would wait for itself.
@Suite struct LoopTests {
    private let name = "www.example-of-a-long-name.net"

    @Test func itsOwnQuestionIsKnown() throws {
        let scenario = Scenario()
        scenario.adopt([])
        scenario.ask(name)
        let asked = try #require(scenario.takeAsked().first)
        // As it was sent, by a forwarder that keeps letters.
        let own = try #require(scenario.ask(asked.message).map { Reply($0) })
        #expect(own.code == 2 && String(decoding: own.bytes, as: UTF8.self).contains("came back to it"))
        #expect(scenario.tally.loops == 1)
        // The forwarder passes the failure on.
        scenario.reply(MessageText.answer(to: asked.message, code: 2), to: asked)
        #expect(scenario.takeAnswers().map(\.code) == [2])
    }

    @Test func aClientsSameQuestionIsNone() throws {
        let scenario = Scenario()
        scenario.adopt([])
        scenario.ask(name)
        let asked = try #require(scenario.takeAsked().first)
        #expect(scenario.ask(name, id: 7) == nil)
        scenario.ask(name.uppercased(), id: 8)
        #expect(scenario.tally.loops == 0)
        let record = MessageText.record(name, .a, ttl: 10, [203, 0, 113, 1])
        scenario.reply(MessageText.answer(to: asked.message, answers: [record]), to: asked)
        #expect(scenario.takeAnswers().count == 3)
    }
}
