// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import pnetd

struct RateLimitTests {
    @Test func givesABurstAndThenARate() {
        var now = Instant(nanoseconds: 0)
        var limit = RateLimit(burst: 3, perSecond: 2, now: now)
        #expect((0..<5).map { _ in limit.take(at: now) } == [true, true, true, false, false])
        now = now + .milliseconds(500)
        #expect((0..<2).map { _ in limit.take(at: now) } == [true, false])
        // Rest does not add up beyond the burst.
        now = now + .seconds(3_600)
        #expect((0..<5).map { _ in limit.take(at: now) } == [true, true, true, false, false])
    }
}
