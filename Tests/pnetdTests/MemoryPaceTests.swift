// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import ProcessLink
import Testing

@testable import PrivateDNS
@testable import pnetd

struct MemoryPaceTests {
    private let memory = AnswerMemory()
    private let key = AnswerMemory.Key(name: [0], type: .a, variant: [], origin: AnswerOrigin(rawValue: 1))

    private func learn(_ octet: UInt8) {
        memory.learn(
            LastAnswer(records: [octet], answers: 1, learned: Instant(nanoseconds: 0), leaves: false),
            of: key
        )
    }

    @Test func givesNewsSoonAndTheSameNowAndThen() {
        var pace = MemoryPace()
        func isDue(_ seconds: Int64) -> Bool {
            pace.isDue(memory.standing, now: Instant(nanoseconds: seconds * 1_000_000_000))
        }
        #expect(!isDue(0))
        learn(1)
        #expect(isDue(1) && !isDue(1))
        learn(2)
        #expect(!isDue(5) && isDue(6))
        learn(2)
        #expect(!isDue(305) && isDue(306) && !isDue(1_000))
    }

    /// Else the agent would take a copy of full length for the word of a resolver that was taken over.
    @Test func copiesAreNoLongerThanTheAgentTakes() {
        #expect(AnswerCopy.limit == RememberedNames.limit)
    }

    @Test func givesAllToAnotherAgent() {
        var pace = MemoryPace()
        learn(1)
        let first = pace.isDue(memory.standing, now: Instant(nanoseconds: 0))
        pace.beginAnew()
        let second = pace.isDue(memory.standing, now: Instant(nanoseconds: 5_000_000_000))
        #expect(first && second)
    }
}
