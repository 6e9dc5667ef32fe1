// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import Configuration

/// Paths of `kind: routed`.
struct RoutedPathTests {
    /// The example with its second path as a line.
    private func file(_ line: String) throws -> TemporaryFile {
        let start = try #require(Example.text.firstRange(of: "  vpn-b:\n"))
        let end = try #require(Example.text.firstRange(of: "networks:\n"))
        let text = Example.text[..<start.lowerBound] + "  vpn-b: \(line)\n" + Example.text[end.lowerBound...]
        return try TemporaryFile(Array(text.utf8))
    }

    private func path(_ line: String) throws -> PathConfiguration {
        let file = try file(line)
        defer { try? file.remove() }
        return try Configuration.load(path: file.path).configuration.paths[1]
    }

    @Test func readsALineOnAnInterfaceOfTheOperators() throws {
        let path = try path(
            "{kind: routed, interface: eth2, gateways: [172.16.0.1, \"fe80::1\"], mtu: 1400, metered: true, bfd: {}}"
        )
        let line = try #require(path.routed)
        #expect(line.gateways.map(\.description) == ["172.16.0.1", "fe80::1"])
        #expect(line.vlan == nil && line.isMetered && path.isMetered)
        #expect(path.addresses.isEmpty && path.mtu == 1400 && path.underlay == nil && path.peers.isEmpty)
        let session = try #require(path.bfd)
        #expect(session.peer.description == "172.16.0.1" && session.local == nil)
    }

    @Test func readsALineInAVLANOfItsOwn() throws {
        let path = try path(
            "{kind: routed, interface: pn-line, vlan: {parent: eth2, id: 4094}, addresses: [172.16.0.2/30, "
                + "\"fd00:16::2/126\"], gateways: [172.16.0.1, \"fd00:16::1\"], bfd: {peer: 172.16.9.1, multihop: true}}"
        )
        #expect(path.routed?.vlan?.parent.text == "eth2" && path.routed?.vlan?.id == 4094)
        #expect(path.bfd?.local?.description == "172.16.0.2" && path.bfd?.peer.description == "172.16.9.1")
    }

    @Test(arguments: [
        ("{kind: routed, interface: eth2}", "path 'vpn-b' has no 'gateways' (gateways: [ADDRESS, …], one a family)"),
        ("{kind: routed, interface: eth2, gateways: []}", "gateways is empty"),
        (
            "{kind: routed, interface: eth2, gateways: [172.16.0.1, 172.16.0.5]}",
            "a second gateway of the same family (one a family)"
        ),
        ("{kind: routed, interface: eth2, gateways: [224.0.0.1]}", "gateway 224.0.0.1 is no host's address"),
        (
            "{kind: routed, interface: eth2, gateways: [10.30.0.1, \"fd00:16::1\"]}",
            "gateway 10.30.0.1 lies in 10.30.0.0/16 of network 'aws' (a line's router is on the line, not behind it)"
        ),
        (
            "{kind: routed, interface: eth2, gateways: [172.16.0.1], addresses: [172.16.0.2/30]}",
            "path 'vpn-b' has addresses, but its interface is not pnetd's to configure (set them where the interface is "
                + "set up, or give the path a 'vlan')"
        ),
        (
            "{kind: routed, interface: eth2, gateways: [172.16.0.1], private-key-file: keys/a.key}",
            "unknown key 'private-key-file' in path 'vpn-b' (known here: kind, interface, mtu, nat, source, addresses, bfd, stamp, "
                + "stamp-reflector, gateways, vlan, metered)"
        ),
        (
            "{kind: routed, interface: eth2, gateways: [172.16.0.1], vlan: {parent: eth2, id: 7}, "
                + "addresses: [172.16.0.2/30]}",
            "path 'vpn-b' cannot be its own parent (the VLAN has an interface of its own)"
        ),
        (
            "{kind: routed, interface: l, gateways: [172.16.0.1], vlan: {parent: eth2, id: 4095}, "
                + "addresses: [172.16.0.2/30]}",
            "id must be 1 to 4094, not 4095 (0 and 4095 are reserved (IEEE 802.1Q))"
        ),
        (
            "{kind: routed, interface: l, gateways: [172.16.0.9], vlan: {parent: eth2, id: 7}, addresses: [172.16.0.2/30]}",
            "gateway 172.16.0.9 is on none of the path's prefixes (on the line are 172.16.0.0/30)"
        ),
        (
            "{kind: routed, interface: l, gateways: [172.16.0.2], vlan: {parent: eth2, id: 7}, addresses: [172.16.0.2/30]}",
            "gateway 172.16.0.2 is the path's own address (the router's, not ours)"
        ),
        (
            "{kind: routed, interface: eth2, gateways: [172.16.0.1], stamp: {peer: 172.16.0.1}}",
            "the stamp of path 'vpn-b' has no 'local'"
        ),
    ])
    func mistakesAreNamed(line: String, error: String) throws {
        let file = try file(line)
        defer { try? file.remove() }
        let found = file.diagnostics().filter { $0.contains("error") }
        #expect(found.count == 1 && found.first?.hasSuffix("error: " + error) == true, "\(found)")
    }

    @Test func aFamilyWithoutAGatewayIsToldOf() throws {
        let file = try file("{kind: routed, interface: eth2, gateways: [172.16.0.1]}")
        defer { try? file.remove() }
        let found = file.diagnostics()
        let expected = "warning: fd00:20::/48 does not go by path 'vpn-b' (the path has no IPv6 gateway)"
        #expect(found.count == 1 && found.first?.hasSuffix(expected) == true, "\(found)")
    }
}
