// SPDX-License-Identifier: Apache-2.0

/// How a path loses packets: after Gilbert and Elliott, a good and a bad state that take turns, each with its loss.
package struct LossKind: Sendable {
    /// Milliseconds that a state lasts: drawn evenly between half and one and a half of it, so that a bad one has an end.
    var good = 1e15
    var bad = 0.0
    var lossInGood: Double
    var lossInBad = 1.0
    /// The good state's loss at the busiest time of the day, to which it grows and from which it falls evenly.
    var lossAtPeak: Double?

    package init(
        good: Double = 1e15,
        bad: Double = 0,
        lossInGood: Double,
        lossInBad: Double = 1,
        lossAtPeak: Double? = nil
    ) {
        (self.good, self.bad) = (good, bad)
        (self.lossInGood, self.lossInBad, self.lossAtPeak) = (lossInGood, lossInBad, lossAtPeak)
    }
}

/// How long a question and its answer take together, in milliseconds.
package struct RoundTripKind: Sendable {
    var base = 20.0
    /// The most that queues add; small additions are far more frequent than large ones.
    var jitter = 0.0
    /// One answer in so many is late by half a second.
    var lateOneIn: Double?
    /// What the busiest time of the day adds.
    var peak = 0.0
    /// What another route adds that is taken every other half hour.
    var detour = 0.0

    package init(
        base: Double = 20,
        jitter: Double = 0,
        lateOneIn: Double? = nil,
        peak: Double = 0,
        detour: Double = 0
    ) {
        (self.base, self.jitter, self.lateOneIn) = (base, jitter, lateOneIn)
        (self.peak, self.detour) = (peak, detour)
    }
}

/// A path to be simulated.
package struct SimulatedPath: Sendable {
    package let name: String
    let loss: LossKind
    let roundTrip: RoundTripKind

    package init(_ name: String, _ loss: LossKind, _ roundTrip: RoundTripKind = RoundTripKind()) {
        (self.name, self.loss, self.roundTrip) = (name, loss, roundTrip)
    }

    package static let all = [
        SimulatedPath("loss 0.1%", LossKind(lossInGood: 0.001)),
        SimulatedPath("loss 1%", LossKind(lossInGood: 0.01)),
        SimulatedPath("loss 5%", LossKind(lossInGood: 0.05)),
        SimulatedPath(
            "bursts of 100 ms, 80% lost, each 10 s",
            LossKind(good: 10_000, bad: 100, lossInGood: 0.001, lossInBad: 0.8)
        ),
        SimulatedPath(
            "bursts of 300 ms, 60% lost, each minute",
            LossKind(good: 60_000, bad: 300, lossInGood: 0.001, lossInBad: 0.6)
        ),
        SimulatedPath("outages of 200 ms, each 10 minutes", LossKind(good: 600_000, bad: 200, lossInGood: 0.001)),
        SimulatedPath(
            "by day 0.1% to 3% lost, 20 to 60 ms",
            LossKind(lossInGood: 0.001, lossAtPeak: 0.03),
            RoundTripKind(jitter: 10, peak: 40)
        ),
        SimulatedPath(
            "1% lost, 20 to 80 ms, one in 1000 late by 500 ms",
            LossKind(lossInGood: 0.01),
            RoundTripKind(jitter: 60, lateOneIn: 1_000)
        ),
        SimulatedPath(
            "1% lost, 20 and 120 ms in turns of half an hour",
            LossKind(lossInGood: 0.01),
            RoundTripKind(jitter: 5, detour: 100)
        ),
    ]
}
