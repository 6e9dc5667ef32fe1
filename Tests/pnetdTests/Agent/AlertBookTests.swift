// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import ProcessLink
import Testing

@testable import pnetd

struct AlertBookTests {
    private let site: SiteName
    private let hook = AlertDelivery.Receiver.webhook(url: "http://192.0.2.9/hook")
    private let program = AlertDelivery.Receiver.command(["/bin/true"])

    init() throws {
        site = try #require(SiteName("plant-7"))
    }

    @Test func offersOneAlertAReceiverInOrder() {
        var book = AlertBook()
        book.add({ "firing \($0)" }, to: [hook, program], site: site)
        book.add({ "resolved \($0)" }, to: [hook, program], site: site)
        #expect(book.due.map(\.delivery.body) == ["firing plant-7-1", "firing plant-7-1"])
        #expect(Set(book.due.map(\.delivery.id)) == ["plant-7-1-0", "plant-7-1-1"])
        let wasWaiting = book.delivered("plant-7-1-0")
        #expect(wasWaiting)
        #expect(book.due.map(\.delivery.body) == ["firing plant-7-1", "resolved plant-7-2"])
        let isStillWaiting = book.delivered("plant-7-1-0")
        #expect(!isStillWaiting, "a second word about the same alert changes nothing")
    }

    @Test func waitsLongerWithEveryFailure() {
        var book = AlertBook()
        book.add({ $0 }, to: [hook], site: site)
        let waits = (0..<8).compactMap { _ in book.failed("plant-7-1-0") }
        #expect(waits == [1, 2, 4, 8, 16, 32, 60, 60].map { .seconds($0) })
        let unknown = book.failed("unknown")
        #expect(unknown == nil)
    }

    @Test func hasABoundAndSaysWhenItIsReached() {
        var book = AlertBook()
        for _ in 0..<AlertBook.limit + 5 { book.add({ $0 }, to: [hook], site: site) }
        #expect(book.waiting.count == AlertBook.limit)
        #expect(book.lost == 5)
    }

    @Test func forgetsReceiversThatTheFileNoLongerNames() {
        var book = AlertBook()
        book.add({ $0 }, to: [hook, program], site: site)
        book.keep([program])
        #expect(book.waiting.map(\.delivery.receiver) == [program])
    }
}
