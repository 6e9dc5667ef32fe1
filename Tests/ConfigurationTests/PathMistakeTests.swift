// SPDX-License-Identifier: Apache-2.0

import Testing

struct PathMistakeTests {
    @Test func unknownKind() throws {
        try Example.expect(
            ("  vpn-b:\n    kind: wireguard", "  vpn-b:\n    kind: wireguad"),
            give: [
                "19:11: error: kind must be wireguard or ipsec or routed, not 'wireguad' (did you mean 'wireguard'?)"
            ]
        )
    }

    @Test func missingInterface() throws {
        try Example.expect(
            ("    interface: pn-a\n", ""),
            give: ["4:3: error: path 'vpn-a' has no 'interface'"]
        )
    }

    @Test func badInterface() throws {
        try Example.expect(
            ("interface: pn-a", "interface: pn-a-with-too-long-a-name"),
            give: [
                "6:16: error: interface: 'pn-a-with-too-long-a-name' is not an interface's "
                    + "name (1 to 15 characters, no '/', ':' or space)"
            ]
        )
    }

    @Test func sameInterface() throws {
        try Example.expect(
            ("interface: pn-b", "interface: pn-a"),
            give: [
                "20:16: error: interface 'pn-a' belongs to path 'vpn-a' already (the first is "
                    + "on line 6)"
            ]
        )
    }

    @Test func ownUnderlay() throws {
        try Example.expect(
            ("{interface: eth1,", "{interface: pn-b,"),
            give: [
                "23:27: error: path 'vpn-b' cannot be its own underlay (name the interface "
                    + "that faces outwards)"
            ]
        )
    }

    @Test func sameAddress() throws {
        try Example.expect(
            ("10.98.0.2/30", "10.99.0.2/32"),
            give: [
                "21:17: error: address 10.99.0.2 belongs to path 'vpn-a' already (the first is "
                    + "on line 7)"
            ]
        )
    }

    @Test func addressWithoutLength() throws {
        try Example.expect(
            ("10.98.0.2/30", "10.98.0.2"),
            give: [
                "21:17: error: addresses: '10.98.0.2' is not an address with a prefix length "
                    + "(add the length, as in 10.98.0.2/32)"
            ]
        )
    }

    @Test func badAddress() throws {
        try Example.expect(
            ("10.98.0.2/30", "10.98.0.256/30"),
            give: ["21:17: error: addresses: '10.98.0.256/30' is not an address with a prefix length"]
        )
    }

    @Test func secondGatewayOfAFamily() throws {
        try Example.expect(
            ("gateway: auto", "gateway: [192.0.2.1, 192.0.2.2]"),
            give: ["11:54: error: a second gateway of the same family (one a family)"]
        )
    }

    @Test func badGateway() throws {
        try Example.expect(
            ("gateway: auto", "gateway: automatic"),
            give: ["11:42: error: gateway: 'automatic' is not an address"]
        )
    }

    @Test func sameListenPort() throws {
        try Example.expect(
            ("    interface: pn-b", "    interface: pn-b\n    listen-port: 51820"),
            give: [
                "21:18: error: listen-port 51820 belongs to path 'vpn-a' already (the first is "
                    + "on line 9)"
            ]
        )
    }

    /// The public key of the path's own private key, which WireGuard would leave out without a word.
    @Test(arguments: [
        ("public-key: mMU1Drr/MUhlmkgZwL9n7jY7eUy5LK6tEFfK+ZK9NGw=", "13:21"),
        (
            "public-key: hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\n"
                + "        next-public-key: mMU1Drr/MUhlmkgZwL9n7jY7eUy5LK6tEFfK+ZK9NGw=", "14:26"
        ),
    ])
    func ownPublicKey(lines: String, place: String) throws {
        try Example.expect(
            ("public-key: hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=", lines),
            give: ["\(place): error: this public key is path 'vpn-a''s own (the other end's belongs here)"]
        )
    }

