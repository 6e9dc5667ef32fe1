// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes

/// The time of the week at this host's place (localtime(5)).
public struct LocalTime: Hashable, Sendable {
    /// The day.
    public let day: WeeklyWindow.Day
    /// The minute of the day, 0 to 1439.
    public let minute: Int

    /// What a clock on the wall shows at a time in nanoseconds since 1970; nil where the C library knows no such time.
    public init?(wallNanoseconds: Int64) {
        var seconds = time_t(wallNanoseconds / 1_000_000_000)
        var parts = unsafe tm()
        // What is in the file that says where this host is may have changed.
        tzset()
        guard unsafe localtime_r(&seconds, &parts) != nil,
            let day = unsafe WeeklyWindow.Day(rawValue: Int(parts.tm_wday + 6) % 7)
        else { return nil }
        self.day = day
        minute = unsafe Int(parts.tm_hour) * 60 + Int(parts.tm_min)
    }
}
