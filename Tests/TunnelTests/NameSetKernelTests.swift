// SPDX-License-Identifier: Apache-2.0

import CLinux
import FoundationEssentials
import NetworkTypes
import PathHealth
import SystemIO
import Testing

@testable import Tunnel

/// Sets of names in the kernel, as nft(8) reads them.
@Suite(.serialized)
struct NameSetKernelTests {
    private static func desired(_ sets: String...) throws -> Desired {
        var desired = Sample.desired(.blocked)
        desired.nameSets = try sets.map { try #require(NameSetName($0)) }
        return desired
    }

    /// A clock that stands still: times are what they are however long a test takes.
    private struct StandingClock: TimeSource {
        let now = Instant(nanoseconds: 1_000_000_000)
        let wallNanoseconds: Int64 = 0
    }

    private static func firewall() throws -> Firewall {
        Firewall(over: NetlinkConversation(over: try NetlinkSocket(bus: NETLINK_NETFILTER)), clock: StandingClock())
    }

    private static func hold(_ firewall: Firewall, _ address: String, _ lifetime: UInt32, _ sets: String...) throws
        -> Set<Int>
    {
        let names = try sets.map { try #require(NameSetName($0)) }
        return try firewall.hold([(names, try #require(IPAddress(address)), lifetime)])
    }

    private static func list(_ set: String) throws -> String {
        try run("/usr/sbin/nft", "list", "set", "inet", "pnetd", set)
    }

    @Test func holdAddressesForTheirTime() throws {
        try inFreshNamespace {
            let firewall = try Self.firewall()
            #expect(try firewall.reconcile(Self.desired("cloud", "web").guard.table))
            #expect(try Self.list("names-cloud-ipv4").contains("type ipv4_addr"))
            #expect(try Self.hold(firewall, "10.20.0.4", 120, "cloud") == [])
            #expect(try Self.hold(firewall, "fd00:20::4", 120, "cloud", "web") == [])
            #expect(try Self.list("names-cloud-ipv4").contains("10.20.0.4 timeout 3m expires "))
            #expect(try Self.list("names-cloud-ipv6").contains("fd00:20::4 timeout 3m expires "))
            #expect(try Self.list("names-web-ipv6").contains("fd00:20::4 timeout 3m expires "))
            #expect(try !Self.list("names-web-ipv4").contains("timeout 3m"))
            // What is held already is no word to the kernel; for longer it is.
            let before = firewall.mutations
            #expect(try Self.hold(firewall, "10.20.0.4", 120, "cloud") == [])
            #expect(firewall.mutations == before)
            #expect(try Self.hold(firewall, "10.20.0.4", 3_540, "cloud") == [])
            #expect(try Self.list("names-cloud-ipv4").contains("10.20.0.4 timeout 1h expires "))
            #expect(try Self.hold(firewall, "10.20.0.4", 120, "other") == [0])
            #expect(try !firewall.reconcile(Self.desired("cloud", "web").guard.table))
        }
    }

    @Test func outliveAnotherGuardAndAnotherAgent() throws {
        try inFreshNamespace {
            do {
                let firewall = try Self.firewall()
                _ = try firewall.reconcile(Self.desired("cloud").guard.table)
                _ = try Self.hold(firewall, "10.20.0.4", 120, "cloud")
                // Another guard, in the place of the one before.
                #expect(try firewall.reconcile(Self.desired("cloud", "web").guard.table))
                #expect(try Self.list("names-cloud-ipv4").contains("10.20.0.4 timeout 3m expires "))
            }
            let next = try Self.firewall()
            _ = try next.reconcile(Self.desired("cloud", "web").guard.table)
            #expect(try Self.list("names-cloud-ipv4").contains("10.20.0.4 timeout "))
            let before = next.mutations
            #expect(try Self.hold(next, "10.20.0.4", 120, "cloud") == [])
            #expect(next.mutations == before)
            // And replaced by the other agent.
            #expect(try next.reconcile(Self.desired("cloud").guard.table))
            #expect(try Self.list("names-cloud-ipv4").contains("10.20.0.4 timeout "))
            #expect(next.learned.counts(now: next.clock.now).values.map(\.self) == [1])
            // What the file does not name goes.
            #expect(try next.reconcile(Self.desired("web").guard.table))
            #expect(throws: ProgramFailure.self) { try Self.list("names-cloud-ipv4") }
            #expect(try next.reconcile(Self.desired("cloud").guard.table))
            #expect(try !Self.list("names-cloud-ipv4").contains("10.20.0.4"))
        }
    }

    /// As a foreign hand may, on kernels before 6.9.
    @Test func comeBackWhereSomebodyTookThemAway() throws {
        try inFreshNamespace {
            let firewall = try Self.firewall()
            let table = try Self.desired("cloud").guard.table
            _ = try firewall.reconcile(table)
            _ = try Self.hold(firewall, "10.20.0.4", 120, "cloud")
            #expect(try !firewall.reconcile(table))
            try firewall.send(NftMessages.deleteElements(firewall.learned.living(now: firewall.clock.now)))
            #expect(try !Self.list("names-cloud-ipv4").contains("10.20.0.4"))
            #expect(try firewall.reconcile(table))
            #expect(try Self.list("names-cloud-ipv4").contains("10.20.0.4 timeout "))
            #expect(try !firewall.reconcile(table))
        }
    }

    /// As a foreign hand may put there what no name leads to, with an end or without.
    @Test func areRidOfWhatSomebodyAdded() throws {
        try inFreshNamespace {
            let firewall = try Self.firewall()
            let table = try Self.desired("cloud").guard.table
            _ = try firewall.reconcile(table)
            _ = try Self.hold(firewall, "10.20.0.4", 120, "cloud")
            let now = firewall.clock.now
            let foreign = LearnedAddresses.Holding(
                set: try #require(NameSetName("cloud")),
                address: try #require(IPAddress("10.20.0.99")),
                until: now + .seconds(3_600)
            )
            try firewall.send(NftMessages.newElements([foreign], now: now))
            #expect(try Self.list("names-cloud-ipv4").contains("10.20.0.99 timeout 1h "))
            #expect(try firewall.reconcile(table))
            if !firewall.isOwned {
                try run("/usr/sbin/nft", "add", "element", "inet", "pnetd", "names-cloud-ipv4", "{ 10.20.0.98 }")
                #expect(try firewall.reconcile(table))
            }
            let rest = try Self.list("names-cloud-ipv4")
            #expect(rest.contains("10.20.0.4 timeout 3m ") && !rest.contains("10.20.0.9"))
            #expect(try !firewall.reconcile(table))
        }
    }

    /// Two of a list may lead to one address, by names of different TTLs.
    @Test func holdTheLongestOfAList() throws {
        try inFreshNamespace {
            let firewall = try Self.firewall()
            _ = try firewall.reconcile(Self.desired("cloud").guard.table)
            let cloud = try #require(NameSetName("cloud"))
            let address = try #require(IPAddress("10.20.0.4"))
            #expect(try firewall.hold([([cloud], address, 120), ([cloud], address, 540), ([], address, 9)]) == [])
            #expect(try Self.list("names-cloud-ipv4").contains("10.20.0.4 timeout 10m expires "))
        }
    }

    @Test func areForgottenWhereTheKernelDoesNotTakeThem() throws {
        try inFreshNamespace {
            let firewall = try Self.firewall()
            _ = try firewall.reconcile(Self.desired("cloud").guard.table)
            _ = try firewall.remove()
            #expect(throws: NetlinkError.self) { try Self.hold(firewall, "10.20.0.4", 120, "cloud") }
            #expect(firewall.learned.living(now: firewall.clock.now) == [])
        }
    }

    @Test func areHeldForTheirFormerTimeWhereTheKernelDoesNotProlongThem() throws {
        try inFreshNamespace {
            let firewall = try Self.firewall()
            let table = try Self.desired("cloud").guard.table
            _ = try firewall.reconcile(table)
            _ = try Self.hold(firewall, "10.20.0.4", 120, "cloud")
            _ = try firewall.remove()
            #expect(throws: NetlinkError.self) { try Self.hold(firewall, "10.20.0.4", 600, "cloud") }
            // The next guard has what there was.
            #expect(try firewall.reconcile(table))
            #expect(try Self.list("names-cloud-ipv4").contains("10.20.0.4 timeout 3m expires "))
        }
    }

    @Test func areInTheCopyForTheBoot() throws {
        let copy = GuardCopy(of: try Self.desired("cloud"))
        let written = try JSONEncoder().encode(copy)
        #expect(try JSONDecoder().decode(GuardCopy.self, from: written) == copy)
        let plain = String(decoding: try JSONEncoder().encode(GuardCopy(of: Self.desired())), as: UTF8.self)
        #expect(!plain.contains("nameSets"))
    }
}