    @Test func smallMTU() throws {
        try Example.expect(
            ("mtu: 1420", "mtu: 1200"),
            give: [
                "10:10: error: mtu must be 1280 to 9000, not 1200 (IPv6 needs 1280 (RFC 8200 "
                    + "section 5))"
            ]
        )
    }

    @Test func textualMTU() throws {
        try Example.expect(
            ("mtu: 1420", "mtu: big"),
            give: ["10:10: error: mtu must be a whole number, not 'big'"]
        )
    }

    @Test func badPublicKey() throws {
        try Example.expect(
            ("hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=", "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo"),
            give: [
                "13:21: error: public-key is not a WireGuard key (44 characters of base64, as "
                    + "`wg pubkey` prints)"
            ]
        )
    }

    @Test func samePublicKey() throws {
        try Example.expect(
            (
                "        allowed-ips: auto",
                "        allowed-ips: auto\n      - public-key: "
                    + "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\n        allowed-ips: [10.0.0.0/8]"
            ),
            give: [
                "18:21: error: this public key is already that of another peer of path 'vpn-a' "
                    + "(the first is on line 13)"
            ]
        )
    }

    @Test func twoAutomaticPeers() throws {
        try Example.expect(
            (
                "        allowed-ips: auto",
                "        allowed-ips: auto\n      - public-key: "
                    + "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0="
            ),
            give: [
                "18:9: error: a second peer of path 'vpn-a' with allowed-ips auto (the first "
                    + "is on line 17)"
            ]
        )
    }

    @Test func sameAllowedIPs() throws {
        try Example.expect(
            (
                "        allowed-ips: auto",
                "        allowed-ips: [10.20.0.0/16]\n      - public-key: "
                    + "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=\n        allowed-ips: "
                    + "[10.30.0.0/16, 10.20.0.0/16]"
            ),
            give: [
                "19:37: error: 10.20.0.0/16 is already in the allowed-ips of path 'vpn-a' (the "
                    + "first is on line 17)"
            ]
        )
    }

    @Test func allowedIPsOfTheAutomaticPeer() throws {
        try Example.expect(
            (
                "        allowed-ips: auto",
                "        allowed-ips: auto\n      - public-key: "
                    + "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=\n        allowed-ips: "
                    + "[10.20.0.0/16]"
            ),
            give: [
                "19:23: error: 10.20.0.0/16 of network 'azure' is already that of the peer "
                    + "with allowed-ips auto"
            ]
        )
    }

    @Test func uncarriedPrefix() throws {
        try Example.expect(
            ("        allowed-ips: auto", "        allowed-ips: [10.0.0.0/8]"),
            give: [
                "30:13: warning: no peer of path 'vpn-a' has fd00:20::/48 in its allowed-ips "
                    + "(WireGuard would drop what is sent there)"
            ]
        )
    }

    @Test func targetWithoutSource() throws {
        try Example.expect(
            (", \"fd00:98::2/126\"]", "]"),
            give: [
                "33:40: warning: target fd00:20::4 cannot be asked through path 'vpn-b' (the "
                    + "path has no IPv6 address)"
            ]
        )
    }

    @Test func badAllowedIPs() throws {
        try Example.expect(
            ("allowed-ips: auto", "allowed-ips: all"),
            give: ["17:22: error: allowed-ips must be auto or a list, not 'all'"]
        )
    }

    @Test func endpointWithoutPort() throws {
        try Example.expect(
            ("endpoint: 192.0.2.10:51820", "endpoint: 192.0.2.10"),
            give: [
                "15:19: error: endpoint: '192.0.2.10' is not a host and a port (add the port, "
                    + "as in 192.0.2.10:51820)"
            ]
        )
    }

    @Test func endpointInAProtectedPrefix() throws {
        try Example.expect(
            ("endpoint: 192.0.2.10:51820", "endpoint: 10.20.4.9:51820"),
            give: [
                "15:19: error: endpoint 10.20.4.9 lies in 10.20.4.0/24 of network 'aws' (the "
                    + "guard would drop the tunnel's own packets)"
            ]
        )
    }

