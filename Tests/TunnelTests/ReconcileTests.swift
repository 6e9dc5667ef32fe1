// SPDX-License-Identifier: Apache-2.0

import CLinux
import CNl
import NetworkTypes
import PathHealth
import Synchronization
import SystemIO
import Testing

@testable import Tunnel

/// The whole reconcile against the running kernel, in a namespace of the test's own.
@Suite(.serialized)
struct ReconcileTests {
    private static func raiseUnderlays() throws {
        for (index, subnet) in ["192.0.2", "203.0.113"].enumerated() {
            try run("/sbin/ip", "link", "add", "eth\(index)", "type", "veth", "peer", "name", "far\(index)")
            // A link-local address comes out of doubt at a time of its own.
            try run("/sbin/ip", "link", "set", "eth\(index)", "addrgenmode", "none", "up")
            try run("/sbin/ip", "link", "set", "far\(index)", "up")
            try run("/sbin/ip", "address", "add", "\(subnet).2/24", "dev", "eth\(index)")
            try run("/sbin/ip", "route", "add", "default", "via", "\(subnet).1", "metric", "\(index + 1)")
        }
    }

    /// Userspace interfaces take a moment to come.
    static func settle(_ reconciler: Reconciler, _ desired: Desired) throws -> ReconcileResult {
        var result = reconciler.reconcile(desired)
        for _ in 0..<200 where !(result.changes.isEmpty && result.failures.isEmpty) {
            usleep(20_000)
            result = reconciler.reconcile(desired)
        }
        return result
    }

    static func withReconciler(
        clock: any TimeSource = SystemClock(),
        _ body: @escaping (Reconciler) throws -> Void
    ) throws {
        try inFreshNamespace {
            try raiseUnderlays()
            let logs = "/tmp/pnetd-reconcile-\(getpid())"
            try Files.makeDirectory(logs)
            let reconciler = try Reconciler(
                reserved: Sample.reserved,
                userspace: .child(through: [], logDirectory: logs),
                told: [:],
                clock: clock
            )
            defer {
                _ = reconciler.removeEverything()
                _ = try? run("/bin/rm", "-rf", logs)
            }
            try body(reconciler)
        }
    }

    static let both = Outcome.active(Sample.first, standby: Sample.second)

    @Test func bringsEverythingUpAndThenHasNothingToDo() throws {
        try Self.withReconciler { reconciler in
            let result = try Self.settle(reconciler, Sample.desired(Self.both))
            #expect(result.failures == [])
            #expect(result.changes == [])
            #expect(result.paths.values.map(\.condition) == [.ready, .ready])
            let hasModule = (try? run("/sbin/ip", "link", "add", "probe", "type", "wireguard")) != nil
            let implementation: PathState.Implementation = hasModule ? .kernel : .userspace
            #expect(result.paths.values.map(\.implementation) == [implementation, implementation])
            // wg(8) reads back what we wrote, whoever encrypts.
            let shown = try run("/usr/bin/wg", "show", "pn-a")
            for words in ["fwmark: 0x41000000", "endpoint: 198.51.100.1:51820", "10.20.0.0/16", "every 15 seconds"] {
                #expect(shown.contains(words))
            }
            for (setting, value) in [("rp_filter", "2\n"), ("src_valid_mark", "1\n")] {
                #expect(try run("/bin/cat", "/proc/sys/net/ipv4/conf/pn-a/\(setting)") == value)
            }
            let sent = reconciler.mutations
            _ = reconciler.reconcile(Sample.desired(Self.both))
            _ = reconciler.move(Sample.desired(Self.both))
            #expect(reconciler.mutations == sent, "a second run changes nothing")
            #expect(try run("/sbin/ip", "route", "get", "10.20.0.1").contains("dev pn-a"))
            #expect(try run("/sbin/ip", "-6", "route", "get", "fd00:20::1").contains("dev pn-a"))
            // A probe of the standby path goes by it.
            #expect(try run("/sbin/ip", "route", "get", "10.20.0.1", "oif", "pn-b").contains("dev pn-b"))
            // Outer packets leave by their underlay, not by the best default route.
            #expect(try run("/sbin/ip", "route", "get", "198.51.100.1", "mark", "0x42000000").contains("dev eth1"))
        }
    }

