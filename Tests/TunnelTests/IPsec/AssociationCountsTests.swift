// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import Tunnel

struct AssociationCountsTests {
    private static let site = Sample.address("198.51.100.2/30").address
    private static let gateway = Sample.address("198.51.100.1/30").address

    private static func association(
        _ spi: UInt32,
        to destination: IPAddress,
        packets: UInt64 = 0,
        forged: UInt32 = 0,
        late: UInt32 = 0,
        repeated: UInt32 = 0
    ) -> SecurityAssociation {
        SecurityAssociation(
            destination: destination,
            source: destination == site ? gateway : site,
            spi: spi,
            proto: .esp,
            mode: .tunnel,
            requestID: 1,
            interfaceID: 1,
            mark: nil,
            algorithms: [],
            replay: SecurityAssociation.Replay(
                window: 32,
                late: late,
                repeated: repeated,
                forged: forged,
                lastSent: 0,
                highestReceived: 0
            ),
            traffic: SecurityAssociation.Traffic(bytes: 0, packets: packets, added: 1),
            encapsulation: nil,
            offload: nil
        )
    }

    private static func facts(_ inbound: [SecurityAssociation], _ outbound: [SecurityAssociation] = []) -> SecurityFacts
    {
        var facts = SecurityFacts()
        (facts.inbound, facts.outbound) = (inbound, outbound)
        return facts
    }

    private static func packets(
        received: UInt64 = 0,
        sent: UInt64 = 0,
        forged: UInt64 = 0,
        late: UInt64 = 0,
        repeated: UInt64 = 0
    ) -> AssociationCounts.Packets {
        var packets = AssociationCounts.Packets()
        (packets.received, packets.sent) = (received, sent)
        (packets.forged, packets.late, packets.repeated) = (forged, late, repeated)
        return packets
    }

    @Test func countsWhatCameAfterTheFirstLook() {
        var counts = AssociationCounts()
        let first = Self.facts(
            [Self.association(1, to: Self.site, packets: 100, forged: 7)],
            [Self.association(2, to: Self.gateway, packets: 50)]
        )
        #expect(counts.look(at: first) == Self.packets())
        #expect(counts.look(at: first) == Self.packets())
        let second = Self.facts(
            [Self.association(1, to: Self.site, packets: 103, forged: 9, late: 1, repeated: 4)],
            [Self.association(2, to: Self.gateway, packets: 55)]
        )
        let growth = Self.packets(received: 3, sent: 5, forged: 2, late: 1, repeated: 4)
        #expect(counts.look(at: second) == growth)
        #expect(counts.total == growth)
    }

    /// Both are there for a while, then the old one goes.
    @Test func goesOnOverNewKeys() {
        var counts = AssociationCounts()
        counts.look(at: Self.facts([Self.association(1, to: Self.site, packets: 100)]))
        let both = [
            Self.association(1, to: Self.site, packets: 102), Self.association(3, to: Self.site, packets: 5, forged: 1),
        ]
        #expect(counts.look(at: Self.facts(both)) == Self.packets(received: 7, forged: 1))
        #expect(counts.look(at: Self.facts([both[1]])) == Self.packets(), "one that went counts nothing")
        #expect(counts.look(at: Self.facts([])) == Self.packets())
        #expect(counts.total == Self.packets(received: 7, forged: 1))
    }

    /// Somebody put another one in the place of one, with the same SPI.
    @Test func oneThatWentBackCountsNothing() {
        var counts = AssociationCounts()
        counts.look(at: Self.facts([Self.association(1, to: Self.site, packets: 100, repeated: 3)]))
        let replaced = Self.facts([Self.association(1, to: Self.site, packets: 4, repeated: 2)])
        #expect(counts.look(at: replaced) == Self.packets())
        let later = Self.facts([Self.association(1, to: Self.site, packets: 6, repeated: 2)])
        #expect(counts.look(at: later) == Self.packets(received: 2))
    }

    /// The same number may be in use both ways.
    @Test func tellsTheTwoWaysApart() {
        var counts = AssociationCounts()
        counts.look(at: Self.facts([], []))
        let facts = Self.facts(
            [Self.association(1, to: Self.site, packets: 2)],
            [Self.association(1, to: Self.gateway, packets: 9)]
        )
        #expect(counts.look(at: facts) == Self.packets(received: 2, sent: 9))
    }

    @Test func neverGoesBackNorTraps() {
        var counts = AssociationCounts()
        var dice = SystemRandomNumberGenerator()
        var last = AssociationCounts.Packets()
        for _ in 0..<2_000 {
            let spis = (UInt32(1)...4).filter { _ in Bool.random(using: &dice) }
            let facts = Self.facts(
                spis.map {
                    Self.association(
                        $0,
                        to: Self.site,
                        packets: .random(in: 0...9, using: &dice),
                        forged: [0, 1, .max].randomElement(using: &dice) ?? 0
                    )
                }
            )
            counts.look(at: facts)
            #expect(last.growth(since: counts.total) == AssociationCounts.Packets())
            last = counts.total
        }
    }
}