    @Test func resolverInAPrefix() throws {
        try Example.expect(
            ("{interface: eth1,", "{interface: eth1, resolvers: [192.0.2.53, 10.20.4.53],"),
            give: [
                "23:57: error: resolver 10.20.4.53 lies in 10.20.4.0/24 of network 'aws' (the guard would drop the "
                    + "questions; an underlay's resolver is outside)"
            ]
        )
    }

    @Test func meteredIsYesOrNo() throws {
        try Example.expect(
            ("{interface: eth1,", "{interface: eth1, metered: lte,"),
            give: ["23:42: error: metered must be true or false"]
        )
    }

    @Test func nextKeyOfAnotherPeer() throws {
        let key = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="
        try Example.expect(
            ("endpoint: 192.0.2.10:51820", "endpoint: 192.0.2.10:51820\n        next-public-key: \(key)"),
            give: [
                "16:26: error: this public key is already that of another peer of path 'vpn-a' (the first is on line 13)"
            ]
        )
    }

    @Test func noResolver() throws {
        try Example.expect(
            ("{interface: eth1,", "{interface: eth1, resolvers: [gw.example.net],"),
            give: ["23:45: error: resolvers: 'gw.example.net' is not an address, with or without a port"]
        )
    }

    @Test func endpointInAnOwnedZone() throws {
        try Example.expect(
            ("endpoint: 192.0.2.10:51820", "endpoint: gw.plant.internal:51820"),
            give: [
                "15:19: error: endpoint 'gw.plant.internal' lies in zone 'plant.internal' of "
                    + "network 'aws' (its name would be answered through the tunnel it is to open)"
            ]
        )
    }

    @Test func halfASecondOfKeepalive() throws {
        try Example.expect(
            ("persistent-keepalive: 15s", "persistent-keepalive: 1.5s"),
            give: ["16:31: error: persistent-keepalive must be whole seconds"]
        )
    }

    @Test func keepaliveWithoutUnit() throws {
        try Example.expect(
            ("persistent-keepalive: 15s", "persistent-keepalive: 15"),
            give: [
                "16:31: error: persistent-keepalive: '15' is not a duration (a number and a "
                    + "unit, as in 300ms, 1.5s, 2m, 1h, 7d)"
            ]
        )
    }

    @Test func longKeepalive() throws {
        try Example.expect(
            ("persistent-keepalive: 15s", "persistent-keepalive: 1d"),
            give: ["16:31: error: persistent-keepalive must be 0s to 65535s, not 1d"]
        )
    }

    @Test func presetOfAnotherKind() throws {
        try Example.expect(
            ("    mtu: 1420", "    preset: azure"),
            give: [
                "10:5: error: unknown key 'preset' in path 'vpn-a' (known here: kind, interface, mtu, nat, source, addresses, "
                    + "bfd, stamp, stamp-reflector, private-key-file, private-key-credential, listen-port, underlay, peers)"
            ]
        )
    }

    @Test func badPathName() throws {
        try Example.expect(
            ("  vpn-b:\n", "  \"vpn b\":\n"),
            ("paths: [vpn-a, vpn-b]", "paths: [vpn-a]"),
            ("paths: [vpn-b]", "paths: [\"vpn b\"]"),
            give: [
                "18:3: error: paths: 'vpn b' is not a name (1 to 32 letters, digits, '-', '_' "
                    + "or '.', the first a letter or a digit)"
            ]
        )
    }

    @Test func noPeers() throws {
        try Example.expect(
            (
                "    peers:\n      - public-key: xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\n  "
                    + "      endpoint: \"[2001:db8::1]:51820\"\n",
                "    peers: []\n"
            ),
            give: ["24:12: error: peers is empty"]
        )
    }

    @Test func duplicatePath() throws {
        try Example.expect(
            ("  vpn-b:\n", "  vpn-a:\n"),
            give: ["18:3: error: key 'vpn-a' appears twice (the first is on line 4)"]
        )
    }
}
