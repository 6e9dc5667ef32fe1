// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import FoundationEssentials
import NetworkTypes
import Testing

@testable import pnetd

/// What of a network's changes is told to the receivers of alerts.
struct AlertNewsTests {
    private let network: NetworkName

    init() throws {
        network = try #require(NetworkName("azure"))
    }

    @Test func aFirstUpIsNoNewsAndAFirstBlockedIs() {
        var book = AlertBook()
        #expect(book.news(of: network, from: .starting, to: .up) == nil)
        #expect(book.news(of: network, from: .up, to: .blocked) == .up)
        var other = AlertBook()
        #expect(other.news(of: network, from: .starting, to: .blocked) == .starting)
    }

    @Test func aRestartNeitherRepeatsNorForgets() throws {
        var book = AlertBook()
        #expect(book.news(of: network, from: .up, to: .blocked) == .up)
        book = try JSONDecoder().decode(AlertBook.self, from: JSONEncoder().encode(book))
        #expect(book.news(of: network, from: .blocked, to: .starting) == nil)
        #expect(book.news(of: network, from: .starting, to: .blocked) == nil)
        #expect(book.news(of: network, from: .starting, to: .up) == .blocked)
        #expect(book.news(of: network, from: .starting, to: .up) == nil)
    }

    @Test func whatAnEarlierVersionSavedIsRead() throws {
        let saved = #"{"waiting":[],"next":7,"lost":0}"#
        var book = try JSONDecoder().decode(AlertBook.self, from: Data(saved.utf8))
        #expect(book.news(of: network, from: .starting, to: .up) == nil)
    }
}
