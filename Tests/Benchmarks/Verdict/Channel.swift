// SPDX-License-Identifier: Apache-2.0

/// Random numbers that are the same for the same seed (SplitMix64, Steele, Lea and Flood 2014).
struct Dice {
    var state: UInt64

    mutating func roll() -> Double {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return Double((mixed ^ mixed >> 31) >> 11) / 9_007_199_254_740_992
    }
}

/// How a path loses packets: after Gilbert and Elliott, a good and a bad state that take turns, each with its loss.
struct LossKind {
    let name: String
    /// Milliseconds that a state lasts: drawn evenly between half and one and a half of it, so that a bad one has an end.
    var good = 1e15
    var bad = 0.0
    var lossInGood: Double
    var lossInBad = 1.0

    static let all = [
        LossKind(name: "loss 0.1%", lossInGood: 0.001),
        LossKind(name: "loss 1%", lossInGood: 0.01),
        LossKind(name: "loss 5%", lossInGood: 0.05),
        LossKind(
            name: "bursts of 100 ms, 80% lost, each 10 s",
            good: 10_000,
            bad: 100,
            lossInGood: 0.001,
            lossInBad: 0.8
        ),
        LossKind(
            name: "bursts of 300 ms, 60% lost, each minute",
            good: 60_000,
            bad: 300,
            lossInGood: 0.001,
            lossInBad: 0.6
        ),
        LossKind(name: "outages of 200 ms, each 10 minutes", good: 600_000, bad: 200, lossInGood: 0.001),
    ]
}

/// A path's losses, asked in the order of time.
struct Channel {
    private let kind: LossKind
    private var dice: Dice
    private var isBad = false
    private var until: Double

    init(_ kind: LossKind, seed: UInt64) {
        self.kind = kind
        dice = Dice(state: seed)
        until = kind.good
    }

    /// Whether a packet at this millisecond is lost.
    mutating func loses(at time: Double) -> Bool {
        while time >= until {
            isBad.toggle()
            until += (isBad ? kind.bad : kind.good) * (0.5 + dice.roll())
        }
        return dice.roll() < (isBad ? kind.lossInBad : kind.lossInGood)
    }
}
