// SPDX-License-Identifier: Apache-2.0

import CLinux
import FoundationEssentials
import NetworkTypes
import PathHealth
import Testing

@testable import Tunnel

/// The guard of a path that translates sources.
@Suite(.serialized)
struct GuardTranslationTests {
    private static var desired: Desired {
        var desired = Sample.desired(.blocked)
        desired.paths[0].natSources = ["10.1.0.0/16", "10.1.77.0/24", "10.2.0.0/16", "fd00:1::/64"].map(Sample.prefix)
        return desired
    }

    @Test func isWrittenAsNftReadsIt() throws {
        let copy = GuardCopy(of: Self.desired)
        try inFreshNamespace {
            #expect(try copy.putInPlace(replacing: true).failures == [])
            let listing = try run("/usr/sbin/nft", "list", "table", "inet", "pnetd")
            for line in [
                "type nat hook postrouting priority srcnat; policy accept;",
                "oifname \"pn-a\" ip saddr @nat-vpn-a-ipv4 counter packets 0 bytes 0 masquerade",
                "oifname \"pn-a\" ip6 saddr @nat-vpn-a-ipv6 counter packets 0 bytes 0 masquerade",
                "elements = { 10.1.0.0-10.2.255.255 }", "elements = { fd00:1::/64 }",
            ] { #expect(listing.contains(line), "\(line) in:\n\(listing)") }
            #expect(!listing.contains("nat-vpn-b"))
            // The same chain of another kind translates nothing.
            try run("/usr/sbin/nft", "delete", "chain", "inet", "pnetd", "translate")
            let filter = "{ type filter hook postrouting priority srcnat; }"
            try run("/usr/sbin/nft", "add chain inet pnetd translate \(filter)")
            #expect(try copy.putInPlace(replacing: true).changes == ["put the guard table in place"])
        }
    }

    @Test func isFoundToBeThere() throws {
        try inFreshNamespace {
            let firewall = Firewall(over: NetlinkConversation(over: try NetlinkSocket(bus: NETLINK_NETFILTER)))
            #expect(try firewall.reconcile(Self.desired.guard.table))
            #expect(try !firewall.reconcile(Self.desired.guard.table))
        }
    }

    @Test func isKeptInTheCopyForTheBoot() throws {
        let copy = GuardCopy(of: Self.desired)
        let written = try JSONEncoder().encode(copy)
        #expect(try JSONDecoder().decode(GuardCopy.self, from: written) == copy)
        #expect(copy != GuardCopy(of: Sample.desired(.blocked)))
    }

    /// A copy of a version that could not translate names no sources; it must guard the first boot of this one.
    @Test func needsNoSourcesInTheCopy() throws {
        let plain = GuardCopy(of: Sample.desired(.blocked))
        let written = try JSONEncoder().encode(plain)
        #expect(!String(decoding: written, as: UTF8.self).contains("natSources"))
        #expect(try JSONDecoder().decode(GuardCopy.self, from: written) == plain)
    }
}
