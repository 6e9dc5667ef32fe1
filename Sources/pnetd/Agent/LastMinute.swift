// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// Readings of counters, the oldest about a minute old, to tell what they grew by of late.
struct LastMinute<Reading> {
    private static var span: Duration { .seconds(60) }
    /// So far apart readings are kept: what is compared with is older than a minute by no more than that.
    private static var step: Duration { .seconds(5) }

    private var kept: [(at: Instant, reading: Reading)] = []
    /// The last one.
    private(set) var last: Reading?

    /// The one that ``last`` is to be compared with.
    var first: Reading? { kept.first?.reading }

    mutating func take(_ reading: Reading, at now: Instant) {
        last = reading
        if kept.last.map({ now - $0.at >= Self.step }) ?? true { kept.append((now, reading)) }
        while kept.count > 1, now - kept[1].at >= Self.span { kept.removeFirst() }
    }
}
