// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import Tunnel

struct DisputeTests {
    private let object = KernelObject.nexthop(7204)

    private func instant(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }

    @Test func putsRightAtOnceTheFirstFewTimes() {
        var disputes = Disputes()
        for second in 0..<Disputes.patience {
            #expect(disputes.pause(before: object, isGuard: false, at: instant(Double(second))) == .zero)
            disputes.repaired(object, from: 71, at: instant(Double(second)))
            #expect(disputes.open == [])
        }
    }

    @Test func slowsDownWithWhoeverGoesOn() {
        var disputes = Disputes()
        for second in 0...Disputes.patience { disputes.repaired(object, from: 71, at: instant(Double(second))) }
        #expect(disputes.open == [Repair(object: "nexthop 7204", port: 71)])
        #expect(disputes.pause(before: object, isGuard: false, at: instant(6)) == .seconds(9))
        #expect(disputes.pause(before: object, isGuard: false, at: instant(15)) == .zero)
        // The guard is never left for long, and other things are nobody's dispute.
        #expect(disputes.pause(before: object, isGuard: true, at: instant(5.2)) == .milliseconds(300))
        #expect(disputes.pause(before: .nexthop(7206), isGuard: false, at: instant(6)) == .zero)
    }

    @Test func endsWithAMinuteOfPeace() {
        var disputes = Disputes()
        for second in 0...Disputes.patience { disputes.repaired(object, from: 71, at: instant(Double(second))) }
        disputes.forget(before: instant(66))
        #expect(disputes.open == [])
        #expect(disputes.pause(before: object, isGuard: false, at: instant(66)) == .zero)
    }

    @Test func keepsNoMoreThanItNeeds() {
        var disputes = Disputes()
        for second in 0..<1_000 { disputes.repaired(object, from: 71, at: instant(Double(second) / 100)) }
        disputes.forget(before: instant(69))
        #expect(disputes.open.count == 1)
        disputes.forget(before: instant(70.5))
        #expect(disputes.open == [])
    }
}
