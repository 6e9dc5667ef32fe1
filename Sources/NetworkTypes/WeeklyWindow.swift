// SPDX-License-Identifier: Apache-2.0

/// A time that comes back each week or each day, as in `Sat 02:00-04:00`, `Mon-Fri 22:00-05:30` or `02:00-04:00`.
public struct WeeklyWindow: Hashable, Sendable {
    /// A day of the week.
    public enum Day: Int, Hashable, Sendable, CaseIterable {
        case monday, tuesday, wednesday, thursday, friday, saturday, sunday

        /// Its first three letters, as in `Sat`.
        fileprivate var text: String { ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][rawValue] }
    }

    /// The first and the last of the days on which it begins; the last may be before the first, over the weekend.
    private let first: Day
    private let last: Day
    /// Minutes of the day. Where it does not end after it begins, it ends on the next day.
    private let begin: Int
    private let end: Int

    /// Whether it is open.
    ///
    /// - Parameter minute: of the day, 0 to 1439.
    public func contains(_ day: Day, minute: Int) -> Bool {
        guard begin >= end else { return begins(on: day) && (begin..<end).contains(minute) }
        let before = Day(rawValue: (day.rawValue + 6) % 7) ?? day
        return begins(on: day) && minute >= begin || begins(on: before) && minute < end
    }

    private func begins(on day: Day) -> Bool {
        first.rawValue <= last.rawValue
            ? (first.rawValue...last.rawValue).contains(day.rawValue)
            : day.rawValue >= first.rawValue || day.rawValue <= last.rawValue
    }
}

extension WeeklyWindow: TextValue {
    /// The form that it is read from; the days are left out where it is all of them.
    public var description: String {
        func clock(_ minute: Int) -> String {
            [minute / 60, minute % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
        }
        let days = first == last ? "\(first.text) " : "\(first.text)-\(last.text) "
        return (isDaily ? "" : days) + "\(clock(begin))-\(clock(end))"
    }

    private var isDaily: Bool { (last.rawValue + 1) % 7 == first.rawValue }

    /// Parses days, which may be left out, and a time from and to, each of the form `HH:MM`, `24:00` for the end of a day.
    public init?(_ description: String) {
        let words = description.split(separator: " ", omittingEmptySubsequences: false)
        guard (1...2).contains(words.count), let time = words.last else { return nil }
        let days = words.count == 2 ? words[0].split(separator: "-", omittingEmptySubsequences: false) : ["Mon", "Sun"]
        guard (1...2).contains(days.count), let first = Self.day(days[0]), let last = Self.day(days[days.count - 1])
        else {
            return nil
        }
        let ends = time.split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let begin = Self.minute(ends[0]), let end = Self.minute(ends[1]), begin < 1440,
            begin != end
        else { return nil }
        (self.first, self.last, self.begin, self.end) = (first, last, begin, end)
    }

    private static func day(_ text: Substring) -> Day? { Day.allCases.first { $0.text == text } }

    private static func minute(_ text: Substring) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2,
            parts.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy { (48...57).contains($0) } }),
            let hour = Int(parts[0]), let minute = Int(parts[1]), minute < 60, hour * 60 + minute <= 1440
        else { return nil }
        return hour * 60 + minute
    }
}
