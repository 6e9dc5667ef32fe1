// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// Keeps traffic off a path that goes down again and again, the longer the more often (in the spirit of RFC 2439): each
/// time counts one, half of which is forgotten after ten minutes. Above three the path is damped, below one and a half
/// it is used again; that takes half an hour at the most.
struct FlapDamping: Hashable, Sendable, Codable {
    private var merit = 0.0
    private var updated: Instant
    /// Until when the path is not gone back to; nil where it may be.
    private(set) var until: Instant?
    /// How often it went down since it was last free of suspicion.
    private(set) var count = 0

    private static let cut = 3.0
    private static let reuse = 1.5
    private static let ceiling = 12.0
    private static let halfLife = Duration.seconds(600)

    init(now: Instant) { updated = now }

    /// The path went down.
    mutating func flapped(at now: Instant) {
        merit = min(merit(at: now) + 1, Self.ceiling)
        updated = now
        count += 1
        if merit > Self.cut || until != nil { until = reuseTime }
    }

    /// Forgets what is over.
    mutating func advance(to now: Instant) {
        if let end = until, end <= now { until = nil }
        if count > 0, merit(at: now) < 0.5 { count = 0 }
    }

    /// Halved with every half-life, and on a straight line in between.
    private func merit(at now: Instant) -> Double {
        var (rest, age) = (merit, now - updated)
        while age >= Self.halfLife, rest > 0.01 {
            rest /= 2
            age -= Self.halfLife
        }
        return rest * (1 - min(age, Self.halfLife).inSeconds / Self.halfLife.inSeconds / 2)
    }

    private var reuseTime: Instant {
        var (rest, time) = (merit, updated)
        while rest / 2 >= Self.reuse {
            rest /= 2
            time = time + Self.halfLife
        }
        return time + .nanoseconds(Int64(2 * (1 - Self.reuse / rest) * Double(Self.halfLife.nanoseconds)))
    }
}
