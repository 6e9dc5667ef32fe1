// SPDX-License-Identifier: Apache-2.0

/// A point in time on CLOCK_BOOTTIME: it never goes back and counts suspended time. Pure code gets it as a value.
public struct Instant: Hashable, Sendable, Comparable, Codable {
    /// Nanoseconds since boot.
    public var nanoseconds: Int64

    /// Makes an instant from nanoseconds since boot.
    @inlinable public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// Earlier before later.
    @inlinable public static func < (left: Self, right: Self) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// The instant a duration later.
    @inlinable public static func + (instant: Self, duration: Duration) -> Self {
        Self(nanoseconds: instant.nanoseconds + duration.nanoseconds)
    }

    /// The time from the right instant to the left one.
    @inlinable public static func - (left: Self, right: Self) -> Duration {
        Duration(attoseconds: Int128(left.nanoseconds - right.nanoseconds) * 1_000_000_000)
    }
}

extension Duration {
    /// The duration in whole nanoseconds, saturated to what 64 bits hold (292 years).
    @inlinable public var nanoseconds: Int64 {
        // Nine seconds fit into 64 bits, by which the processor divides at once.
        if let short = Int64(exactly: attoseconds) { return short / 1_000_000_000 }
        return Int64(clamping: attoseconds / 1_000_000_000)
    }

    /// The duration in seconds, as metrics and JSON have it.
    public var inSeconds: Double {
        Double(nanoseconds) / 1e9
    }

    /// Parses a number and a unit: `300ms`, `1s`, `1.5s`, `2m`, `1h`, `7d`.
    public init?(text: String) {
        let units: [(String, Int64)] = [
            ("ms", 1_000_000), ("us", 1_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000),
            ("d", 86_400_000_000_000),
        ]
        guard let (unit, scale) = units.first(where: { text.hasSuffix($0.0) }) else { return nil }
        let parts = text.dropLast(unit.count).utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let whole = Decimal.number(parts[0], upTo: 1_000_000_000) else {
            return nil
        }
        let (scaled, overflow) = Int64(whole).multipliedReportingOverflow(by: scale)
        guard !overflow else { return nil }
        var nanoseconds = scaled
        if parts.count == 2 {
            guard (1...9).contains(parts[1].count) else { return nil }
            var weight = scale
            for digit in parts[1] {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
                weight /= 10
                nanoseconds += Int64(digit - UInt8(ascii: "0")) * weight
            }
        }
        self = .nanoseconds(nanoseconds)
    }

    /// Short text for people: the two largest units, as in `350ms`, `1.2s`, `3m5s`, `2d4h`.
    public var shortText: String {
        let total = nanoseconds
        guard total >= 0 else { return "-" + (.zero - self).shortText }
        let milliseconds = total / 1_000_000
        switch milliseconds {
        case 0: return total == 0 ? "0s" : "\(total / 1_000)us"
        case ..<1_000: return "\(milliseconds)ms"
        case ..<10_000: return "\(milliseconds / 1_000).\(milliseconds % 1_000 / 100)s"
        case ..<60_000: return "\(milliseconds / 1_000)s"
        case ..<3_600_000: return "\(milliseconds / 60_000)m\(milliseconds / 1_000 % 60)s"
        case ..<86_400_000: return "\(milliseconds / 3_600_000)h\(milliseconds / 60_000 % 60)m"
        default: return "\(milliseconds / 86_400_000)d\(milliseconds / 3_600_000 % 24)h"
        }
    }
}
