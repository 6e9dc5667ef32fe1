// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import Testing

@testable import Tunnel

struct PlanTests {
    static let outcomes: [Outcome] = [
        .active(Sample.first, standby: Sample.second), .active(Sample.second, standby: Sample.first),
        .active(Sample.first, standby: nil), .blocked, .public,
    ]

    private func settled(_ outcome: Outcome, from observed: Observed = Sample.bare) -> Observed {
        var observed = observed
        for step in plan(Sample.desired(outcome), observed) { observed.take(step) }
        return observed
    }

    @Test func theLastNumbersMayBeReserved() {
        let reserved = ReservedNumbers(
            routeProtocol: 112,
            firstTable: .max - 127,
            firstPriority: 32_565,
            markMask: 0x7f00_0000,
            firstNexthop: .max - 1_199
        )
        #expect(reserved.tables.contains(.max) && reserved.nexthops.contains(.max))
        #expect(reserved.priorities.upperBound == 32_764)
    }

    @Test(arguments: outcomes, outcomes)
    func hasNothingToDoTheSecondTime(before: Outcome, after: Outcome) {
        let observed = settled(after, from: settled(before))
        #expect(plan(Sample.desired(after), observed) == [])
    }

    /// As with ipv6.disable=1 on the kernel's command line.
    @Test(arguments: outcomes)
    func asksNothingOfAFamilyThatTheKernelHasNot(outcome: Outcome) {
        var bare = Sample.bare
        bare.families = [.ipv4]
        let steps = plan(Sample.desired(outcome), bare)
        #expect(steps.contains { $0.family == .ipv4 } && !steps.contains { $0.family == .ipv6 })
        #expect(plan(Sample.desired(outcome), settled(outcome, from: bare)) == [])
    }

    /// A part of a network goes by another path, beside what leads the whole; and both are as before when it is over.
    @Test func leadsACanaryElsewhereAndBack() throws {
        let before = settled(Self.outcomes[0])
        let prefix = Sample.prefix("10.20.6.0/24")
        var desired = Sample.desired(Self.outcomes[0])
        desired.networks[0].canary = Desired.Network.Canary(prefix, by: Sample.second)
        var observed = before
        let steps = plan(desired, observed)
        #expect(steps.count == 1)
        for step in steps { observed.take(step) }
        let route = try #require(observed.routes.values.first { $0.prefix == prefix })
        #expect(route.metric == 50 && route.table == Sample.reserved.networkTable)
        #expect(route.destination == .nexthop(Sample.reserved.nexthop(ofPath: 2, .ipv4)))
        #expect(plan(desired, observed) == [])
        for step in plan(Sample.desired(Self.outcomes[0]), observed) { observed.take(step) }
        #expect(observed == before)
        // It goes where its path's interface cannot carry, and the network's own routes lead there again.
        observed.links[Sample.interface("pn-b")]?.hasCarrier = false
        #expect(!plan(desired, observed).contains { "\($0)".contains("10.20.6.0/24") })
    }

    /// What the host itself sends leaves from an address of the file, by whichever path, as long as the host has it.
    @Test func lendsTheHostASource() throws {
        var desired = Sample.desired(Self.outcomes[0])
        let source = try #require(IPAddress("10.1.0.1"))
        for index in desired.paths.indices { desired.paths[index].sources = [source] }
        var observed = settled(Self.outcomes[0])
        #expect(plan(desired, observed) == [], "the host does not have it: the kernel would refuse the routes")
        let missing = observed.missingSources(desired)
        #expect(missing.count == 2 && missing[0].hasPrefix("vpn-a: its source 10.1.0.1 is no address of this host now"))
        let address = LinkAddress(link: 9, address: Sample.address("10.1.0.1/24"))
        observed.addresses.insert(address)
        observed.doubts[address] = .tentative
        #expect(plan(desired, observed) == [], "nor may it be used yet")
        observed.doubts[address] = nil
        #expect(observed.missingSources(desired) == [])
        // Of the prefix that is of its family: active, standby, and the tables of both paths.
        let steps = plan(desired, observed)
        #expect(steps.count == 4)
        for step in steps { observed.take(step) }
        let lent = observed.routes.values.filter { $0.source == source }
        #expect(lent.count == 4 && lent.allSatisfy { $0.prefix.family == .ipv4 && $0.destination != .unreachable })
        #expect(plan(desired, observed) == [])
        // Paths with the same source change places by one message a group.
        desired.networks[0].outcome = Self.outcomes[1]
        #expect(moves(desired, observed).count == 4 && moves(desired, observed) == plan(desired, observed))
        // Those with others do not.
        desired.paths[1].sources = []
        #expect(moves(desired, observed) == [])
        observed.addresses.remove(address)
        desired.networks[0].outcome = Self.outcomes[0]
        for step in plan(desired, observed) { observed.take(step) }
        #expect(observed == settled(Self.outcomes[0]))
    }

