// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import PathHealth
import SystemIO
import Testing

@testable import Tunnel

/// Underlays whose IPv6 addresses are in doubt (RFC 4862 section 5.4).
struct DuplicateAddressTests {
    /// The first path's peer is called over IPv6, by a router or on the link.
    static func wish(endpoint: String = "[2001:db8:1::1]:51820") -> Desired {
        var wish = Sample.desired(.active(Sample.first, standby: Sample.second))
        wish.paths[0].wireGuard?.peers[0].endpoint = Sample.endpoint(endpoint)
        return wish
    }

    /// A kernel whose first underlay has such addresses, each with what stands against it.
    private static func observed(_ addresses: [(String, AddressDoubt?)]) -> Observed {
        var observed = Sample.bare
        observed.defaultRoutes.insert(
            Observed.DefaultRoute(family: .ipv6, link: 2, gateway: IPAddress("fe80::1"), metric: 1024)
        )
        for (text, doubt) in addresses {
            let address = LinkAddress(link: 2, address: Sample.address(text))
            observed.addresses.insert(address)
            observed.doubts[address] = doubt
        }
        return observed
    }

    private static let unaddressed = PathCondition.unusable(.underlayUnaddressed(Sample.interface("eth0")))

    @Test(
        arguments: [
            // Without an address of its own an interface lends another's.
            ([], .ready, ["::/0"]), ([("2001:db8::2/64", nil)], .ready, ["2001:db8::/64", "::/0"]),
            ([("2001:db8::2/64", .tentative)], unaddressed, []), ([("2001:db8::2/64", .duplicate)], unaddressed, []),
            ([("2001:db8::2/64", .tentative), ("2001:db8::3/64", nil)], .ready, ["2001:db8::/64", "::/0"]),
            // A link-local address is no source for what leaves the link, whether it is in doubt or not.
            ([("fe80::2/64", nil), ("2001:db8::2/64", .tentative)], unaddressed, ["fe80::/64"]),
            ([("fe80::2/64", .tentative), ("2001:db8::2/64", nil)], .ready, ["2001:db8::/64", "::/0"]),
        ] as [([(String, AddressDoubt?)], PathCondition, [String])]
    )
    func doesNotSendFromAnAddressInDoubt(
        addresses: [(String, AddressDoubt?)],
        condition: PathCondition,
        routes: [String]
    ) {
        let observed = Self.observed(addresses)
        let wish = Self.wish()
        #expect(observed.carrierCondition(wish.paths[0]) == condition)
        let underlay = Layout(wish, observed).routes.keys.filter { $0.table == 7065 && $0.prefix.family == .ipv6 }
        #expect(Set(underlay.map(\.prefix.description)) == Set(routes))
        // IPv4 is as it was.
        #expect(observed.carrierCondition(Sample.desired(.blocked).paths[0]) == .ready)
    }

    @Test func aPeerOnTheLinkIsNotReachedEither() {
        let wish = Self.wish(endpoint: "[2001:db8::1]:51820")
        #expect(Self.observed([("2001:db8::2/64", nil)]).carrierCondition(wish.paths[0]) == .ready)
        #expect(Self.observed([("2001:db8::2/64", .tentative)]).carrierCondition(wish.paths[0]) == Self.unaddressed)
    }

    @Test func saysWhoHasTheAddress() {
        let observed = Self.observed([("2001:db8::2/64", .duplicate), ("2001:db8::3/64", .tentative)])
        #expect(
            observed.duplicates(Self.wish()) == [
                "eth0: 2001:db8::2 is another host's as well (duplicate address detection): vpn-a cannot use it until one "
                    + "of the two has another"
            ]
        )
    }
}

extension ReconcileTests {
    /// The routes of the first path's underlay, as ip(8) shows them.
    private static func underlayRoutes() throws -> String {
        (try? run("/sbin/ip", "-6", "route", "show", "table", "7065")) ?? ""
    }

    /// Waits for an event after which the plan leads where it should; reads nothing anew.
    private static func reconcile(
        _ reconciler: Reconciler,
        _ wish: Desired,
        until condition: (ReconcileResult) -> Bool
    ) throws -> ReconcileResult {
        var result = reconciler.reconcile(wish)
        for _ in 0..<200 where !condition(result) {
            usleep(20_000)
            result = reconciler.reconcile(wish)
        }
        return result
    }

    private static let unaddressed = PathCondition.unusable(.underlayUnaddressed(Sample.interface("eth0")))

    @Test func waitsForDuplicateAddressDetection() throws {
        try Self.withReconciler { reconciler in
            let wish = DuplicateAddressTests.wish()
            _ = try Self.settle(reconciler, wish)
            try run(
                "/bin/sh",
                "-ec",
                "ip address add 2001:db8::2/64 dev eth0; ip route add default via 2001:db8::1 dev eth0"
            )
            let shown = try run("/sbin/ip", "-6", "address", "show", "dev", "eth0", "tentative")
            #expect(shown.contains("2001:db8::2"), "the kernel has not finished looking")
            let waiting = reconciler.reconcile(wish)
            #expect(waiting.paths[Sample.first]?.condition == Self.unaddressed && waiting.failures == [])
            #expect(try !Self.underlayRoutes().contains("2001:db8::"))
            let done = try Self.reconcile(reconciler, wish) { $0.paths[Sample.first]?.condition == .ready }
            #expect(done.paths[Sample.first]?.condition == .ready && done.hindrances == [] && done.untold == [])
            let settled = try Self.settle(reconciler, wish)
            #expect(settled.failures == [])
            let routes = try Self.underlayRoutes()
            #expect(routes.contains("2001:db8::/64 dev eth0") && routes.contains("default via 2001:db8::1 dev eth0"))
            let sent = reconciler.mutations
            _ = reconciler.reconcile(wish)
            #expect(reconciler.mutations == sent, "a second run changes nothing")
        }
    }

    @Test func saysThatAnotherHostHasTheAddress() throws {
        try Self.withReconciler { reconciler in
            let wish = DuplicateAddressTests.wish()
            _ = try Self.settle(reconciler, wish)
            // The other end of the cable has it already.
            try run(
                "/bin/sh",
                "-ec",
                "ip address add 2001:db8::2/64 dev far0 nodad; ip address add 2001:db8::2/64 dev eth0"
            )
            try run("/sbin/ip", "route", "add", "default", "via", "2001:db8::1", "dev", "eth0")
            let found = try Self.reconcile(reconciler, wish) { !$0.hindrances.isEmpty }
            #expect(
                found.hindrances.count == 1
                    && found.hindrances[0].hasPrefix("eth0: 2001:db8::2 is another host's as well")
            )
            #expect(found.paths[Sample.first]?.condition == Self.unaddressed && found.untold == [])
            #expect(try !Self.underlayRoutes().contains("2001:db8::"))
            // Another address, and all is well.
            try run(
                "/bin/sh",
                "-ec",
                "ip address delete 2001:db8::2/64 dev eth0; ip address add 2001:db8::3/64 dev eth0"
            )
            let done = try Self.reconcile(reconciler, wish) { $0.paths[Sample.first]?.condition == .ready }
            #expect(done.paths[Sample.first]?.condition == .ready)
            #expect(!done.hindrances.contains { $0.hasPrefix("eth0") })
        }
    }
}
