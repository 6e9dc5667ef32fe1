// SPDX-License-Identifier: Apache-2.0

import CLinux
import FoundationEssentials
import NetworkTypes
import PathHealth
import SystemIO
import Testing

@testable import Tunnel

/// The guard as it is put in place at boot, from a copy.
@Suite(.serialized)
struct GuardCopyTests {
    private let copy = GuardCopy(of: Sample.desired(.blocked))

    @Test func outlivesBeingWrittenDown() throws {
        let read = try JSONDecoder().decode(GuardCopy.self, from: JSONEncoder().encode(copy))
        #expect(read == copy)
        #expect(read.isPlausible)
        #expect(read.prefixes == Sample.prefixes)
    }

    @Test func holdsNoKeyAndNoEndpoint() throws {
        let text = String(decoding: try JSONEncoder().encode(copy), as: UTF8.self)
        for word in ["key", "endpoint", "198.51.100.1"] { #expect(!text.contains(word)) }
    }

    @Test(arguments: [
        ("\"firstTable\":7000", "\"firstTable\":4294967295"), ("\"firstPriority\":700", "\"firstPriority\":4294967200"),
        ("\"firstNexthop\":7000", "\"firstNexthop\":4294967000"), ("\"markMask\":2130706432", "\"markMask\":0"),
        ("\"slot\":1", "\"slot\":-9"), ("\"slot\":1", "\"slot\":121"),
    ])
    func findsNumbersThatPnetdNeverWrites(from: String, to: String) throws {
        let text = String(decoding: try JSONEncoder().encode(copy), as: UTF8.self)
        #expect(text.contains(from))
        let broken = try JSONDecoder().decode(GuardCopy.self, from: Data(text.replacing(from, with: to).utf8))
        #expect(!broken.isPlausible)
    }

    @Test func guardsAHostWithoutOneLinkUp() throws {
        let copy = copy
        try inFreshNamespace {
            try run("/sbin/ip", "link", "set", "lo", "down")
            let first = try copy.putInPlace(replacing: false)
            #expect(first.failures == [])
            #expect(!first.changes.isEmpty)
            try run("/sbin/ip", "link", "add", "eth0", "type", "veth", "peer", "name", "far0")
            for link in ["lo", "eth0", "far0"] { try run("/sbin/ip", "link", "set", link, "up") }
            try run("/sbin/ip", "address", "add", "192.0.2.2/24", "dev", "eth0")
            try run("/sbin/ip", "route", "add", "default", "via", "192.0.2.1")
            try run("/sbin/ip", "-6", "address", "add", "2001:db8::2/64", "dev", "eth0", "nodad")
            try run("/sbin/ip", "-6", "route", "add", "default", "via", "2001:db8::1")
            #expect(try run("/sbin/ip", "route", "get", "203.0.113.9").contains("dev eth0"))
            for target in ["10.20.0.4", "fd00:20::4"] {
                #expect(throws: ProgramFailure.self) { try run("/sbin/ip", "route", "get", target) }
            }
            let listing = try run("/usr/sbin/nft", "list", "table", "inet", "pnetd")
            #expect(listing.contains("oifname != @net1-if ip daddr @net1-ipv4 counter packets 0 bytes 0 drop"))
            let second = try copy.putInPlace(replacing: false)
            #expect(second.changes == [] && second.failures == [])
        }
    }

    @Test func touchesNothingOfAnAgentAtWork() throws {
        let copy = copy
        try inFreshNamespace {
            try run("/sbin/ip", "link", "add", "eth0", "type", "veth", "peer", "name", "far0")
            for link in ["eth0", "far0"] { try run("/sbin/ip", "link", "set", link, "up") }
            let agent = try Reconciler(
                reserved: Sample.reserved,
                userspace: .child(through: [], logDirectory: "/tmp"),
                told: [:]
            )
            #expect(!agent.hasGuard)
            _ = agent.reconcile(Sample.desired(.blocked))
            #expect(agent.hasGuard)
            // Ours alone: the interfaces' link-local addresses come with routes of the kernel's, and when they like; so do
            // the interfaces themselves, which programs of their own bring.
            let kernel = {
                try [run("/sbin/ip", "route", "show", "table", "all", "proto", "112"), run("/sbin/ip", "rule")].joined()
                    .replacing(" [detached]", with: "")
            }
            let before = try kernel()
            let again = try copy.putInPlace(replacing: false)
            #expect(again.changes == [] && again.failures == [])
            let after = try kernel()
            #expect(after == before)
        }
    }

    /// As one that a saved ruleset brought along.
    @Test func replacesATableOfOurNameThatHoldsSomethingElse() throws {
        let copy = copy
        try inFreshNamespace {
            try run("/usr/sbin/nft", "add", "table", "inet", "pnetd")
            #expect(try copy.putInPlace(replacing: true).failures == [])
            #expect(try run("/usr/sbin/nft", "list", "table", "inet", "pnetd").contains("10.20.0.0/16"))
            #expect(try copy.putInPlace(replacing: true).failures == [])
        }
    }

    /// As one that a ruleset brought along which was saved while it was ours.
    @Test func ownsATableThatHoldsTheSameAndIsNobodys() throws {
        let copy = copy
        try inFreshNamespace {
            _ = try copy.putInPlace(replacing: true)
            let lines = try run("/usr/sbin/nft", "list", "ruleset").split(separator: "\n")
            // Debian 12's nft has no word for the flag that an orphan keeps.
            let saved = lines.filter { !$0.hasPrefix("\tflags") }.joined(separator: "\n") + "\n"
            try run("/usr/sbin/nft", "delete", "table", "inet", "pnetd")
            let file = "/tmp/pnetd-saved-ruleset-\(getpid())"
            try Files.replace(file, with: Array(saved.utf8))
            defer { try? Files.remove(file) }
            try run("/usr/sbin/nft", "-f", file)
            let firewall = Firewall(over: NetlinkConversation(over: try NetlinkSocket(bus: NETLINK_NETFILTER)))
            _ = try firewall.reconcile(Sample.desired(.blocked).guard.table)
            #expect(try !firewall.reconcile(Sample.desired(.blocked).guard.table))
            // Where the kernel has owners, this one has it now.
            #expect((try? run("/usr/sbin/nft", "flush", "table", "inet", "pnetd")) == nil || !firewall.isOwned)
        }
    }

    /// What the guard left is what the agent wants: it finds nothing to do but to take the table for its own.
    @Test func isTakenOverByTheAgentAsItIs() throws {
        let copy = copy
        try inFreshNamespace {
            _ = try copy.putInPlace(replacing: false)
            let agent = try Reconciler(
                reserved: Sample.reserved,
                userspace: .child(through: [], logDirectory: "/tmp"),
                told: [:]
            )
            var guarded = Sample.desired(.blocked)
            guarded.paths = []
            let routes = agent.move(guarded)
            #expect(routes.changes == [])
        }
    }
}