    @Test func movesRoutesAndAdoptsThem() throws {
        try Self.withReconciler { reconciler in
            _ = try Self.settle(reconciler, Sample.desired(Self.both))
            let turned = Outcome.active(Sample.second, standby: Sample.first)
            let moved = reconciler.move(Sample.desired(turned))
            #expect(moved.failures == [] && moved.changes.count == 4)
            #expect(try run("/sbin/ip", "route", "get", "10.20.0.1").contains("dev pn-b"))
            #expect(try reconciler.adoptable(Sample.desired(.blocked)) == [Sample.name("azure"): turned])
            _ = reconciler.move(Sample.desired(.blocked))
            #expect(throws: ProgramFailure.self) { try run("/sbin/ip", "route", "get", "10.20.0.1") }
            #expect(try reconciler.adoptable(Sample.desired(.blocked)) == [:])
        }
    }

    @Test func pathsThatCarryTogetherShareAGroup() throws {
        let weights = [Sample.first: 3, Sample.second: 1]
        let together = Outcome.active(Sample.first, beside: [Sample.second], standby: nil)
        func groups() throws -> [Substring] {
            try run("/sbin/ip", "nexthop", "show").split(separator: "\n").filter { $0.contains(" group ") }
        }
        try Self.withReconciler { reconciler in
            // A file that had one path carry alone comes first: its groups are of another type.
            _ = try Self.settle(reconciler, Sample.desired(Self.both))
            let result = try Self.settle(reconciler, Sample.desired(together, weights: weights))
            #expect(result.failures == [])
            let (first, second) = (try groups(), ["7002,3/8002,3/7004/8004", "7003,3/8003,3/7005/8005"])
            #expect(first.count == 2, "\(first)")
            for (group, members) in zip(first, second) {
                #expect(group.contains("group \(members) type resilient buckets 256 idle_timer 120 "), "\(group)")
            }
            let buckets = try run("/sbin/ip", "nexthop", "bucket", "list").split(separator: "\n")
            #expect(buckets.count { $0.contains("nhid 7002") || $0.contains("nhid 8002") } == 192)
            #expect(buckets.count { $0.contains("nhid 7004") || $0.contains("nhid 8004") } == 64)
            #expect(
                try reconciler.adoptable(Sample.desired(.blocked, weights: weights)) == [Sample.name("azure"): together]
            )

            let sent = reconciler.mutations
            _ = reconciler.reconcile(Sample.desired(together, weights: weights))
            #expect(reconciler.mutations == sent, "a second run changes nothing")

            let alone = Outcome.active(Sample.second, standby: Sample.first)
            #expect(reconciler.move(Sample.desired(alone, weights: weights)).failures == [])
            #expect(try run("/sbin/ip", "route", "get", "10.20.0.1").contains("dev pn-b"))
            let moved = try run("/sbin/ip", "nexthop", "bucket", "list").split(separator: "\n")
            #expect(
                moved.count { $0.contains("nhid 7004") || $0.contains("nhid 8004") } == 256,
                "nothing waits for what is idle"
            )
            _ = try Self.settle(reconciler, Sample.desired(alone, weights: weights))
            #expect(reconciler.move(Sample.desired(together, weights: weights)).failures == [])
            _ = try Self.settle(reconciler, Sample.desired(together, weights: weights))
            let back = try reconciler.adoptable(Sample.desired(.blocked, weights: weights))
            #expect(back[Sample.name("azure")] == together)

