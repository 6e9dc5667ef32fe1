// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO
import Testing

@testable import pnetd

struct AnswerDetoursTests {
    private static let (first, second, third) = (name("vpn-a"), name("vpn-b"), name("vpn-c"))

    private static func name(_ text: String) -> PathName {
        guard let name = PathName(text) else { preconditionFailure("'\(text)' is no name") }
        return name
    }

    private static func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    @Test func knowsSinceWhenAnswersComeByAnotherPath() {
        var detours = AnswerDetours()
        #expect(detours.open.isEmpty)
        for time in Int64(10)...14 { detours.came(to: Self.first, by: Self.second, at: Self.at(time)) }
        #expect(
            detours.open == [Self.first: AnswerDetours.Detour(by: Self.second, since: Self.at(10), last: Self.at(14))]
        )
        detours.came(to: Self.first, by: Self.third, at: Self.at(15))
        #expect(detours.open[Self.first]?.by == Self.third && detours.open[Self.first]?.since == Self.at(15))
        #expect(detours.counts == [Self.first: [Self.second: 5, Self.third: 1]])
    }

    @Test func forgetsWhatWasNotSeenForAWhile() {
        var detours = AnswerDetours()
        detours.came(to: Self.first, by: Self.second, at: Self.at(10))
        detours.came(to: Self.second, by: Self.first, at: Self.at(10))
        detours.forgetOld(now: Self.at(12)) { $0 == Self.first ? .seconds(2) : nil }
        #expect(Array(detours.open.keys) == [Self.first], "the other is asked by nobody")
        detours.forgetOld(now: Self.at(13)) { _ in .seconds(2) }
        #expect(detours.open.isEmpty && detours.counts.count == 2, "what was counted stays")
    }

    @Test func lastsForSomeProbes() {
        #expect(AnswerDetours.freshness(askedEvery: .milliseconds(300)) == .seconds(2))
        #expect(AnswerDetours.freshness(askedEvery: .seconds(3)) == .seconds(12))
    }

    @Test func forgetsPathsThatAreNoMore() {
        var detours = AnswerDetours()
        detours.came(to: Self.first, by: Self.second, at: Self.at(10))
        detours.came(to: Self.third, by: Self.first, at: Self.at(10))
        detours.keep([Self.first, Self.third])
        #expect(Array(detours.open.keys) == [Self.third])
        detours.keep([])
        #expect(detours.open.isEmpty && detours.counts.isEmpty)
    }
}
