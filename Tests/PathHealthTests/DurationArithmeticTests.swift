// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import PathHealth

/// The fast arithmetic beside the standard library's, which another type of integer calls up.
struct DurationArithmeticTests {
    private static let durations: [Duration] = [
        .zero, .nanoseconds(1), .nanoseconds(Int64.max), .nanoseconds(Int64.min), .milliseconds(-1), .seconds(1) / 3,
        Duration(secondsComponent: 3, attosecondsComponent: 141_592_653_589_793_238),
    ]

    @Test(arguments: durations, [1, 2, 3, 7, 20, 100])
    func isTheSameToTheLastAttosecond(duration: Duration, number: Int) {
        #expect(duration * number == duration * Int32(number))
        #expect(duration / number == duration / Int32(number))
    }

    /// On both sides of what 64 bits hold, which takes another way.
    @Test func countsTheSameBeyondNineSeconds() {
        for duration in [Duration.seconds(9), .seconds(10), .seconds(-10), .seconds(1_000_000)] {
            #expect(duration * 7 == duration * Int32(7))
            #expect(duration / 7 == duration / Int32(7))
            #expect((duration * 3).wholeCount(of: duration) == 3)
            #expect(duration.nanoseconds == duration.components.seconds * 1_000_000_000)
        }
    }

    @Test(arguments: [0, 1, -1, 250, -250, 86_400_000])
    func countsTheSameUnits(count: Int) {
        #expect(.milliseconds(count) == Duration.milliseconds(Int32(count)))
        #expect(.nanoseconds(Int64(count)) == Duration.nanoseconds(Int32(count)))
    }

    @Test func countsWholeTimes() {
        #expect(Duration.milliseconds(240).wholeCount(of: .milliseconds(40)) == 6)
        #expect(Duration.milliseconds(239).wholeCount(of: .milliseconds(40)) == 5)
        #expect(Duration.milliseconds(-41).wholeCount(of: .milliseconds(40)) == -1)
    }

    @Test func nanosecondsAreCutOffTowardZeroAndSaturate() {
        #expect((Duration.nanoseconds(1) / 2).nanoseconds == 0)
        #expect((Duration.nanoseconds(-3) / 2).nanoseconds == -1)
        #expect(Duration.seconds(Int64.max).nanoseconds == .max)
        #expect(Duration.seconds(Int64.min).nanoseconds == .min)
    }
}