            // And a file that has one carry alone again.
            let plain = try Self.settle(reconciler, Sample.desired(Self.both))
            #expect(plain.failures == [])
            #expect(try groups().allSatisfy { !$0.contains("resilient") })
            #expect(try run("/sbin/ip", "route", "get", "10.20.0.1").contains("dev pn-a"))
        }
    }

    @Test func writesTheGuardAsNftReadsIt() throws {
        try Self.withReconciler { reconciler in
            _ = try Self.settle(reconciler, Sample.desired(.blocked))
            let listing = try run("/usr/sbin/nft", "list", "table", "inet", "pnetd")
            for line in [
                "elements = { \"lo\",", "elements = { 10.20.0.0/16 }", "elements = { fd00:20::/48 }",
                "type filter hook prerouting priority raw; policy accept;",
                "type filter hook postrouting priority filter;",
                "oifname != @net1-if ip daddr @net1-ipv4 counter packets 0 bytes 0 drop",
                "oifname != @net1-if ip6 daddr @net1-ipv6 counter packets 0 bytes 0 drop",
                "iifname != @net1-if ip saddr @net1-ipv4 counter packets 0 bytes 0 drop",
                "iifname != \"pn-a\" iifname != \"lo\" ip daddr 10.99.1.2 counter packets 0 bytes 0 drop",
                "iifname \"pn-a\" meta mark set meta mark & 0x81ffffff | 0x01000000",
                "oifname @paths-if tcp flags syn / syn,rst tcp option maxseg size set rt mtu",
                "iifname @paths-if tcp flags syn / syn,rst tcp option maxseg size set rt mtu",
                "oifname \"pn-a\" ct state new ct mark & 0x7f000000 == 0x00000000 ct mark set ct mark & 0x81ffffff | 0x01000000",
            ] { #expect(listing.contains(line), "\(line) in:\n\(listing)") }
        }
    }

    /// A child that another test starts at this moment has copies of our sockets until it becomes another program, and
    /// while one is open the table is its owner's.
    private static func tamper(_ command: String) throws {
        for _ in 0..<50 {
            guard (try? run("/usr/sbin/nft", command)) == nil else { return }
            usleep(20_000)
        }
        try run("/usr/sbin/nft", command)
    }

    @Test func replacesAGuardThatWasTamperedWith() throws {
        // Two reconcilers stand for an agent that died and its successor: while one lives, its table is its own.
        try Self.withReconciler { successor in
            do {
                let earlier = try Reconciler(
                    reserved: Sample.reserved,
                    userspace: .child(through: [], logDirectory: "/tmp"),
                    told: [:]
                )
                _ = try Self.settle(earlier, Sample.desired(.blocked))
            }
            for tampering in [
                "flush chain inet pnetd leaving", "delete element inet pnetd net1-ipv4 { 10.20.0.0/16 }",
                "add rule inet pnetd leaving accept", "delete table inet pnetd",
                "add chain inet pnetd leaving { type filter hook postrouting priority filter; policy drop; }",
                "add chain inet pnetd theirs { type filter hook output priority 0; policy drop; }",
            ] {
                try Self.tamper(tampering)
                let healed = successor.reconcile(Sample.desired(.blocked))
                #expect(healed.changes.contains("put the guard table in place"), "\(tampering)")
                #expect(successor.reconcile(Sample.desired(.blocked)).changes == [])
                successor.release()
            }
        }
    }

    /// A table that is all there and does nothing. Where there are owners, nft(8) cannot do that, but another owner can.
    @Test func wakesAGuardThatSleeps() throws {
        try Self.withReconciler { reconciler in
            let isOwned = try Self.settle(reconciler, Sample.desired(.blocked)).guardIsOwned
            reconciler.release()
            if isOwned {
                try Self.putToSleep()
            } else {
                try Self.tamper("add table inet pnetd { flags dormant; }")
            }
            #expect(try run("/usr/sbin/nft", "list", "table", "inet", "pnetd").contains("dormant"))
            let healed = reconciler.reconcile(Sample.desired(.blocked))
            #expect(healed.changes.contains("put the guard table in place"))
            #expect(try !run("/usr/sbin/nft", "list", "table", "inet", "pnetd").contains("dormant"))
            #expect(reconciler.reconcile(Sample.desired(.blocked)).changes == [])
        }
    }

    /// Owns the table for a moment, and puts it to sleep. A program that another test starts just now holds the earlier
    /// owner's socket until it has begun.
    private static func putToSleep() throws {
        let conversation = NetlinkConversation(over: try NetlinkSocket(bus: NETLINK_NETFILTER))
        let flags = NFT_TABLE_F_OWNER.rawValue | UInt32(NFT_TABLE_F_PERSIST)
        for attempt in 1...50 {
            do throws(NetlinkError) {
                return try conversation.batch(
                    opening: NftMessages.batch(NFNL_MSG_BATCH_BEGIN),
                    [NftMessages.newTable(flags: flags | NFT_TABLE_F_DORMANT.rawValue)],
                    closing: NftMessages.batch(NFNL_MSG_BATCH_END),
                    "put the table to sleep"
                )
            } catch {
                guard case .refused(_, EPERM, _) = error, attempt < 50 else { throw error }
                usleep(20_000)
            }
        }
    }

    @Test func leavesAnInterfaceOfSomebodyElseAlone() throws {
        try Self.withReconciler { reconciler in
            try run("/sbin/ip", "link", "add", "pn-a", "type", "veth", "peer", "name", "theirs")
            let result = reconciler.reconcile(Sample.desired(.blocked))
            #expect(result.paths[Sample.first]?.condition == .unusable(.interfaceForeign(Sample.interface("pn-a"))))
            _ = reconciler.removeEverything()
            #expect(try run("/sbin/ip", "link", "show", "pn-a").contains("pn-a"))
        }
    }

    /// While it runs and after, an interface is known by more than its alias.
    @Test(arguments: ["hello", ""])
    func putsAForeignAliasBack(alias: String) throws {
        try Self.withReconciler { reconciler in
            let wish = Sample.desired(Self.both)
            _ = try Self.settle(reconciler, wish)
            func shown() throws -> Bool { try run("/sbin/ip", "link", "show", "pn-a").contains("pnetd path vpn-a") }
            try run("/sbin/ip", "link", "set", "pn-a", "alias", alias)
            #expect(try !shown())
            let healed = reconciler.reconcile(wish)
            #expect(healed.repairs == [Repair(object: "interface pn-a", port: 0)])
            #expect(healed.paths[Sample.first]?.condition == .ready)
            #expect(try shown())
            #expect(reconciler.reconcile(wish).changes == [])

            // The next run's.
            try run("/sbin/ip", "link", "set", "pn-a", "alias", alias)
            let successor = try Reconciler(
                reserved: Sample.reserved,
                userspace: .child(through: [], logDirectory: "/tmp"),
                told: reconciler.told
            )
            reconciler.release()
            #expect(successor.reconcile(wish).paths[Sample.first]?.condition == .ready)
            #expect(try shown())

            // And what is taken down goes, whoever has written into it meanwhile.
            try run("/sbin/ip", "link", "set", "pn-a", "alias", alias)
            #expect(successor.removeEverything().removed.contains("remove interface pn-a"))
            #expect(throws: ProgramFailure.self) { try run("/sbin/ip", "link", "show", "pn-a") }
        }
    }

    /// What decides whether answers by a path are taken at all.
    @Test(arguments: ["rp_filter=1", "rp_filter=0", "src_valid_mark=0"])
    func putsTheSourceCheckBack(setting: String) throws {
        try Self.withReconciler { reconciler in
            let wish = Sample.desired(Self.both)
            _ = try Self.settle(reconciler, wish)
            func shown() throws -> [String] {
                try ["rp_filter", "src_valid_mark"].map {
                    String(try run("/sbin/sysctl", "-n", "net.ipv4.conf.pn-a.\($0)").dropLast())
                }
            }
            #expect(try shown() == ["2", "1"])
            #expect(!reconciler.hasTunnelToRepair(wish))
            try run("/sbin/sysctl", "-qw", "net.ipv4.conf.pn-a.\(setting)")
            #expect(try shown() != ["2", "1"])
            #expect(reconciler.hasTunnelToRepair(wish))
            let healed = reconciler.reconcile(wish)
            #expect(healed.repairs == [Repair(object: "interface pn-a", port: 0)])
            #expect(healed.changes == ["set interface pn-a up, MTU 1420, rp_filter 2, src_valid_mark 1"])
            #expect(healed.untold == [] && healed.failures == [])
            #expect(try shown() == ["2", "1"])
            #expect(!reconciler.hasTunnelToRepair(wish))
            let sent = reconciler.mutations
            #expect(reconciler.reconcile(wish).repairs == [] && reconciler.mutations == sent)
        }
    }

    @Test func putsAnEndpointBackThatSomebodySet() throws {
        try Self.withReconciler { reconciler in
            let wish = Sample.desired(Self.both)
            _ = try Self.settle(reconciler, wish)
            let key = try run("/usr/bin/wg", "show", "pn-a", "peers").dropLast()
            func endpoint() throws -> String { try run("/usr/bin/wg", "show", "pn-a", "endpoints") }
            try run("/usr/bin/wg", "set", "pn-a", "peer", String(key), "endpoint", "192.0.2.99:1")
            #expect(reconciler.hasTunnelToRepair(wish))
            #expect(reconciler.reconcile(wish).repairs.map(\.object) == ["WireGuard on pn-a"])
            #expect(try endpoint().contains("198.51.100.1:51820"))
            #expect(!reconciler.hasTunnelToRepair(wish))

            // What was learnt while nobody looked is kept, and so is it from then on.
            try run("/usr/bin/wg", "set", "pn-a", "peer", String(key), "endpoint", "192.0.2.98:2")
            let successor = try Reconciler(
                reserved: Sample.reserved,
                userspace: .child(through: [], logDirectory: "/tmp"),
                told: reconciler.told
            )
            reconciler.release()
            _ = successor.reconcile(wish)
            #expect(try endpoint().contains("192.0.2.98:2"))
            try run("/usr/bin/wg", "set", "pn-a", "peer", String(key), "endpoint", "192.0.2.97:3")
            _ = successor.reconcile(wish)
            #expect(try endpoint().contains("192.0.2.98:2"))
        }
    }

    /// libnl reads back what we wrote: two independent readings of the kernel agree.
    @Test func agreesWithLibnlOnAddressesAndRules() throws {
        try Self.withReconciler { reconciler in
            _ = try Self.settle(reconciler, Sample.desired(Self.both))
            let model = try KernelModel(reserved: Sample.reserved)
            _ = try model.refresh(now: SystemClock().now, auditAfter: .zero)
            let observed = model.observed
            #expect(try Libnl.addresses() == observed.addresses)
            #expect(try Libnl.rules(protocol: Sample.reserved.routeProtocol) == observed.rules.count)
        }
    }
}

