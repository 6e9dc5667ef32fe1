// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// When a target is asked, and when its silence counts: worked out from the promise and from what was measured.
///
/// A steady interval, and a confirming burst on the first miss: that finds a failure as fast as a short fixed interval
/// does, with less traffic, and rides through single losses. With `p` the share of lost packets and `g` that among those
/// right after a loss, a living path is given up `p * g^burstCount / interval` times a second; the burst is as long as
/// that asks for, and never so short that an outage of three tenths of the promised time ends a path (``RideThrough``).
///
///     answer    probe              missed        burst        given up
///       |--------|------------------|-|-|-|-|-|-|-|-|-----------|
///       0     interval          + timeout     spacings      + timeout
///
/// Where all this does not fit into the promised time, the time gives way first, up to three times as much, since a
/// false alarm moves traffic and a late one only waits; then the number of false alarms does.
package struct LivenessTimers: Hashable, Sendable, Codable {
    /// Between the probes of a target that answers, and of one that is given up.
    package let interval: Duration
    /// So long before its time a probe may leave with others: a sixteenth of the interval, in nanoseconds.
    let leadNanoseconds: Int64
    /// After this a probe counts as missed, though not yet as lost: the round trip and four times its variation
    /// (RFC 6298 section 2), and a little for the host.
    package let timeout: Duration
    /// After this an answer proves nothing any more.
    let patience: Duration
    /// The probes of the confirming burst.
    package let burstCount: Int
    /// Between the probes of the burst.
    package let burstSpacing: Duration
    /// The answers in a row that end a silence.
    static let riseCount = 3
    /// How the promise stands with these.
    package let outlook: DetectionOutlook

    init(keeping promise: DetectionPromise, _ loss: LossModel = LossModel(), _ roundTrips: RoundTrips = RoundTrips()) {
        let within = promise.within
        patience = within * 3
        let slack = max(within * 2 / 100, .milliseconds(5))
        timeout = roundTrips.smoothed.map { min($0 + roundTrips.variation * 4 + slack, within * 3) } ?? within / 4
        burstSpacing = max(within * 4 / 100, .milliseconds(10))

        // What is left of the time after the switch itself.
        let budget = within * 95 / 100
        let intervals = within / 10...promise.longestInterval
        let (single, again) = (loss.single, loss.again)
        var count = 0
        var alarms = single * Self.year / intervals.lowerBound.inSeconds
        while alarms > promise.falseAlarmsPerYear, count < Self.longestBurst {
            alarms *= again
            count += 1
        }
        let room = 1 + (budget * 3 - intervals.lowerBound - timeout * 2).wholeCount(of: burstSpacing)
        let least = max(min(count, room), 3)
        let rideThrough = RideThrough(
            of: promise.rideThrough,
            timeout: timeout,
            slack: slack,
            spacing: burstSpacing,
            loss: single
        )
        let longest = max(least, rideThrough.burst(after: intervals.upperBound))
        let rest = budget - burstSpacing * (longest - 1) - timeout * 2
        interval = min(max(rest, intervals.lowerBound), intervals.upperBound)
        burstCount = interval < intervals.upperBound ? max(least, rideThrough.burst(after: interval)) : longest
        let span = burstSpacing * (burstCount - 1) + timeout * 2
        leadNanoseconds = max(interval.nanoseconds / 16, 1)
        var expected = single * Self.year / interval.inSeconds
        for _ in 0..<burstCount { expected *= again }
        // The last answer is younger than its question by a round trip, which varies.
        let age = roundTrips.smoothed.map { max($0 - roundTrips.variation * 4, .zero) } ?? .zero
        outlook = DetectionOutlook(
            promise: promise,
            detection: (interval + span - age) * 20 / 19,
            falseAlarmsPerYear: expected,
            loss: single,
            lossAfterLoss: again,
            timeout: timeout
        )
    }

    /// Seconds in a year.
    static let year = 31_556_952.0
    private static let longestBurst = 200
}
