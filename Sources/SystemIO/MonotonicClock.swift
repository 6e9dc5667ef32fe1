// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes

/// Where code in the shell gets the time from; tests put their own in its place.
public protocol TimeSource: Sendable {
    /// The time on CLOCK_BOOTTIME.
    var now: Instant { get }
    /// Nanoseconds since 1970-01-01T00:00:00Z, for people and logs only.
    var wallNanoseconds: Int64 { get }
}

/// The kernel's clocks.
public struct SystemClock: TimeSource {
    /// Makes a source; it has no state.
    public init() {}

    /// CLOCK_BOOTTIME.
    public var now: Instant { Instant(nanoseconds: Self.read(CLOCK_BOOTTIME)) }
    /// CLOCK_REALTIME.
    public var wallNanoseconds: Int64 { Self.read(CLOCK_REALTIME) }

    /// Whether an outside source of UTC keeps CLOCK_REALTIME right, as the kernel was told (adjtimex(2)).
    public static var isSynchronised: Bool { pn_clock_is_synchronised() }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

/// RFC 3339 text of wall-clock time.
public enum Timestamp {
    /// The text in UTC to the second, as in `2026-01-01T00:00:00Z`, or to the millisecond: `2026-01-01T00:00:00.120Z`.
    public static func text(wallNanoseconds: Int64, toMilliseconds: Bool = false) -> String {
        var seconds = time_t(wallNanoseconds / 1_000_000_000)
        var parts = unsafe tm()
        unsafe gmtime_r(&seconds, &parts)
        func padded(_ number: Int32, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let date =
            unsafe "\(padded(parts.tm_year + 1900, 4))-\(padded(parts.tm_mon + 1, 2))-\(padded(parts.tm_mday, 2))"
        let milliseconds = Int32(wallNanoseconds % 1_000_000_000 / 1_000_000)
        let fraction = toMilliseconds ? ".\(padded(milliseconds, 3))" : ""
        let time = unsafe "\(padded(parts.tm_hour, 2)):\(padded(parts.tm_min, 2)):\(padded(parts.tm_sec, 2))"
        return "\(date)T\(time)\(fraction)Z"
    }
}
