// SPDX-License-Identifier: Apache-2.0

/// When a target is asked, and when its silence counts.
///
/// A steady interval, and a confirming burst on the first miss: that finds a failure as fast as a short fixed interval
/// does, with less traffic, and rides through single losses. With loss p of independent packets a false alarm needs
/// `1 + burstCount` losses in a row.
///
///     answer    probe              missed   burst of 8        given up
///       |--------|------------------|-|-|-|-|-|-|-|-|-----------|
///       0     interval          + timeout     7 spacings     + timeout
public struct LivenessTimers: Hashable, Sendable, Codable {
    /// Between the probes of a target that answers, and of one that is given up.
    public var interval: Duration
    /// The least time after which a probe counts as missed; a path with a long round trip gets more.
    public var leastTimeout: Duration
    /// The most time after which a probe counts as missed.
    public var mostTimeout: Duration
    /// The probes of the confirming burst.
    public var burstCount: Int
    /// Between the probes of the burst.
    public var burstSpacing: Duration
    /// The answers in a row that end a silence.
    public var riseCount: Int

    /// Shares the promised time out: a silent failure is known within `within`, less a margin for the switch,
    /// as long as twice the round trip fits into the least timeout.
    public init(detectingWithin within: Duration) {
        interval = within * 3 / 10
        leastTimeout = within * 15 / 100
        mostTimeout = within * 40 / 100
        burstCount = 8
        burstSpacing = within * 4 / 100
        riseCount = 3
    }

    /// From the last answer to the verdict, at the longest, for a timeout in force.
    public func worstDetection(timeout: Duration) -> Duration {
        interval + timeout + burstSpacing * (burstCount - 1) + timeout
    }
}
