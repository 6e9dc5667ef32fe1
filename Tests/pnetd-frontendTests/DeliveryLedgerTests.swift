// SPDX-License-Identifier: Apache-2.0

import ProcessLink
import Testing

@testable import pnetd_frontend

struct DeliveryLedgerTests {
    private func alert(_ id: String, body: String = "{}") -> AlertDelivery {
        AlertDelivery(id: id, receiver: .command(["/bin/true"]), body: body)
    }

    @Test func startsAnAlertOnce() {
        var ledger = DeliveryLedger()
        #expect(ledger.offered(alert("a")) == .start)
        #expect(ledger.offered(alert("a")) == .wait)
        _ = ledger.ended(alert("a"), .arrived)
        #expect(!ledger.isAnythingOnItsWay)
        #expect(ledger.offered(alert("a")) == .confirm)
    }

    @Test func startsAgainWhatDidNotArrive() {
        var ledger = DeliveryLedger()
        _ = ledger.offered(alert("a"))
        _ = ledger.ended(alert("a"), .failed("no"))
        #expect(ledger.offered(alert("a")) == .start)
    }

    @Test func namesThatAreUsedAgainHideNothing() {
        // An agent whose state was lost counts from 1 again.
        var ledger = DeliveryLedger()
        _ = ledger.offered(alert("a"))
        #expect(ledger.offered(alert("a", body: "[]")) == .refuse("another alert of that name is on its way"))
        _ = ledger.ended(alert("a"), .arrived)
        #expect(ledger.offered(alert("a", body: "[]")) == .start)
    }

    @Test func isBounded() {
        var ledger = DeliveryLedger()
        for number in 0..<DeliveryLedger.onItsWayLimit { #expect(ledger.offered(alert("\(number)")) == .start) }
        #expect(ledger.offered(alert("x")) == .refuse("too many deliveries at a time"))
        for number in 0..<DeliveryLedger.memory + 1 { _ = ledger.ended(alert("\(number)"), .arrived) }
        #expect(ledger.offered(alert("0")) == .start)
        #expect(ledger.offered(alert("1")) == .confirm)
    }
}
