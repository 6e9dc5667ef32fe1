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

    /// Tells of addresses under a serial, each in so many sets; the number makes them others.
    private func tell(_ serial: UInt64, _ count: Int = 1, sets setCount: Int = 1) throws {
        let sets = try (1...setCount).map { try #require(NameSetName("cloud\($0)")) }
        let addresses = (0..<count).map {
            let bits = 0x0a00_0000 + UInt32(serial) << 8 + UInt32($0)
            return LearnedAddress(sets: sets, address: .v4(IPv4Address(bits: bits)), lifetime: 120)
        }
        mailbox.tell(addresses, serial)
    }

    private func words() -> [String] {
        mailbox.takeOrders().words.map { word in
            word.refused.isEmpty ? "\(word.serial) held" : "\(word.serial) but \(word.refused.sorted())"
        }
    }

    private func turn(for time: Duration = .seconds(2), until done: () -> Bool = { false }) throws {
        let end = loop.now + time
        while !done(), loop.now < end { try loop.turn(waiting: .milliseconds(5)) }
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
        #expect(words() == ["1 but [1]", "2 held", "3 held"])
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
        try turn { sent.messages.count == 2 }
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
        #expect(words() == ["1 but [0]", "2 but [0]", "3 but [0]"])
        // Of what was sent in part it is said once.
        try tell(4, 128, sets: 10)
        teller.tell(mailbox.takeTellings())
        teller.agentIsGone()
        #expect(words() == ["4 but \(Array(0..<128))"])
    }

    @Test func aLongTellingGoesInPartsAndOthersInBetween() throws {
        let sent = Sent()
        let teller = NameSetTeller(on: loop, send: sent.take)
        try tell(1, 128, sets: 10)
        teller.tell(mailbox.takeTellings())
        // As much as may go at once.
        let first = sent.messages.reduce(0) { $0 + $1.addresses.count }
        #expect((50..<128).contains(first))
        try tell(2)
        teller.tell(mailbox.takeTellings())
        func addresses() -> [String] { sent.messages.flatMap(\.addresses).map(\.address.description) }
        try turn(for: .seconds(20)) { addresses().contains("10.0.2.0") }
        let place = try #require(addresses().firstIndex(of: "10.0.2.0"))
        #expect(place < 128, "it goes in between")
        // What is said of the parts is said of the whole, when it is complete.
        try turn(for: .seconds(20)) { sent.messages.reduce(0) { $0 + $1.addresses.count } == 129 }
        for (request, addresses) in sent.messages {
            let refused = addresses.indices.filter { ["10.0.1.0", "10.0.1.127"].contains("\(addresses[$0].address)") }
            teller.heard(request, except: Set(refused))
        }
        #expect(words() == ["2 held", "1 but [0, 127]"])
    }

    /// So many at once, and then as many as there are milliseconds.
    @Test func keepsThePace() throws {
        let sent = Sent()
        let start = loop.now
        let teller = NameSetTeller(on: loop, send: sent.take)
        for serial in 1...8 as ClosedRange<UInt64> { try tell(serial, 250) }
        teller.tell(mailbox.takeTellings())
        try turn(for: .milliseconds(500))
        let time = (loop.now - start).nanoseconds / 1_000_000
        let count = sent.messages.reduce(0) { $0 + $1.addresses.count }
        #expect((500...500 + Int(time)).contains(count))
        #expect(sent.messages.count <= 1 + Int(time) / 25)
        #expect(sent.messages.allSatisfy { $0.addresses.count <= NameSetAddress.limit })
    }

    @Test func waitsForAnAgentThatSaysNothing() throws {
        let sent = Sent()
        let teller = NameSetTeller(on: loop, send: sent.take)
        for serial in 1...70 as ClosedRange<UInt64> {
            try tell(serial)
            teller.tell(mailbox.takeTellings())
            // The last ones wait in vain, and that is to be seen: the others have time.
            try turn(for: serial <= 64 ? .seconds(10) : .milliseconds(200)) { sent.messages.count == serial }
            if sent.messages.count < serial { break }
        }
        #expect(sent.messages.count == 64)
        teller.heard(1, except: [])
        #expect(sent.messages.count == 65)
        #expect(words() == ["1 held"])
    }

    @Test func whatWaitsHasABound() throws {
        var teller = NameSetTeller(on: loop, send: { _ in })
        var refused = 0
        for serial in 1...50 as ClosedRange<UInt64> {
            try tell(serial, 250)
            teller.tell(mailbox.takeTellings())
            refused += words().count
        }
        // 250 at once, and the others' addresses wait: 10,000.
        #expect(refused == 50 - 1 - 40)
        // And in number.
        (teller, refused) = (NameSetTeller(on: loop, send: { _ in }), 0)
        for serial in 1...1_100 as ClosedRange<UInt64> {
            try tell(serial)
            teller.tell(mailbox.takeTellings())
            refused += words().count
        }
        #expect(refused == 1_100 - 1 - 1_024)
    }
}
