// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import Testing

@testable import Tunnel

/// What a leased line comes to in the kernel.
@Suite(.serialized)
struct LinePlanTests {
    private static let eth2 = Sample.interface("eth2")

    /// The second path is a line.
    private func desired(_ outcome: Outcome, vlan: Desired.Path.VLAN? = nil, farEnds: [IPPrefix] = []) throws -> Desired
    {
        var desired = Sample.desired(outcome)
        let gateways = [try #require(IPAddress("172.16.0.1"))]
        desired.paths[1] = Desired.Path(
            name: Sample.second,
            slot: 2,
            interface: vlan == nil ? Self.eth2 : Sample.interface("pn-line"),
            addresses: vlan == nil ? [] : [Sample.address("172.16.0.2/30")],
            mtu: nil,
            kind: .routed(Desired.Path.Line(gateways: gateways, vlan: vlan, farEnds: farEnds))
        )
        return desired
    }

    private var observed: Observed {
        var observed = Sample.bare
        observed.links[Self.eth2] = Sample.link("eth2", 9)
        observed.addresses.insert(LinkAddress(link: 9, address: Sample.address("172.16.0.2/30")))
        return observed
    }

    /// The kernel after the plan, and after the plan of that.
    private func settled(_ desired: Desired, _ observed: Observed) -> Observed {
        var observed = observed
        for _ in 0..<4 { for step in plan(desired, observed) { observed.take(step) } }
        #expect(plan(desired, observed) == [])
        return observed
    }

    @Test func leadsByItsRouterInItsFamilyOnly() throws {
        let kernel = settled(try desired(.active(Sample.second, standby: Sample.first)), observed)
        let gateway = IPAddress("172.16.0.1")
        #expect(kernel.nexthops[7004]?.destination == .device(link: 9, gateway: gateway))
        #expect(kernel.nexthops[7005] == nil, "there is no IPv6 gateway")
        let (four, six) = (Sample.prefixes[0], Sample.prefixes[1])
        func route(_ prefix: IPPrefix, _ metric: UInt32) -> Route.Destination? {
            kernel.routes[Route.Key(table: 7000, prefix: prefix, metric: metric)]?.destination
        }
        #expect(route(four, 100) == .nexthop(7204) && kernel.nexthops[7204]?.destination == .group([7004]))
        #expect(route(six, 100) == nil)
        #expect(kernel.unrouted(try desired(.active(Sample.second, standby: Sample.first))) == [])
        // What the line does not carry the tunnel does.
        #expect(route(six, 200) == .nexthop(7207) && kernel.nexthops[7207]?.destination == .group([7003]))
    }

    @Test func leadsNowhereInAFamilyWithoutARouter() throws {
        let wish = try desired(.active(Sample.second, standby: nil))
        var kernel = settled(wish, observed)
        let (four, six) = (Sample.prefixes[0], Sample.prefixes[1])
        #expect(kernel.unrouted(wish) == [six])
        #expect(kernel.unrouted(wish, among: []) == [six], "a family as a whole is looked at when traffic moves")
        #expect(kernel.unrouted(try desired(.blocked)) == [])
        // A route that the kernel refused, or somebody took away, is found by a whole look, or where it was missing before.
        kernel.routes[Route.Key(table: 7000, prefix: four, metric: 100)] = nil
        #expect(kernel.unrouted(wish) == [four, six])
        kernel.rules = []
        #expect(kernel.unrouted(wish, among: []) == [four, six])
    }

    @Test func nothingOfAnInterfaceThatIsNotOursIsChanged() throws {
        let steps = plan(try desired(.active(Sample.second, standby: nil)), observed)
        for step in steps {
            switch step {
            case .setUp(let link, _, _, _), .deleteLink(let link): #expect(link.name != Self.eth2)
            case .addAddress(let address), .deleteAddress(let address): #expect(address.link != 9)
            case .makeLink(let name, _): #expect(name != Self.eth2)
            default: continue
            }
        }
    }

    @Test func whoeverIsSpokenWithBehindTheRouterHasARoute() throws {
        let ends = ["172.16.0.1/32", "172.16.9.1/32"].map(Sample.prefix)
        let kernel = settled(try desired(.blocked, farEnds: ends), observed)
        let ways = kernel.routes.keys.filter { $0.table == 7002 }.map(\.prefix.description).sorted()
        #expect(ways == ["10.20.0.0/16", "172.16.9.1/32"], "the router itself is on the link")
    }

    @Test(arguments: ["172.17.0.2/30", nil])
    func aRouterOutOfReachCarriesNothing(address: String?) throws {
        var bare = observed
        bare.addresses = bare.addresses.filter { $0.link != 9 }
        if let address { bare.addresses.insert(LinkAddress(link: 9, address: Sample.address(address))) }
        let desired = try desired(.active(Sample.second, standby: Sample.first))
        let kernel = settled(desired, bare)
        #expect(kernel.nexthops[7004] == nil)
        let gateway = try #require(IPAddress("172.16.0.1"))
        #expect(bare.linkCondition(desired.paths[1]) == .unusable(.gatewayOffLink(gateway, Self.eth2)))
    }

    @Test func whatIsWrongWithTheLineIsNamed() throws {
        let path = try desired(.blocked).paths[1]
        #expect(observed.linkCondition(path) == .ready)
        var other = observed
        other.links[Self.eth2]?.hasCarrier = false
        #expect(other.linkCondition(path) == .unusable(.carrierLost(Self.eth2)))
        other.links[Self.eth2]?.isUp = false
        #expect(other.linkCondition(path) == .unusable(.interfaceDown(Self.eth2)))
        #expect(other.carrierCondition(path) == .unusable(.interfaceDown(Self.eth2)), "nobody here sets it up")
        other.links[Self.eth2] = nil
        #expect(other.linkCondition(path) == .unusable(.interfaceMissing(Self.eth2)))
    }

    @Test func aVLANIsMadeWhenItsParentIsThere() throws {
        let (name, vlan) = (Sample.interface("pn-line"), Desired.Path.VLAN(id: 7, of: Self.eth2))
        let desired = try desired(.active(Sample.second, standby: nil), vlan: vlan)
        var kernel = observed
        kernel.addresses = kernel.addresses.filter { $0.link != 9 }
        #expect(plan(desired, kernel).contains(.makeLink(name, .vlan(Link.VLAN(id: 7, parent: 9)))))
        let made = settled(desired, kernel)
        let index = try #require(made.links[name]).index
        #expect(made.links[name]?.alias == "pnetd path vpn-b" && made.links[name]?.mtu == 1500)
        #expect(made.nexthops[7004]?.destination == .device(link: index, gateway: IPAddress("172.16.0.1")))
        kernel.links[Self.eth2] = nil
        #expect(!plan(desired, kernel).contains { $0.object == .link(name) })
        #expect(kernel.linkCondition(desired.paths[1]) == .unusable(.interfaceMissing(name)))
        // Another number is another interface.
        var renumbered = desired
        renumbered.paths[1].kind = .routed(
            Desired.Path.Line(gateways: [try #require(IPAddress("172.16.0.1"))], vlan: .init(id: 8, of: Self.eth2))
        )
        let steps = plan(renumbered, made).filter { $0.object == .link(name) }
        #expect(
            steps == [.deleteLink(try #require(made.links[name])), .makeLink(name, .vlan(.init(id: 8, parent: 9)))]
        )
    }

    @Test func aVLANOfSomebodyElseIsLeftAlone() throws {
        let (name, vlan) = (Sample.interface("pn-line"), Desired.Path.VLAN(id: 7, of: Self.eth2))
        let desired = try desired(.active(Sample.second, standby: nil), vlan: vlan)
        var kernel = observed
        var link = Sample.link("pn-line", 12)
        (link.kind, link.vlan) = ("vlan", Link.VLAN(id: 7, parent: 9))
        kernel.links[name] = link
        #expect(!plan(desired, kernel).contains { $0.object == .link(name) })
        #expect(!desired.paths[1].mayUse(link, Sample.reserved, kernel))
        // One that was just made, by a run that was killed then, is nobody's yet.
        link.isUp = false
        kernel.links[name] = link
        #expect(desired.paths[1].mayUse(link, Sample.reserved, kernel))
    }

    /// Clients of the site may come in by the line's interface as well: what they send goes by the decision.
    @Test func onSomebodyElsesInterfaceOnlyTheNetworksPacketsAreMarked() throws {
        let copy = GuardCopy(of: try desired(.blocked))
        try inFreshNamespace {
            #expect(try copy.putInPlace(replacing: true).failures == [])
            let listing = try run("/usr/sbin/nft", "list", "table", "inet", "pnetd")
            for line in [
                "iifname \"eth2\" ip saddr @net1-ipv4 meta mark set",
                "iifname \"eth2\" ip6 saddr @net1-ipv6 meta mark set",
                "oifname \"eth2\" ip daddr @net1-ipv4 ct state new", "iifname \"pn-a\" meta mark set",
            ] { #expect(listing.contains(line), "\(line) in:\n\(listing)") }
            #expect(!listing.contains("iifname \"eth2\" meta mark set"))
        }
    }

    /// The kernel's own word on nexthops by a router, and on neighbours.
    @Test func theKernelHasItAsItIsWanted() throws {
        try inFreshNamespace {
            try run("/sbin/ip", "link", "add", "eth2", "type", "veth", "peer", "name", "far")
            try run("/sbin/ip", "link", "set", "eth2", "up")
            try run("/sbin/ip", "link", "set", "far", "up")
            try run("/sbin/ip", "address", "add", "172.16.0.2/30", "dev", "eth2")
            var desired = try desired(.active(Sample.second, standby: nil))
            desired.paths.remove(at: 0)
            desired.networks[0].paths = [Sample.second]
            let reconciler = try Reconciler(
                reserved: Sample.reserved,
                userspace: .unit,
                told: [:]
            )
            #expect(reconciler.reconcile(desired).failures == [])
            #expect(try run("/sbin/ip", "nexthop").contains("id 7004 via 172.16.0.1 dev eth2"))
            #expect(reconciler.reconcile(desired).changes == [])
            let gateway = try #require(IPAddress("172.16.0.1"))
            #expect(reconciler.neighbour(gateway, on: Self.eth2) == nil)
            try run("/sbin/ip", "neigh", "replace", "172.16.0.1", "dev", "eth2", "nud", "failed")
            #expect(reconciler.neighbour(gateway, on: Self.eth2) == .missing)
            let there = [
                "neigh", "replace", "172.16.0.1", "lladdr", "02:00:00:00:00:01", "dev", "eth2", "nud", "stale",
            ]
            try run("/sbin/ip", there)
            guard case .confirmed = reconciler.neighbour(gateway, on: Self.eth2) else {
                Issue.record("a stale entry was confirmed once")
                return
            }
            reconciler.lookFor(gateway, on: Self.eth2)
            #expect(reconciler.neighbour(gateway, on: Self.eth2) == .unsure)
        }
    }
}
