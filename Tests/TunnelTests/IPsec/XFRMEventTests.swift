// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO
import Testing

@testable import Tunnel

/// What the kernel tells of what ip(8) and the kernel itself do.
@Suite(.serialized)
struct XFRMEventTests {
    /// Runs lines of ip(8) and gives what was told.
    private static func told(_ events: XFRMEvents, after lines: String) throws -> [XFRMEvent] {
        try ip(lines)
        let notices = events.drain()
        #expect(notices.allSatisfy { $0.port == 0 }, "ip(8) does not sign")
        return notices.map(\.event)
    }

    /// ESP is not needed for one that is only being negotiated.
    @Test func tellsOfAssociations() throws {
        try inFreshNamespace {
            let events = try XFRMEvents(hearsAcquires: true)
            #expect(events.drain() == [])
            let allocation = "xfrm state allocspi src 192.0.2.1 dst 192.0.2.2 proto esp mode tunnel reqid"
            #expect(
                try Self.told(events, after: "\(allocation) 7 min 0x1001 max 0x1001") == [],
                "nobody is told of these"
            )
            let larval = try #require(try SecurityDatabase().associations().first)
            #expect((larval.spi, larval.requestID, larval.isLarval) == (0x1001, 7, true))
            #expect(larval.source == IPAddress("192.0.2.1") && larval.destination == IPAddress("192.0.2.2"))

            let deletion = "xfrm state delete src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x1001"
            #expect(try Self.told(events, after: deletion) == [.deletedAssociation(larval)])
            try ip("\(allocation) 8 min 0x1002 max 0x1002")
            #expect(try Self.told(events, after: "xfrm state flush proto esp") == [.flushedAssociations(.esp)])
            try ip("\(allocation) 9 min 0x1003 max 0x1003")
            #expect(try Self.told(events, after: "xfrm state flush") == [.flushedAssociations(.any)])
            #expect(try Self.told(events, after: "xfrm state flush") == [], "there was nothing")
        }
    }

    @Test func tellsOfPoliciesAndWhoChangedThem() throws {
        try inFreshNamespace {
            let events = try XFRMEvents(hearsAcquires: false)
            let database = try SecurityDatabase()
            let policy = "src 10.1.0.0/16 dst 10.20.0.0/16 dir out if_id 42"
            let made = try Self.told(events, after: "xfrm policy add \(policy) action block priority 5")
            let there = try #require(try database.policies().first)
            #expect(made == [.newPolicy(there)])
            #expect((there.interfaceID, there.action, there.priority) == (42, .block, 5))
            #expect(try Self.told(events, after: "xfrm policy delete \(policy)") == [.deletedPolicy(there)])

            let ours = BlockPolicy(family: .ipv6, direction: .forward, interfaceID: 43)
            try database.apply(BlockPolicy.Difference(missing: [ours], surplus: []))
            let notices = events.drain()
            #expect(notices.map(\.port) == [database.port])
            guard case .newPolicy(let told) = try #require(notices.first).event else {
                Issue.record("\(notices)")
                return
            }
            #expect(BlockPolicy(told, among: 40...49) == ours)
            #expect(try Self.told(events, after: "xfrm policy flush") == [.flushedPolicies])
            #expect(try database.blockedDefaults() == [])
            #expect(
                try Self.told(events, after: "xfrm policy setdefault in block fwd block out accept")
                    == [.changedDefaults(blocked: [.input, .forward])]
            )
            #expect(try database.blockedDefaults() == [.input, .forward])
        }
    }

    @Test func tellsOfTheEndOfAPolicysLife() throws {
        try inFreshNamespace {
            let events = try XFRMEvents(hearsAcquires: false)
            try ip("xfrm policy add src 10.1.0.0/16 dst 10.20.0.0/16 dir in action block limit time-hard 1")
            guard case .newPolicy(let policy) = events.drain().first?.event else {
                Issue.record("nothing was told of the policy")
                return
            }
            var notices: [XFRMNotice] = []
            for _ in 0..<500 where notices.isEmpty {
                usleep(20_000)
                notices = events.drain()
            }
            #expect(notices == [XFRMNotice(event: .policyExpired(policy, isHard: true), port: 0)])
            #expect(try SecurityDatabase().policies().isEmpty)
        }
    }

    /// Who hears of traffic without an association keeps the kernel waiting for one.
    @Test(arguments: [true, false])
    func tellsOfTrafficWithoutAnAssociation(hearsAcquires: Bool) throws {
        try inFreshNamespace {
            try ip(
                """
                link add v0 type veth peer name v1
                link set v0 up
                link set v1 up
                address add 10.1.0.1/24 dev v0
                route add 10.20.0.0/16 via 10.1.0.2
                neighbour add 10.1.0.2 lladdr 02:00:00:00:00:01 dev v0
                xfrm policy add src 0.0.0.0/0 dst 10.20.0.0/16 dir out priority 6 \
                tmpl src 10.1.0.1 dst 10.1.0.2 proto esp reqid 9 mode tunnel
                """
            )
            let database = try SecurityDatabase()
            let policy = try #require(try database.policies().first)
            let events = try XFRMEvents(hearsAcquires: hearsAcquires)
            try run("/bin/sh", "-c", "ping -c 1 -W 1 10.20.0.4 > /dev/null; true")
            let acquires = events.drain().compactMap { notice -> XFRMEvent.Acquire? in
                guard case .acquire(let acquire) = notice.event, notice.port == 0 else { return nil }
                return acquire
            }
            let larval = try database.associations()
            let statistics = try XFRMStatistics.read(from: "/proc/thread-self/net/xfrm_stat")
            #expect(try #require(statistics.counts[.outNoStates]) > 0)
            guard hearsAcquires else {
                #expect(acquires.isEmpty && larval.isEmpty)
                return
            }
            let acquire = try #require(acquires.first)
            #expect(acquire.policy == policy && acquire.proto == .esp)
            #expect(acquire.source == IPAddress("10.1.0.1") && acquire.destination == IPAddress("10.1.0.2"))
            #expect(acquire.traffic.destination == Sample.prefix("10.20.0.4/32"))
            #expect(acquire.policy.templates.map(\.requestID) == [9])
            #expect(larval.allSatisfy(\.isLarval) && larval.allSatisfy { $0.spi == 0 } && !larval.isEmpty)
        }
    }

    @Test func saysThatEventsWereLost() throws {
        try inFreshNamespace {
            let events = try XFRMEvents(hearsAcquires: false, buffer: 8 << 10)
            let database = try SecurityDatabase()
            let ours: Set = [BlockPolicy(family: .ipv4, direction: .output, interfaceID: 42)]
            for _ in 0..<200 { try database.apply(BlockPolicy.Difference(missing: ours, surplus: [])) }
            let notices = events.drain()
            #expect(notices.contains(XFRMNotice(event: .overrun, port: 0)))
            #expect(events.overruns > 0 && notices.count < 200)
            try database.apply(BlockPolicy.Difference(missing: [], surplus: ours))
            #expect(events.drain().count == 1, "what comes after is told again")
        }
    }

    /// No kernel of the lab moves a peer's port; the octets are as linux/xfrm.h has them.
    @Test func readsAMapping() throws {
        func padded(_ octets: [UInt8]) -> [UInt8] { octets + Array(repeating: 0, count: 16 - octets.count) }
        let payload: [UInt8] =
            padded([192, 0, 2, 1]) + [0, 0, 0x10, 0x01, 2, 0, 50, 0]  // daddr, spi, AF_INET, ESP
            + [9, 0, 0, 0] + padded([198, 51, 100, 7]) + padded([203, 0, 113, 9])  // reqid, old and new saddr
            + [0x11, 0x94, 0xc3, 0x50]  // old and new sport
        let datagram = ScriptedKernel.message(Int32(XFRM_MSG_MAPPING), sequence: 0, payload)
        let mapping = XFRMEvent.Mapping(
            id: SecurityAssociation.ID(
                destination: try #require(IPAddress("192.0.2.1")),
                spi: 0x1001,
                proto: .esp,
                mark: nil
            ),
            requestID: 9,
            old: Sample.endpoint("198.51.100.7:4500"),
            new: Sample.endpoint("203.0.113.9:50000")
        )
        #expect(XFRMEvents.parse(datagram) == [XFRMNotice(event: .mapping(mapping), port: 0)])
    }
}
