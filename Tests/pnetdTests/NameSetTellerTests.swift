// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import ProcessLink
import SystemIO
import Testing

@testable import PrivateDNS
@testable import pnetd

/// The resolver's word to the agent, between workers that are mailboxes and an agent that is the test.
@Suite(.serialized)
struct NameSetTellerTests {
    private let loop: EventLoop
    private let mailbox: WorkerMailbox

    init() throws {
        loop = try EventLoop()
        mailbox = try WorkerMailbox(acknowledged: AcknowledgementBell())
    }

    private final class Sent {
        var messages: [(request: UInt64, addresses: [NameSetAddress])] = []

        func take(_ message: MessageToAgent) {
            guard case .learned(let request, let addresses) = message else {
                Issue.record("another message")
                return
            }
            messages.append((request, addresses))
        }
    }

    /// Tells of addresses under a serial; the number makes them others.
    private func tell(_ serial: UInt64, _ count: Int = 1) throws {
        let sets = [try #require(NameSetName("cloud"))]
        let addresses = (0..<count).map {
            let bits = 0x0a00_0000 + UInt32(serial) << 8 + UInt32($0)
            return LearnedAddress(sets: sets, address: .v4(IPv4Address(bits: bits)), lifetime: 120)
        }
        mailbox.tell(addresses, serial)
    }

    private func words() -> [String] {
        mailbox.takeOrders().words.map { "\($0.serial) \($0.isHeld ? "held" : "not held")" }
    }

    @Test func toldTogetherAndAnsweredEach() throws {
        let sent = Sent()
        let teller = NameSetTeller(on: loop, send: sent.take)
        try tell(1, 2)
        try tell(2)
        try tell(3, 2)
        teller.tell(mailbox.takeTellings())
        #expect(sent.messages.map(\.request) == [1])
        #expect(
            sent.messages[0].addresses.map(\.address.description) == [
                "10.0.1.0", "10.0.1.1", "10.0.2.0", "10.0.3.0", "10.0.3.1",
            ]
        )
        #expect(words() == [])
        teller.heard(1, except: [1])
        #expect(words() == ["1 not held", "2 held", "3 held"])
        // Nobody waits for it any more.
        teller.heard(1, except: [])
        teller.heard(99, except: [])
        #expect(words() == [])
    }

    @Test func whatComesSoonAfterGoesTogether() throws {
        let sent = Sent()
        let teller = NameSetTeller(on: loop, send: sent.take)
        for serial in 1...5 as ClosedRange<UInt64> {
            try tell(serial)
            teller.tell(mailbox.takeTellings())
        }
        #expect(sent.messages.map(\.addresses.count) == [1])
        let end = loop.now + .seconds(2)
        while sent.messages.count < 2, loop.now < end { try loop.turn(waiting: .milliseconds(10)) }
        #expect(sent.messages.map(\.addresses.count) == [1, 4])
        teller.heard(2, except: [])
        #expect(words() == ["2 held", "3 held", "4 held", "5 held"])
    }

    @Test func noMessageIsLongerThanTheAgentTakes() throws {
        let sent = Sent()
        let teller = NameSetTeller(on: loop, send: sent.take)
        for serial in 1...3 as ClosedRange<UInt64> { try tell(serial, 128) }
        teller.tell(mailbox.takeTellings())
        #expect(sent.messages.map(\.addresses.count) == [256])
    }

    @Test func nobodyWaitsForAnAgentThatIsGone() throws {
        let sent = Sent()
        let teller = NameSetTeller(on: loop, send: sent.take)
        for serial in 1...3 as ClosedRange<UInt64> {
            try tell(serial)
            teller.tell(mailbox.takeTellings())
        }
        teller.agentIsGone()
        #expect(words() == ["1 not held", "2 not held", "3 not held"])
    }

    @Test func whatWaitsHasABound() throws {
        let teller = NameSetTeller(on: loop, send: { _ in })
        var refused = 0
        for serial in 1...1_100 as ClosedRange<UInt64> {
            try tell(serial, 250)
            teller.tell(mailbox.takeTellings())
            refused += words().count
        }
        // One was sent.
        #expect(refused == 1_100 - 1 - 1_024)
    }
}
