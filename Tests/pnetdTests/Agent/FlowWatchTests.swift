// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import Testing

@testable import Tunnel
@testable import pnetd

struct FlowWatchTests {
    private static let first = way("vpn-a")
    private static let second = way("vpn-b")

    private static func way(_ path: String) -> FlowWatch.Way {
        guard let network = NetworkName("azure"), let path = PathName(path) else { preconditionFailure("a name") }
        return FlowWatch.Way(to: network, by: path)
    }

    private static func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    /// A connection with a host, which has got on so far, and whose last segments were sent again so often.
    private static func connection(
        _ cookie: UInt64,
        host: UInt32 = 4,
        got: UInt64 = 0,
        timeouts: Int = 0,
        again: UInt32? = nil
    ) -> TCPConnection {
        TCPConnection(
            cookie: cookie,
            local: SocketEndpoint(address: .v4(IPv4Address(bits: 0x0a01_0001)), port: 40_000),
            remote: SocketEndpoint(address: .v4(IPv4Address(bits: 0x0a14_0000 + host)), port: 22),
            timeouts: timeouts,
            retransmissions: again ?? UInt32(timeouts),
            unacknowledged: timeouts > 0 ? 1 : 0,
            acknowledged: got
        )
    }

    /// Looks once; all connections go by a way.
    private static func look(
        _ watch: inout FlowWatch,
        _ second: Int64,
        by way: FlowWatch.Way = first,
        isWhole: Bool = true,
        _ connections: TCPConnection...
    ) {
        var look = TCPConnections.Look()
        (look.connections, look.isWhole) = (connections, isWhole)
        watch.look(at: look, [first, Self.second], { _ in way }, now: at(second))
    }

    private static func status(_ watch: FlowWatch, _ second: Int64, of way: FlowWatch.Way = first) -> FlowStatus {
        watch.status(of: way, now: at(second))
    }

    @Test func tellsWhatWaitsFromWhatGetsOn() {
        var watch = FlowWatch()
        #expect(Self.status(watch, 0) == .unknown)
        Self.look(&watch, 1, Self.connection(1, got: 5), Self.connection(2, host: 5, got: 5))
        #expect(Self.status(watch, 1) == .unknown, "one look does not show what gets on")
        Self.look(&watch, 2, Self.connection(1, got: 6), Self.connection(2, host: 5, got: 5, timeouts: 1))
        #expect(Self.status(watch, 2) == .advancing)
        Self.look(&watch, 3, Self.connection(1, got: 6), Self.connection(2, host: 5, got: 5, timeouts: 2))
        #expect(Self.status(watch, 3) == .stalled(connections: 1, of: 2, hosts: 1))
        #expect(Self.status(watch, 3, of: Self.second) == .unknown)
        Self.look(&watch, 4, Self.connection(1, got: 6, timeouts: 2), Self.connection(2, host: 5, got: 5, timeouts: 3))
        #expect(Self.status(watch, 4) == .stalled(connections: 2, of: 2, hosts: 2))
        #expect(watch.ways[Self.first]?.count == 2 && watch.ways[Self.first]?.retransmissions == 5)
        Self.look(&watch, 5, Self.connection(1, got: 7), Self.connection(2, host: 5, got: 5, timeouts: 3))
        #expect(Self.status(watch, 5) == .advancing)
    }

