// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import PathHealth
import Testing

@testable import Tunnel

/// What an IPsec path comes to in the kernel, beside what its IKE daemon puts there.
@Suite(.serialized)
struct IPsecPlanTests {
    private static let name = Sample.interface("pn-x")
    /// 7000 and the path's slot.
    private static let number: UInt32 = 7002

    /// The second path goes by IPsec.
    private func desired(_ outcome: Outcome, to remote: String? = "198.51.100.9") -> Desired {
        var desired = Sample.desired(outcome)
        desired.paths[1] = Desired.Path(
            name: Sample.second,
            slot: 2,
            interface: Self.name,
            addresses: [Sample.address("10.97.0.2/30")],
            mtu: nil,
            kind: .ipsec(
                Desired.Path.IPsecTunnel(
                    to: remote.flatMap { IPAddress($0) },
                    underlay: Desired.Path.Underlay(Sample.interface("eth1"), gateways: nil)
                )
            )
        )
        return desired
    }

    private var observed: Observed {
        var observed = Sample.bare
        observed.links[Sample.interface("pn-b")] = nil
        observed.blocks = []
        return observed
    }

    private func settled(_ desired: Desired, _ observed: Observed) -> Observed {
        var observed = observed
        for _ in 0..<4 { for step in plan(desired, observed) { observed.take(step) } }
        #expect(plan(desired, observed) == [])
        return observed
    }

    @Test func theBlocksAreThereBeforeTheInterface() throws {
        let steps = plan(desired(.blocked), observed)
        let block = try #require(steps.firstIndex { $0.object == .blocks })
        let link = try #require(steps.firstIndex(of: .makeLink(Self.name, .xfrm(interfaceID: Self.number))))
        #expect(block < link)
        let kernel = settled(desired(.blocked), observed)
        #expect(kernel.blocks == BlockPolicy.all(interfaceID: Self.number))
        // And they go after it.
        let end = plan(Desired(reserved: Sample.reserved, paths: [], networks: []), kernel)
        let gone = try #require(end.firstIndex { $0.object == .link(Self.name) })
        #expect(try #require(end.firstIndex { $0.object == .blocks }) > gone)
    }

    @Test func whatIKESendsStaysOnItsUnderlay() {
        let kernel = settled(desired(.blocked), observed)
        let source = IPAddress("203.0.113.2")
        for port: UInt16 in [500, 4500] {
            let own = kernel.rules.filter { rule in
                guard case .datagrams(let from, port, let to) = rule.selector else { return false }
                return from == source && to == IPAddress("198.51.100.9")
            }
            #expect(Set(own.map(\.action)) == [.lookup(7066), .unreachable])
        }
        // ESP is marked by the policy.
        #expect(kernel.rules.contains { $0.selector == .mark(0x4200_0000, mask: 0x7f00_0000) })
        // Whose address is not known yet has nothing to send.
        let early = settled(desired(.blocked, to: nil), observed)
        #expect(!early.rules.contains { if case .datagrams = $0.selector { true } else { false } })
    }

    @Test func itCarriesNothingWithoutAssociations() throws {
        let desired = desired(.blocked)
        var kernel = settled(desired, observed)
        let path = desired.paths[1]
        #expect(kernel.linkCondition(path) == .unusable(.noAssociation))
        let (far, own) = (try #require(IPAddress("198.51.100.9")), try #require(IPAddress("203.0.113.2")))
        var facts = SecurityFacts()
        facts.outbound = [Self.association(from: own, to: far, spi: 1)]
        facts.inbound = [Self.association(from: far, to: own, spi: 2)]
        facts.directions = [.input, .output]
        kernel.security[Self.number] = facts
        #expect(kernel.linkCondition(path) == .ready)
        facts.directions = [.output]
        kernel.security[Self.number] = facts
        #expect(kernel.linkCondition(path) == .unusable(.noAssociation), "somebody flushed the policies")
    }

    private static func association(from source: IPAddress, to destination: IPAddress, spi: UInt32)
        -> SecurityAssociation
    {
        SecurityAssociation(
            destination: destination,
            source: source,
            spi: spi,
            proto: .esp,
            mode: .tunnel,
            requestID: number,
            interfaceID: number,
            mark: nil,
            algorithms: [],
            replay: .init(window: 0, late: 0, repeated: 0, forged: 0, lastSent: 0, highestReceived: 0),
            traffic: .init(bytes: 0, packets: 0, added: 0, firstUsed: nil, lastUsed: nil),
            encapsulation: nil,
            offload: nil
        )
    }

    @Test(arguments: [("198.51.100.9", 1415), ("2001:db8::9", 1395), (nil, 1395)])
    func leavesRoomForESP(remote: String?, mtu: Int) {
        let kernel = settled(desired(.blocked, to: remote), observed)
        #expect(kernel.links[Self.name]?.mtu == mtu)
    }

    /// The kernel has what an xfrm interface took pass the hooks a second time, bare, on its way out by the underlay.
    @Test func theGuardLetsThroughWhatIsAboutToBeSealed() throws {
        let copy = GuardCopy(of: desired(.blocked))
        try inFreshNamespace {
            #expect(try copy.putInPlace(replacing: true).failures == [])
            let listing = try run("/usr/sbin/nft", "list", "chain", "inet", "pnetd", "leaving")
            let lines = listing.split(separator: "\n").map(String.init)
            for family in [("ip", "ipv4"), ("ip6", "ipv6")] {
                let sealed = "ipsec out reqid \(Self.number) \(family.0) daddr @net1-\(family.1) accept"
                let open = "oifname != @net1-if \(family.0) daddr @net1-\(family.1)"
                let first = try #require(lines.firstIndex { $0.contains(sealed) }, "\(listing)")
                let then = try #require(lines.firstIndex { $0.contains(open) }, "\(listing)")
                #expect(first < then)
            }
        }
    }

    /// The kernel takes and tells of the rules as they are written.
    @Test func aRuleForIKEIsWhatIpReads() throws {
        try inFreshNamespace {
            let kernel = NetlinkConversation(over: try NetlinkSocket(bus: NETLINK_ROUTE))
            for (family, source, host) in [
                (AddressFamily.ipv4, "203.0.113.2", "198.51.100.9"), (.ipv6, "2001:db8::2", "2001:db8::9"),
            ] {
                let (from, to) = (try #require(IPAddress(source)), try #require(IPAddress(host)))
                let rule = Rule(
                    family: family,
                    priority: 704,
                    selector: .datagrams(from: from, port: 4500, to: to),
                    action: .lookup(7066)
                )
                try kernel.change(RuleMessages.add(rule, Sample.reserved), "add a rule")
                let option = family == .ipv4 ? "-4" : "-6"
                let text = try run("/sbin/ip", option, "rule")
                #expect(text.contains("from \(source) to \(host) ipproto udp sport 4500 lookup 7066"), "\(text)")
                let found = try kernel.dump(RuleMessages.dump(family), "read the rules").compactMap {
                    RuleMessages.parse($0, Sample.reserved)
                }
                #expect(found == [rule])
                try kernel.change(RuleMessages.delete(rule, Sample.reserved), "remove a rule")
            }
        }
    }
}
