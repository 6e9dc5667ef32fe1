// SPDX-License-Identifier: Apache-2.0

/// Random numbers that are the same for the same seed (SplitMix64, Steele, Lea and Flood 2014).
package struct Dice: Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    /// The next 64 bits.
    package mutating func bits() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    /// The next number from 0 up to 1.
    package mutating func roll() -> Double {
        Double(bits() >> 11) / 9_007_199_254_740_992
    }
}