    /// A host that is off makes its connection wait while others get on: that says nothing of the way any more.
    @Test func oneDeadHostIsNoDeadWay() {
        var watch = FlowWatch()
        for second in Int64(1)...40 {
            let got = UInt64(second / 5)
            Self.look(
                &watch,
                second,
                Self.connection(1, got: got),
                Self.connection(2, host: 5, timeouts: Int(min(second, 15)))
            )
            if second >= 5 { #expect(Self.status(watch, second) == .advancing, "\(second)") }
            #expect(watch.ways[Self.first]?.stalled.count == (second >= 2 ? 1 : 0))
        }
        // The way dies: another one waits, and the first is no witness still.
        Self.look(&watch, 41, Self.connection(1, got: 8, timeouts: 2), Self.connection(2, host: 5, timeouts: 15))
        #expect(Self.status(watch, 41) == .stalled(connections: 1, of: 2, hosts: 1))
    }

    /// Between two looks the way dies: one waited sooner, the other had got on just before.
    @Test func whatWaitsSoonerIsAWitnessStill() {
        var watch = FlowWatch()
        Self.look(&watch, 1, Self.connection(1, got: 1), Self.connection(2, host: 5, got: 1))
        Self.look(&watch, 2, Self.connection(1, got: 1, timeouts: 2), Self.connection(2, host: 5, got: 2, timeouts: 1))
        #expect(Self.status(watch, 2) == .advancing)
        Self.look(&watch, 3, Self.connection(1, got: 1, timeouts: 3), Self.connection(2, host: 5, got: 2, timeouts: 2))
        #expect(Self.status(watch, 3) == .stalled(connections: 2, of: 2, hosts: 2))
    }

    @Test func warnsOfSeveralHostsAfterAWhile() {
        var watch = FlowWatch()
        func isInVain(_ second: Int64) -> Bool { watch.ways[Self.first]?.isInVain(now: Self.at(second)) ?? false }
        for second in Int64(1)...9 {
            Self.look(&watch, second, Self.connection(1, timeouts: 2), Self.connection(2, timeouts: 2))
            #expect(!isInVain(second), "one host")
        }
        Self.look(&watch, 10, Self.connection(3, host: 5, got: 1))
        Self.look(&watch, 11, Self.connection(3, host: 5, got: 2))
        for second in Int64(12)...20 {
            Self.look(&watch, second, Self.connection(1, timeouts: 2), Self.connection(3, host: 5, got: 2, timeouts: 2))
            #expect(isInVain(second) == (second >= 15), "\(second)")
        }
        Self.look(&watch, 21, Self.connection(1, got: 1), Self.connection(3, host: 5, got: 2, timeouts: 3))
        #expect(!isInVain(21))
    }

    /// What waited on one path is no witness against the next one, until it has waited there.
    @Test func aSwitchTakesNoBlameAlong() {
        var watch = FlowWatch()
        Self.look(&watch, 1, Self.connection(1, got: 1))
        Self.look(&watch, 2, Self.connection(1, got: 1, timeouts: 3))
        #expect(Self.status(watch, 2) == .stalled(connections: 1, of: 1, hosts: 1))
        Self.look(&watch, 3, by: Self.second, Self.connection(1, got: 1, timeouts: 4))
        Self.look(&watch, 4, by: Self.second, Self.connection(1, got: 1, timeouts: 5))
        #expect(Self.status(watch, 4, of: Self.second) == .unknown)
        #expect(Self.status(watch, 4) == .stalled(connections: 1, of: 1, hosts: 1), "it explains the switch")
        Self.look(&watch, 5, by: Self.second, Self.connection(1, got: 1, timeouts: 6))
        #expect(Self.status(watch, 5, of: Self.second) == .stalled(connections: 1, of: 1, hosts: 1))
        #expect(Self.status(watch, 31) != .unknown && Self.status(watch, 32) == .unknown)
        #expect(watch.ways[Self.first]?.retransmissions == 3 && watch.ways[Self.second]?.retransmissions == 3)
    }

    /// Counts that go back, numbers that come back, looks out of order: nothing traps, and nothing is counted down.
    @Test func countsOnlyWhatGrows() {
        var watch = FlowWatch()
        Self.look(&watch, 1, Self.connection(1, again: 100))
        #expect(watch.ways[Self.first]?.retransmissions == 0, "it was so before anybody looked")
        Self.look(&watch, 2, Self.connection(1, again: 103), Self.connection(2, again: 4))
        #expect(watch.ways[Self.first]?.retransmissions == 7)
        Self.look(&watch, 3, Self.connection(1, again: 2), Self.connection(2, again: .max))
        Self.look(&watch, 2, Self.connection(1, again: 3), Self.connection(2, again: 0))
        let before = watch.ways[Self.first]?.retransmissions ?? 0
        #expect(before == 7 + UInt64(UInt32.max - 4) + 1)
        Self.look(&watch, 4)
        Self.look(&watch, 5, Self.connection(2, again: 9))
        #expect(watch.ways[Self.first]?.retransmissions == before + 9)
        #expect(watch.ways[Self.first]?.count == 1)
    }

    @Test func readsAThousandInAnyOrder() {
        var random = SystemRandomNumberGenerator()
        var watch = FlowWatch()
        var total: UInt64 = 0
        for second in Int64(1)...20 {
            var look = TCPConnections.Look()
            look.connections = (0..<1_000).map { _ in
                Self.connection(
                    .random(in: 0..<1_500, using: &random),
                    host: .random(in: 0..<4, using: &random),
                    got: .random(in: 0...UInt64.max, using: &random),
                    timeouts: .random(in: 0...255, using: &random),
                    again: .random(in: 0...UInt32.max, using: &random)
                )
            }
            let ways = [Self.first, Self.second]
            watch.look(at: look, ways, { $0.cookie % 3 == 0 ? nil : ways[Int($0.cookie % 2)] }, now: Self.at(second))
            let counted = watch.ways.values.reduce(0) { $0 &+ $1.retransmissions }
            #expect(counted >= total)
            total = counted
            for flows in watch.ways.values {
                #expect(flows.witnesses.count <= flows.stalled.count && flows.stalled.count <= flows.count)
            }
        }
    }

    @Test func concludesNothingFromWhatItCannotSee() {
        var watch = FlowWatch()
        Self.look(&watch, 1, Self.connection(1, got: 1, again: 7))
        Self.look(&watch, 2, Self.connection(1, got: 1, timeouts: 2, again: 9))
        #expect(Self.status(watch, 2) == .stalled(connections: 1, of: 1, hosts: 1))
        Self.look(&watch, 3, isWhole: false, Self.connection(1, got: 1, timeouts: 3, again: 10))
        #expect(watch.isOverwhelmed && Self.status(watch, 3) == .unknown)
        #expect(watch.ways[Self.first]?.count == 0 && watch.ways[Self.first]?.retransmissions == 2)
        Self.look(&watch, 4, Self.connection(1, got: 1, timeouts: 4, again: 11))
        #expect(!watch.isOverwhelmed && watch.ways[Self.first]?.retransmissions == 2)
        Self.look(&watch, 5, Self.connection(1, got: 1, timeouts: 5, again: 12))
        #expect(watch.ways[Self.first]?.retransmissions == 3)
        watch.lose()
        #expect(Self.status(watch, 5) == .unknown && watch.ways[Self.first]?.retransmissions == 3)
    }

    @Test func forgetsAWayThatTheFileHasNoMore() {
        var watch = FlowWatch()
        Self.look(&watch, 1, Self.connection(1))
        #expect(watch.ways.count == 2)
        watch.look(at: TCPConnections.Look(), [Self.second], { _ in Self.first }, now: Self.at(2))
        #expect(Array(watch.ways.keys) == [Self.second])
    }
}
