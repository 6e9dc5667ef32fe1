// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// How much many keys have used of a rate, in a table that never grows.
///
/// A key has a bucket with a second's worth of tokens, kept as the one instant at which it will be full again (the
/// generic cell rate algorithm of ITU-T I.371). Where a key finds all its places taken, it takes that of the key that
/// is full again first: who asks most is remembered longest.
struct RateTable: ~Copyable {
    private struct Place {
        var key: UInt64 = 0
        var full = Instant(nanoseconds: .min)
    }

    private static let ways = 4
    private static let burst = Duration.seconds(1)
    private var places: [Place]

    /// - Parameter capacity: keys at once, a power of two.
    init(capacity: Int) {
        precondition(capacity >= Self.ways && capacity & (capacity - 1) == 0)
        places = Array(repeating: Place(), count: capacity)
    }

    /// Takes one token of a key's.
    /// - Parameter key: a keyed hash, so that nobody can choose whose places are taken.
    /// - Returns: whether there was one.
    mutating func take(_ key: UInt64, perSecond rate: Int, now: Instant) -> Bool {
        let first = Int(truncatingIfNeeded: key) & (places.count - 1) & ~(Self.ways - 1)
        var chosen = first
        for place in first..<first + Self.ways {
            if places[place].key == key {
                chosen = place
                break
            }
            if places[place].full < places[chosen].full { chosen = place }
        }
        let interval = Duration.nanoseconds(1_000_000_000 / Int64(rate))
        let isKnown = places[chosen].key == key
        let next = (isKnown ? max(places[chosen].full, now) : now) + interval
        guard next - now <= Self.burst else { return false }
        places[chosen] = Place(key: key, full: next)
        return true
    }
}
