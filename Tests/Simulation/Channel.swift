// SPDX-License-Identifier: Apache-2.0

/// A path's losses and round trips, asked in the order of time, in milliseconds.
package struct Channel {
    private let kind: SimulatedPath
    private var dice: Dice
    private var isBad = false
    private var until: Double

    private static let day = 86_400_000.0

    package init(_ kind: SimulatedPath, seed: UInt64) {
        self.kind = kind
        dice = Dice(seed: seed)
        until = kind.loss.good
    }

    /// Whether a packet at this time is lost.
    package mutating func loses(at time: Double) -> Bool {
        let loss = kind.loss
        while time >= until {
            isBad.toggle()
            until += (isBad ? loss.bad : loss.good) * (0.5 + dice.roll())
        }
        var share = isBad ? loss.lossInBad : loss.lossInGood
        if !isBad, let peak = loss.lossAtPeak { share += (peak - share) * Self.business(at: time) }
        return dice.roll() < share
    }

    /// How long a question of this time waits for its answer; nil where one of them is lost.
    package mutating func roundTrip(at time: Double) -> Double? {
        guard !loses(at: time) else { return nil }
        let kind = kind.roundTrip
        var trip = kind.base
        if kind.jitter > 0 {
            let roll = dice.roll()
            trip += kind.jitter * roll * roll * roll
        }
        if let rarity = kind.lateOneIn, dice.roll() * rarity < 1 { trip += 500 }
        if kind.peak > 0 { trip += kind.peak * Self.business(at: time) }
        if kind.detour > 0, Int(time / 1_800_000) % 2 == 1 { trip += kind.detour }
        return trip
    }

    /// 0 at the quietest time of the day, 1 at the busiest.
    private static func business(at time: Double) -> Double {
        let part = time / day - Double(Int(time / day))
        return part < 0.5 ? part * 2 : 2 - part * 2
    }
}
