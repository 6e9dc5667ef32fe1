// SPDX-License-Identifier: Apache-2.0

/// What the standard library has as generic functions that are not inlined, at a tenth of a microsecond each; every
/// answered probe takes two dozen of them. The results are the same to the last attosecond.
extension Duration {
    /// So many nanoseconds.
    static func nanoseconds(_ count: Int64) -> Self {
        Self(attoseconds: Int128(count) * 1_000_000_000)
    }

    /// So many milliseconds.
    static func milliseconds(_ count: Int) -> Self {
        Self(attoseconds: Int128(count) * 1_000_000_000_000_000)
    }

    /// The duration so many times.
    static func * (duration: Self, count: Int) -> Self {
        Self(attoseconds: duration.attoseconds * Int128(count))
    }

    /// One of so many equal parts, rounded toward zero.
    static func / (duration: Self, parts: Int) -> Self {
        Self(attoseconds: duration.attoseconds / Int128(parts))
    }

    /// How many whole times the other duration fits.
    func wholeCount(of other: Self) -> Int {
        Int(attoseconds / other.attoseconds)
    }
}
