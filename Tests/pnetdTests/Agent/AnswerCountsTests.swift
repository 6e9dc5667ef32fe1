// SPDX-License-Identifier: Apache-2.0

import ProcessLink
import Testing

@testable import pnetd

@Suite struct AnswerCountsTests {
    private func sample(_ name: String, _ labels: [String: String], _ value: Double) -> MetricSample {
        MetricSample(name: name, labels: labels, value: value)
    }

    @Test func tellsWhatGrew() {
        let before = AnswerCounts([
            sample(AnswerCounts.stale, ["zone": "a.test"], 3), sample(AnswerCounts.leftOut, ["zone": "."], 7),
        ])
        let after = AnswerCounts([
            sample(AnswerCounts.stale, ["zone": "a.test"], 5), sample(AnswerCounts.leftOut, ["zone": "."], 7),
            sample(AnswerCounts.published, ["zone": "b.test", "reason": "nxdomain"], 1),
            sample(AnswerCounts.published, ["zone": "b.test", "reason": "no-answer"], 2),
            sample("pnetd_dns_cache_bytes", [:], 9),
        ])
        func growth(_ name: String) -> [String] {
            after.growth(of: name, since: before).map { "\($0.label) \($0.count)" }
        }
        #expect(growth(AnswerCounts.stale) == ["a.test 2"])
        #expect(growth(AnswerCounts.leftOut).isEmpty)
        #expect(growth(AnswerCounts.published) == ["b.test 3"])
        // A new resolver has counted less than the one before.
        #expect(before.growth(of: AnswerCounts.stale, since: after).isEmpty)
        #expect(after.growth(of: AnswerCounts.stale, since: nil).map(\.count) == [5])
    }
}