/// What the reconcile does when it is cut short, or when others undo it.
extension ReconcileTests {
    private struct Killed: Error {}

    /// The agent dies before each step in turn; whoever comes next finishes what was begun, and has nothing left to do.
    @Test func convergesAfterADeathAtAnyStep() throws {
        var deaths = 0
        var isOver = false
        while !isOver {
            try Self.withReconciler { successor in
                isOver = try Self.diesBefore(step: deaths)
                let healed = try Self.settle(successor, Sample.desired(Self.both))
                #expect(healed.changes == [] && healed.failures == [], "after a death before step \(deaths)")
                #expect(try run("/sbin/ip", "route", "get", "10.20.0.1").contains("dev pn-a"))
                #expect(try run("/sbin/ip", "-6", "route", "get", "fd00:20::1").contains("dev pn-a"))
                let turned = Sample.desired(.active(Sample.second, standby: Sample.first))
                try Self.expectAdoptionWithoutAStep(turned, by: successor)
            }
            // In an emulated machine every fourth has to do.
            deaths += EnvironmentVariable.text("PNETD_LAB_PATIENCE") == nil ? 1 : 4
        }
        #expect(deaths > 30, "every step was one to die before")
    }

    /// True where the wish was reached before so many steps.
    private static func diesBefore(step limit: Int) throws -> Bool {
        let mortal = try Reconciler(
            reserved: Sample.reserved,
            userspace: .child(through: [], logDirectory: "/tmp"),
            told: [:]
        )
        var taken: Set<KernelObject> = []
        mortal.willCarryOut = { step in
            // Userspace interfaces are asked for until they are there: that counts once.
            taken.insert(step.object)
            guard taken.count <= limit else { throw Killed() }
        }
        for _ in 0..<200 {
            let result = mortal.reconcile(Sample.desired(both))
            if result.failures.contains("\(Killed())") { return false }
            if result.changes.isEmpty, result.failures.isEmpty { return true }
            usleep(20_000)
        }
        Issue.record("neither died nor came to an end before step \(limit)")
        return true
    }

