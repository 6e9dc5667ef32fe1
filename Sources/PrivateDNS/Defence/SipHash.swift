// SPDX-License-Identifier: Apache-2.0

/// SipHash-2-4 (Aumasson and Bernstein, 2012): a hash of 64 bits that says nothing to those who do not have the key.
///
/// It takes words and allocates nothing. What it hashes is made of numbers anyway.
struct SipHash {
    /// A key of 16 octets.
    struct Key: Hashable, Sendable {
        let low: UInt64
        let high: UInt64

        init(low: UInt64, high: UInt64) { (self.low, self.high) = (low, high) }

        /// A key that nobody knows.
        static func drawn() -> Key {
            var source = SystemRandomNumberGenerator()
            return Key(low: source.next(), high: source.next())
        }
    }

    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64
    private var count: UInt64 = 0

    init(_ key: Key) {
        v0 = key.low ^ 0x736f_6d65_7073_6575
        v1 = key.high ^ 0x646f_7261_6e64_6f6d
        v2 = key.low ^ 0x6c79_6765_6e65_7261
        v3 = key.high ^ 0x7465_6462_7974_6573
    }

    private mutating func round() {
        v0 &+= v1
        v2 &+= v3
        v1 = (v1 << 13 | v1 >> 51) ^ v0
        v3 = (v3 << 16 | v3 >> 48) ^ v2
        v0 = v0 << 32 | v0 >> 32
        v2 &+= v1
        v0 &+= v3
        v1 = (v1 << 17 | v1 >> 47) ^ v2
        v3 = (v3 << 21 | v3 >> 43) ^ v0
        v2 = v2 << 32 | v2 >> 32
    }

    /// Takes the next eight octets; the first of them is the lowest of the word.
    mutating func add(_ word: UInt64) {
        count &+= 8
        compress(word)
    }

    private mutating func compress(_ word: UInt64) {
        v3 ^= word
        round()
        round()
        v0 ^= word
    }

    /// The hash of all that was added and of a rest of up to seven octets, of which the first is the lowest of the word.
    consuming func hash(rest: UInt64 = 0, count restCount: UInt64 = 0) -> UInt64 {
        compress((count &+ restCount) << 56 | rest)
        v2 ^= 0xff
        for _ in 0..<4 { round() }
        return v0 ^ v1 ^ v2 ^ v3
    }
}