    @Test(arguments: outcomes, outcomes)
    func leavesNoMomentWithoutAGuard(before: Outcome, after: Outcome) {
        var observed = settled(before)
        for step in plan(Sample.desired(after), observed) {
            observed.take(step)
            for prefix in Sample.prefixes {
                #expect(!observed.leaks(prefix, Sample.reserved), "after: \(step)")
            }
        }
    }

    @Test func guardsBeforeItOpens() throws {
        let steps = plan(Sample.desired(.active(Sample.first, standby: Sample.second)), Sample.bare)
        let guards = steps.lastIndex {
            if case .putRoute(let route) = $0 { route.destination == .unreachable } else { false }
        }
        let rule = steps.firstIndex { if case .addRule(let rule) = $0 { rule.selector == .all } else { false } }
        let opening = steps.firstIndex { if case .putNexthop = $0 { true } else { false } }
        #expect(try #require(guards) < (try #require(rule)))
        #expect(try #require(rule) < (try #require(opening)))
    }

    @Test func switchesByGroupsAlone() {
        let observed = settled(.active(Sample.first, standby: Sample.second))
        let steps = plan(Sample.desired(.active(Sample.second, standby: Sample.first)), observed)
        // Active and standby, IPv4 and IPv6: four messages, however many prefixes there are.
        #expect(
            steps == [
                .putNexthop(Nexthop(id: 7204, family: .ipv4, destination: .group([7004]))),
                .putNexthop(Nexthop(id: 7205, family: .ipv6, destination: .group([7005]))),
                .putNexthop(Nexthop(id: 7206, family: .ipv4, destination: .group([7002]))),
                .putNexthop(Nexthop(id: 7207, family: .ipv6, destination: .group([7003]))),
            ]
        )
    }

    /// Who leads changes nothing in the kernel; who carries is one message a family.
    @Test func pathsThatCarryTogetherAreOneGroup() throws {
        let weights = [Sample.first: 3, Sample.second: 1]
        func desired(_ outcome: Outcome) -> Desired { Sample.desired(outcome, weights: weights) }
        let together = desired(.active(Sample.first, beside: [Sample.second], standby: nil))
        var kernel = Sample.bare
        for step in plan(together, kernel) { kernel.take(step) }
        #expect(moves(desired(.active(Sample.second, beside: [Sample.first], standby: nil)), kernel) == [])
        let alone = moves(desired(.active(Sample.second, standby: nil)), kernel)
        #expect(alone.count == 2)
        #expect(
            alone.map { $0.effect(on: kernel, together).text }
                == Array(
                    repeating: "azure moves from vpn-a and vpn-b to vpn-b; no packet lost",
                    count: 2
                )
        )
    }

    @Test func blockedLeavesNothingButTheGuard() {
        let observed = settled(.blocked, from: settled(.active(Sample.first, standby: Sample.second)))
        let network = observed.routes.values.filter { $0.table == Sample.reserved.networkTable }
        #expect(Set(network.map(\.destination)) == [.unreachable])
        #expect(Set(network.map(\.metric)) == [4_294_967_294])
        // The tables of the paths stay: probes go on.
        #expect(observed.routes.values.contains { $0.table == 7001 && $0.destination == .nexthop(7002) })
    }

    @Test func pinsOuterPacketsToTheirUnderlay() {
        let observed = settled(.blocked)
        let underlay = observed.routes.values.filter { $0.table == Sample.reserved.underlayTable(1) }
        #expect(
            Set(underlay.map(\.destination)) == [
                .device(link: 2, gateway: nil), .device(link: 2, gateway: IPAddress("192.0.2.1")),
            ]
        )
        let rules = observed.rules.filter { $0.selector == .mark(0x4100_0000, mask: 0x7f00_0000) && $0.family == .ipv4 }
        #expect(rules.sorted { $0.priority < $1.priority }.map(\.action) == [.lookup(7065), .unreachable])
    }

    @Test func restoresWhatACarrierTookAway() {
        var observed = settled(.active(Sample.first, standby: Sample.second))
        // The kernel takes the nexthops of a dead interface, the groups that are empty then, and their routes.
        for id in [7002, 7003, 7204, 7205] as [UInt32] { observed.nexthops[id] = nil }
        observed.routes = observed.routes.filter { route in
            ![7002, 7003, 7204, 7205].contains { route.value.destination == .nexthop($0) }
        }
        for step in plan(Sample.desired(.active(Sample.first, standby: Sample.second)), observed) {
            observed.take(step)
        }
        #expect(observed == settled(.active(Sample.first, standby: Sample.second)))
    }

    @Test func removesAllThatIsOursAndNothingElse() {
        var observed = settled(.active(Sample.first, standby: Sample.second))
        for step in plan(Desired(reserved: Sample.reserved, paths: [], networks: []), observed) { observed.take(step) }
        var expected = Sample.bare
        expected.links = expected.links.filter { !$0.key.text.hasPrefix("pn-") }
        expected.tunnels = [:]
        // The guard goes last, and by itself.
        expected.guard = observed.guard
        #expect(observed == expected)
    }

    /// By its key an interface is known, whatever somebody has written into its alias.
    @Test(arguments: [nil, "hello"], [true, false])
    func knowsItsInterfaceUnderAForeignAlias(alias: String?, isClaimed: Bool) {
        let outcome = Outcome.active(Sample.first, standby: Sample.second)
        var observed = settled(outcome)
        let name = Sample.interface("pn-a")
        observed.links[name]?.alias = alias
        if isClaimed {
            // Who changed the key as well is found out as long as we run.
            observed.claimed = [4]
            observed.tunnels[name]?.privateKey = Sample.secret(99)
        }
        let steps = plan(Sample.desired(outcome), observed)
        #expect(steps.map(\.object) == (isClaimed ? [.tunnel(name), .link(name)] : [.link(name)]))
        for step in steps { observed.take(step) }
        #expect(observed.links == settled(outcome).links)
    }

    @Test func removesAClaimedInterfaceUnderAForeignAlias() {
        var observed = settled(.blocked)
        observed.links[Sample.interface("pn-a")]?.alias = "hello"
        observed.claimed = [4]
        let steps = plan(Desired(reserved: Sample.reserved, paths: [], networks: []), observed)
        #expect(steps.filter { if case .deleteLink = $0 { true } else { false } }.map(\.object).count == 2)
        observed.loseLink(Sample.link("pn-a", 4))
        #expect(observed.claimed == [], "a number may be another's later")
    }

    @Test func leavesAStrangersInterfaceAlone() {
        var observed = settled(.active(Sample.first, standby: Sample.second))
        let name = Sample.interface("pn-a")
        observed.links[name]?.alias = nil
        observed.tunnels[name]?.privateKey = Sample.secret(99)
        let steps = plan(Sample.desired(.active(Sample.first, standby: Sample.second)), observed)
        #expect(!steps.contains { [.link(name), .tunnel(name)].contains($0.object) })
        #expect(!steps.contains { if case .putNexthop = $0 { true } else { false } }, "nothing is led to it")
    }

    @Test func takesAwayForeignAddressesOfOurInterfacesButNotLinkLocalOnes() {
        var observed = settled(.blocked)
        observed.addresses.insert(LinkAddress(link: 4, address: Sample.address("10.66.0.1/24")))
        observed.addresses.insert(LinkAddress(link: 4, address: Sample.address("fe80::1/64")))
        observed.addresses.insert(LinkAddress(link: 2, address: Sample.address("10.67.0.1/24")))
        let steps = plan(Sample.desired(.blocked), observed)
        #expect(steps.contains(.deleteAddress(LinkAddress(link: 4, address: Sample.address("10.66.0.1/24")))))
        #expect(steps.count { if case .deleteAddress = $0 { true } else { false } } == 1)
    }
}