    private static func expectAdoptionWithoutAStep(_ turned: Desired, by first: Reconciler) throws {
        _ = first.move(turned)
        let second = try Reconciler(
            reserved: Sample.reserved,
            userspace: .child(through: [], logDirectory: "/tmp"),
            told: first.told
        )
        first.release()
        let result = second.reconcile(turned)
        // Where the kernel lets a table have an owner, the new one says that he is; where not, it refuses that once. A child
        // of another test's may hold the earlier one's socket for a moment: then the table has its owner still.
        #expect(result.changes == ["take the guard table over"] || result.changes == [])
        #expect(second.mutations <= 1)
        _ = second.reconcile(turned)
        #expect(second.mutations <= 1, "that once, and nothing else")
    }

    @Test func putsRightWhatOthersUndoAndSaysWhoTheyAre() throws {
        try Self.withReconciler { reconciler in
            let wish = Sample.desired(Self.both)
            _ = try Self.settle(reconciler, wish)
            let stranger = try NetlinkSocket(bus: NETLINK_ROUTE)
            let kernel = NetlinkConversation(over: stranger)
            let route = Route(
                table: 7000,
                prefix: Sample.prefixes[0],
                metric: 4_294_967_294,
                destination: .unreachable
            )
            try kernel.change(RouteMessages.delete(route, Sample.reserved), "delete")
            try kernel.change(NexthopMessages.delete(7204), "delete")
            let healed = reconciler.reconcile(wish)
            #expect(
                Set(healed.repairs) == [
                    Repair(object: "route 10.20.0.0/16 metric 4294967294 in table 7000", port: stranger.port),
                    Repair(object: "nexthop 7204", port: stranger.port),
                ]
            )
            // With the group went its routes, without a word of the kernel's: they are back as well.
            #expect(try run("/sbin/ip", "route", "get", "10.20.0.1").contains("dev pn-a"))
            #expect(reconciler.reconcile(wish).changes == [])
        }
    }

    /// A clock that its owner can put forward.
    private final class LeapingClock: TimeSource {
        private let leap = Atomic<Int64>(0)
        var now: Instant { SystemClock().now + .seconds(leap.load(ordering: .relaxed)) }
        var wallNanoseconds: Int64 { SystemClock().wallNanoseconds }

        func leap(seconds: Int64) { leap.add(seconds, ordering: .relaxed) }
    }

    /// Of the MTU of IPv6 routes, which goes with that of their interface, the kernel says nothing.
    @Test(arguments: [false, true])
    func tellsOfWhatNobodyToldOnceThoughAPlanFoundIt(isPlanned: Bool) throws {
        let clock = LeapingClock()
        try Self.withReconciler(clock: clock) { reconciler in
            var wish = Sample.desired(Self.both)
            wish.networks[0].mtu = 1400
            _ = try Self.settle(reconciler, wish)
            try run("/sbin/ip", "link", "set", "pn-a", "mtu", "1300")
            clock.leap(seconds: 61)
            if isPlanned { #expect(!reconciler.preview(wish).changes.isEmpty) }
            let found = reconciler.reconcile(wish).untold.filter { $0.hasPrefix("route fd00:20::/48 metric 100 ") }
            #expect(found.count == 1)
            #expect(reconciler.reconcile(wish).untold == [])
        }
    }

    @Test func doesNotWearTheKernelOutInAFight() throws {
        try Self.withReconciler { reconciler in
            let wish = Sample.desired(Self.both)
            _ = try Self.settle(reconciler, wish)
            let stranger = try NetlinkSocket(bus: NETLINK_ROUTE)
            let kernel = NetlinkConversation(over: stranger)
            for _ in 0...Disputes.patience {
                try kernel.change(NexthopMessages.delete(7206), "delete")
                #expect(reconciler.reconcile(wish).repairs.count == 1)
            }
            try kernel.change(NexthopMessages.delete(7206), "delete")
            let result = reconciler.reconcile(wish)
            #expect(result.repairs == [])
            #expect(result.disputes == [Repair(object: "nexthop 7206", port: stranger.port)])
            #expect(try #require(result.pause) > .seconds(5))
            #expect(!result.failures.contains { $0.contains("7206") }, "\(result.failures)")
        }
    }

    /// So often that whoever does it is in dispute with us.
    private static func fight(_ reconciler: Reconciler, over commands: [String]) throws {
        for _ in 0...Disputes.patience {
            for command in commands { try run("/bin/sh", "-ec", "ip \(command)") }
            _ = reconciler.reconcile(Sample.desired(both))
        }
    }

    @Test func noFightHoldsADecisionUp() throws {
        try Self.withReconciler { reconciler in
            _ = try Self.settle(reconciler, Sample.desired(Self.both))
            try Self.fight(reconciler, over: ["nexthop delete id 7204"])
            try run("/bin/sh", "-ec", "ip nexthop delete id 7204")
            let turned = Sample.desired(.active(Sample.second, standby: Sample.first))
            let moved = reconciler.move(turned)
            #expect(moved.failures == [] && moved.pause == nil)
            #expect(try run("/sbin/ip", "route", "get", "10.20.0.1").contains("dev pn-b"))
            #expect(reconciler.reconcile(turned).pause == nil, "what is new was never fought over")
        }
    }

    @Test func noFightKeepsAnythingInTheKernel() throws {
        try Self.withReconciler { reconciler in
            _ = try Self.settle(reconciler, Sample.desired(Self.both))
            let commands = [
                "rule delete priority 899", "route delete unreachable 10.20.0.0/16 metric 4294967294 table 7000",
            ]
            for _ in 0...Disputes.patience {
                try Self.fight(reconciler, over: [])
                for command in commands { _ = try? run("/bin/sh", "-ec", "ip \(command)") }
                usleep(600_000)
                _ = reconciler.reconcile(Sample.desired(Self.both))
            }
            #expect(reconciler.removeEverything().failures == [])
            let left = (try? run("/sbin/ip", "route", "show", "table", "7000")) ?? ""
            #expect(left == "")
            #expect(try !run("/sbin/ip", "rule").contains("899:"))
        }
    }

    @Test func whatHangsOnADisputeWaitsWithIt() throws {
        try Self.withReconciler { reconciler in
            _ = try Self.settle(reconciler, Sample.desired(Self.both))
            try Self.fight(reconciler, over: ["nexthop delete id 7002"])
            try run("/bin/sh", "-ec", "ip nexthop delete id 7002")
            let result = reconciler.reconcile(Sample.desired(Self.both))
            #expect(result.failures == [] && result.changes == [])
            #expect(try #require(result.pause) > .seconds(5))
        }
    }
}
