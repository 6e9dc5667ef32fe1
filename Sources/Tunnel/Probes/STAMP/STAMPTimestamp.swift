// SPDX-License-Identifier: Apache-2.0

/// A point in time as test packets have it (RFC 8762 section 4.2.1): 64 bits, in one of two formats.
public struct STAMPTimestamp: Hashable, Sendable {
    /// How the lower half counts.
    public enum Format: Hashable, Sendable {
        /// In parts of a second, since 1900 (RFC 5905 section 6).
        case ntp
        /// In nanoseconds, since 1970 (IEEE 1588, the lower 64 bits).
        case ptp
    }

    /// The bits as they are on the wire.
    public let rawValue: UInt64

    /// Takes the bits from the wire.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Seconds from 1900 to 1970 (RFC 5905 appendix A.4).
    private static let secondsBefore1970: Int64 = 2_208_988_800

    /// The time in NTP's format, which is what we send.
    ///
    /// - Parameter wallNanoseconds: since 1970.
    public init(wallNanoseconds: Int64) {
        let (seconds, rest) = wallNanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        let lower = (UInt64(clamping: rest) << 32) / 1_000_000_000
        rawValue = UInt64(UInt32(truncatingIfNeeded: seconds + Self.secondsBefore1970)) << 32 | lower
    }

    /// Whether its lower half counts what a second has.
    func isValid(as format: Format) -> Bool {
        format == .ntp || UInt32(truncatingIfNeeded: rawValue) < 1_000_000_000
    }

    /// The time from another point of the same format to this one, in nanoseconds: right up to 68 years, also where one is
    /// in the next era.
    func nanoseconds(since other: STAMPTimestamp, as format: Format) -> Int64 {
        let upper = Int32(truncatingIfNeeded: Int64(rawValue >> 32) - Int64(other.rawValue >> 32))
        return Int64(upper) * 1_000_000_000 + lowerNanoseconds(format) - other.lowerNanoseconds(format)
    }

    /// The time in nanoseconds since 1970, in the era that is closest to a time known otherwise.
    func wallNanoseconds(as format: Format, near reference: Int64) -> Int64 {
        let seconds = Int64(rawValue >> 32) - (format == .ntp ? Self.secondsBefore1970 : 0)
        let near = reference / 1_000_000_000
        let difference = Int32(truncatingIfNeeded: seconds - near)
        return (near &+ Int64(difference)) &* 1_000_000_000 &+ lowerNanoseconds(format)
    }

    private func lowerNanoseconds(_ format: Format) -> Int64 {
        let lower = rawValue & 0xffff_ffff
        return Int64(format == .ptp ? lower : (lower * 1_000_000_000 + 0x8000_0000) >> 32)
    }
}

/// How far a sender trusts its clock (RFC 8762 section 4.2.1, as in RFC 4656 section 4.1.2).
public struct STAMPErrorEstimate: Hashable, Sendable {
    /// The bits as they are on the wire.
    public let rawValue: UInt16

    /// Takes the bits from the wire.
    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// Says how far a clock in NTP's format is off: one millisecond at the most where it is synchronised, else nothing that
    /// one could go by.
    ///
    /// - Parameter isSynchronised: with a source of UTC.
    public init(isSynchronised: Bool) {
        // Multiplier << Scale, in parts of 2^32 of a second; a Multiplier of 0 is not allowed.
        rawValue = isSynchronised ? 0x8000 | 22 << 8 | 1 : 32 << 8 | 0xff
    }

    /// S: the clock is synchronised with UTC by an outside source.
    public var isSynchronised: Bool { rawValue & 0x8000 != 0 }
    /// Z: the format of the sender's timestamps.
    public var format: STAMPTimestamp.Format { rawValue & 0x4000 != 0 ? .ptp : .ntp }
}
