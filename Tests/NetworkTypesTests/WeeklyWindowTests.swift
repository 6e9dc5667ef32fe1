// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

struct WeeklyWindowTests {
    /// On which days and at which minutes it is open and closed.
    @Test(
        arguments: [
            (
                "Sat 02:00-04:00", [(.saturday, 120), (.saturday, 239)],
                [(.saturday, 119), (.saturday, 240), (.sunday, 130)]
            ),
            ("02:00-04:00", [(.monday, 120), (.sunday, 200)], [(.monday, 100)]),
            (
                "Mon-Fri 22:00-05:30", [(.monday, 1320), (.tuesday, 0), (.saturday, 329)],
                [(.monday, 0), (.saturday, 330), (.saturday, 1320), (.sunday, 0)]
            ),
            (
                "Sat-Mon 00:00-24:00", [(.saturday, 0), (.sunday, 700), (.monday, 1439)],
                [(.tuesday, 0), (.friday, 1439)]
            ),
            ("Sun 23:00-01:00", [(.sunday, 1380), (.monday, 59)], [(.monday, 60), (.sunday, 30)]),
        ] as [(String, [(WeeklyWindow.Day, Int)], [(WeeklyWindow.Day, Int)])]
    )
    func isOpenInItsTime(text: String, open: [(WeeklyWindow.Day, Int)], closed: [(WeeklyWindow.Day, Int)]) throws {
        let window = try #require(WeeklyWindow(text))
        #expect(window.description == text)
        for (day, minute) in open { #expect(window.contains(day, minute: minute), "\(day) \(minute)") }
        for (day, minute) in closed { #expect(!window.contains(day, minute: minute), "\(day) \(minute)") }
    }

    @Test(arguments: [
        "", "Sat", "Sat 2:00-4:00", "sat 02:00-04:00", "Sat  02:00-04:00", "Sat 02:00", "Sat 02:00-02:00",
        "Sat 24:00-02:00",
        "Sat 02:60-04:00", "Sat 02:00-24:01", "Sat-Sun-Mon 02:00-04:00", "Sat- 02:00-04:00", "02:00-04:00 Sat",
        "Sat 02:00-04:00 ", "Sat +2:00-04:00", "Saturday 02:00-04:00",
    ])
    func refusesAnythingElse(text: String) {
        #expect(WeeklyWindow(text) == nil)
    }
}
