// SPDX-License-Identifier: Apache-2.0

/// What the standard library has as functions that are not inlined, some of them generic, at up to a tenth of a
/// microsecond each; every answered probe takes some fifty of them. The results are the same to the last attosecond.
extension Duration {
    /// So many nanoseconds.
    @inline(__always)
    static func nanoseconds(_ count: Int64) -> Self {
        Self(attoseconds: Int128(count) * 1_000_000_000)
    }

    /// So many milliseconds.
    @inline(__always)
    static func milliseconds(_ count: Int) -> Self {
        Self(attoseconds: Int128(count) * 1_000_000_000_000_000)
    }

    @inline(__always)
    static func + (left: Self, right: Self) -> Self { Self(attoseconds: left.attoseconds + right.attoseconds) }

    @inline(__always)
    static func - (left: Self, right: Self) -> Self { Self(attoseconds: left.attoseconds - right.attoseconds) }

    /// The duration so many times.
    @inline(__always)
    static func * (duration: Self, count: Int) -> Self {
        // The processor multiplies 64 bits by 64 at once; nine seconds fit into them.
        if let short = Int64(exactly: duration.attoseconds) {
            let product = short.multipliedFullWidth(by: Int64(count))
            return Self(attoseconds: Int128(product.high) << 64 | Int128(product.low))
        }
        return Self(attoseconds: duration.attoseconds * Int128(count))
    }

    /// One of so many equal parts, rounded toward zero.
    @inline(__always)
    static func / (duration: Self, parts: Int) -> Self {
        if let short = Int64(exactly: duration.attoseconds) { return Self(attoseconds: Int128(short / Int64(parts))) }
        return Self(attoseconds: duration.attoseconds / Int128(parts))
    }

    /// How many whole times the other duration fits.
    @inline(__always)
    func wholeCount(of other: Self) -> Int {
        if let short = Int64(exactly: attoseconds), let other = Int64(exactly: other.attoseconds) {
            return Int(short / other)
        }
        return Int(attoseconds / other.attoseconds)
    }
}

@inline(__always)
func min(_ one: Duration, _ other: Duration) -> Duration { other.attoseconds < one.attoseconds ? other : one }

@inline(__always)
func max(_ one: Duration, _ other: Duration) -> Duration { other.attoseconds < one.attoseconds ? one : other }
