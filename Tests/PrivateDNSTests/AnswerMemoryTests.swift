// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO
import Testing

@testable import PrivateDNS

@Suite struct AnswerMemoryTests {
    private let start = Instant(nanoseconds: 0)

    private func key(_ name: String, origin: UInt64 = 1) -> AnswerMemory.Key {
        AnswerMemory.Key(name: MessageText.wire(name), type: .a, variant: [], origin: AnswerOrigin(rawValue: origin))
    }

    private func answer(_ octets: Int, at seconds: Int64 = 0) -> LastAnswer {
        LastAnswer(
            records: Array(repeating: 7, count: octets),
            answers: 1,
            learned: start + .seconds(seconds),
            leaves: false
        )
    }

    @Test func forgetsWhatIsTooOldOrTakenBack() {
        let memory = AnswerMemory()
        memory.learn(answer(10), of: key("a.test"))
        #expect(memory.recall(key("a.test"), now: start + .seconds(60), atMost: 60)?.records.count == 10)
        #expect(memory.recall(key("a.test"), now: start + .seconds(61), atMost: 60) == nil)
        #expect(memory.recall(key("a.test", origin: 2), now: start, atMost: 60) == nil)
        memory.learn(nil, of: key("a.test"))
        #expect(memory.recall(key("a.test"), now: start, atMost: 60) == nil)
    }

    @Test func flushesWhatLiesBelow() {
        let memory = AnswerMemory()
        for name in ["a.test", "b.a.test", "ba.test"] { memory.learn(answer(10), of: key(name)) }
        memory.flush(below: DomainName("a.test") ?? .root)
        #expect(memory.recall(key("a.test"), now: start, atMost: 60) == nil)
        #expect(memory.recall(key("b.a.test"), now: start, atMost: 60) == nil)
        #expect(memory.recall(key("ba.test"), now: start, atMost: 60) != nil)
    }

    /// What is learned again and again stays, whatever else passes by; the rest goes, and the budget holds.
    @Test func keepsWhatIsInUse() {
        let memory = AnswerMemory(budget: 100_000)
        for round in 0..<1_000 {
            memory.learn(answer(100, at: Int64(round)), of: key("busy.test"))
            memory.learn(answer(100, at: Int64(round)), of: key("n\(round).test"))
        }
        let now = start + .seconds(1_000)
        #expect(memory.recall(key("busy.test"), now: now, atMost: 3_600)?.learned == start + .seconds(999))
        #expect(memory.recall(key("n0.test"), now: now, atMost: 3_600) == nil)
        let kept = (0..<1_000).filter { memory.recall(key("n\($0).test"), now: now, atMost: 3_600) != nil }
        #expect(kept.count * 270 <= 100_000)
        #expect(kept.last == 999)
    }

    /// A worker that never asked answers what another one learned.
    @Test func isOfAllWorkers() throws {
        let commons = WorkerCommons()
        var zone = try Scenario.zone("azure.test", realm: Scenario.path("pn-a"))
        zone.lastKnownGood = LastKnownGood(port: 443, age: 60)
        let (first, second) = (Scenario(commons: commons), Scenario(commons: commons))
        for worker in [first, second] { worker.adopt([zone]) }
        first.ask("hub.azure.test")
        let asked = try #require(first.takeAsked().first)
        let record = MessageText.record("hub.azure.test", .a, ttl: 10, [10, 20, 0, 1])
        first.reply(MessageText.answer(to: asked.message, answers: [record]), to: asked)
        second.ask("hub.azure.test")
        second.fail(try #require(second.takeAsked().first))
        let proof = try #require(second.takeProofs().first)
        #expect(proof.host == SocketEndpoint(address: IPAddress("10.20.0.1") ?? proof.host.address, port: 443))
        #expect(proof.interface == InterfaceName("pn-a"))
        second.prove(proof.attempt)
        #expect(second.takeAnswers().first?.addresses == ["10.20.0.1"])
    }
}
