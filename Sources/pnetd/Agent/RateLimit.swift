// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// A bucket of tokens: so many at once, and so many a second in the long run. Who has none left pays what he took
/// before he gets more.
struct RateLimit {
    private let burst: Double
    private let perSecond: Double
    private var tokens: Double
    private var last: Instant

    init(burst: Int, perSecond: Int, now: Instant) {
        self.burst = Double(burst)
        self.perSecond = Double(perSecond)
        tokens = Double(burst)
        last = now
    }

    /// Takes tokens; false where there is none.
    mutating func take(_ count: Int = 1, at now: Instant) -> Bool {
        tokens = min(burst, tokens + max(.zero, now - last).inSeconds * perSecond)
        last = now
        guard tokens >= 1 else { return false }
        tokens -= Double(count)
        return true
    }
}
