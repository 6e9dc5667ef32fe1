// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import Testing

@testable import Tunnel
@testable import pnetd

struct XFRMWatchTests {
    private static func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    private static func address(_ last: UInt32) -> IPAddress { .v4(IPv4Address(bits: 0xc633_6400 + last)) }

    /// What the kernel has of one tunnel.
    private static func facts(received: UInt64 = 0, sent: UInt64 = 0, forged: UInt32 = 0, late: UInt32 = 0)
        -> SecurityFacts
    {
        func association(_ spi: UInt32, _ destination: UInt32, _ packets: UInt64) -> SecurityAssociation {
            SecurityAssociation(
                destination: address(destination),
                source: address(3 - destination),
                spi: spi,
                proto: .esp,
                mode: .tunnel,
                requestID: 1,
                interfaceID: 1,
                mark: nil,
                algorithms: [],
                replay: .init(window: 32, late: late, repeated: 0, forged: forged, lastSent: 0, highestReceived: 0),
                traffic: .init(bytes: 0, packets: packets, added: 1),
                encapsulation: nil,
                offload: nil
            )
        }
        var facts = SecurityFacts()
        (facts.inbound, facts.outbound) = ([association(1, 2, received)], [association(2, 1, sent)])
        return facts
    }

    typealias Look = (second: Int64, received: UInt64, sent: UInt64)

    private static func path(_ looks: [Look]) -> XFRMWatch.Path {
        var path = XFRMWatch.Path()
        for look in looks { path.look(at: facts(received: look.received, sent: look.sent), now: at(look.second)) }
        return path
    }

    /// The targets fell silent at 100.
    @Test(
        arguments: [
            ([(99, 5, 5), (100, 5, 5), (101, 5, 8), (102, 5, 9)], 112, .silent),
            ([(99, 5, 5), (100, 5, 5), (101, 5, 8), (102, 5, 9)], 111, .unknown),
            // What was noticed after it may have come before.
            ([(99, 5, 5), (101, 6, 8), (102, 6, 9)], 112, .silent),
            ([(99, 5, 5), (101, 5, 8), (102, 6, 9)], 112, .heard),
            ([(99, 5, 5), (101, 5, 8), (102, 6, 9)], 132, .silent),
            ([(99, 5, 5), (101, 5, 5), (112, 5, 5)], 112, .unknown),
        ] as [([Look], Int64, PeerStatus)]
    )
    func saysOfTheFarEndWhatWasCountedSinceTheTargetsFellSilent(
        looks: [Look],
        now: Int64,
        status: PeerStatus
    ) {
        let path = Self.path(looks)
        #expect(path.status(since: Self.at(100), now: Self.at(now)) == status)
        #expect(path.status(since: nil, now: Self.at(now)) == .unknown)
    }

    @Test func remembersForAWhileWhatWasRefused() {
        var path = XFRMWatch.Path()
        path.look(at: Self.facts(forged: 9, late: 9), now: Self.at(1))
        #expect(path.refusals(now: Self.at(1)).isEmpty, "it was so before anybody looked")
        path.look(at: Self.facts(forged: 10, late: 9), now: Self.at(2))
        #expect(path.refusals(now: Self.at(2)) == PacketRefusals(areForged: true))
        path.look(at: Self.facts(forged: 10, late: 10), now: Self.at(20))
        #expect(path.refusals(now: Self.at(31)) == PacketRefusals(areForged: true, areReplayed: true))
        #expect(path.refusals(now: Self.at(32)) == PacketRefusals(areReplayed: true))
        #expect(path.refusals(now: Self.at(50)).isEmpty)
        #expect(path.lastMinute.forged == 1 && path.lastMinute.late == 1)
    }

    @Test func warnsForAMinute() {
        var path = XFRMWatch.Path()
        for second in Int64(0)..<10 { path.look(at: Self.facts(forged: 0), now: Self.at(second)) }
        path.look(at: Self.facts(forged: 3), now: Self.at(10))
        for second in Int64(11)...69 {
            path.look(at: Self.facts(forged: 3), now: Self.at(second))
            #expect(path.lastMinute.forged == 3)
        }
        for second in Int64(70)...75 { path.look(at: Self.facts(forged: 3), now: Self.at(second)) }
        #expect(path.lastMinute.forged == 0)
        #expect(path.counts.total.forged == 3)
    }

    @Test func forgetsAPathThatTheFileHasNoMore() throws {
        let (first, second) = (try #require(PathName("ipsec-a")), try #require(PathName("ipsec-b")))
        var watch = XFRMWatch()
        for path in [first, second] { _ = watch.look(path, at: Self.facts(), now: Self.at(0)) }
        watch.keep([second])
        #expect(watch.paths.keys.sorted() == [second])
    }

    @Test func tellsWhatTheNamespaceCountedOfLate() {
        func reading(_ count: Int64) -> XFRMStatistics { XFRMStatistics(text: "XfrmInNoStates \(count)\n".utf8) }
        var watch = XFRMWatch()
        #expect(watch.growth.isEmpty && watch.counts == nil)
        watch.take(reading(1_000), now: Self.at(0))
        #expect(watch.growth.isEmpty)
        for second in Int64(1)...600 { watch.take(reading(1_000 + second), now: Self.at(second)) }
        #expect(watch.growth.packets[.inNoStates].map { (60...65).contains($0) } == true)
        #expect(watch.counts?.counts == [.inNoStates: 1_600])
    }
}
