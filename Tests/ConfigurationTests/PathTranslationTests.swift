// SPDX-License-Identifier: Apache-2.0

import Configuration
import NetworkTypes
import Testing

struct PathTranslationTests {
    private static func withNat(_ sources: String) -> (String, String) {
        ("    mtu: 1420\n", "    mtu: 1420\n    nat: {source: [\(sources)]}\n")
    }

    @Test func readsSources() throws {
        let file = try TemporaryFile(Example.replacing([Self.withNat("10.1.77.0/24, \"fd00:77::/64\", 10.0.0.0/8")]))
        let paths = try Configuration.load(path: file.path).configuration.paths
        try file.remove()
        #expect(paths[0].natSources.map(\.description) == ["10.1.77.0/24", "fd00:77::/64", "10.0.0.0/8"])
        #expect(paths[1].natSources == [])
    }

    @Test func withoutSource() throws {
        try Example.expect(
            ("    mtu: 1420", "    nat: {}"),
            give: ["10:10: error: the nat of path 'vpn-a' has no 'source' (source: [PREFIX, …])"]
        )
        try Example.expect(("    mtu: 1420", "    nat: {source: []}"), give: ["10:19: error: nat source is empty"])
        try Example.expect(
            ("    mtu: 1420", "    nat: [10.1.0.0/16]"),
            give: ["10:10: error: the nat of path 'vpn-a' must be a mapping, not a list"]
        )
    }

    @Test func unknownKey() throws {
        try Example.expect(
            ("    mtu: 1420", "    nat: {source: [10.1.0.0/16], to: 10.99.0.2}"),
            give: ["10:34: error: unknown key 'to' in the nat of path 'vpn-a' (known here: source)"]
        )
    }

    @Test func hostBits() throws {
        try Example.expect(
            Self.withNat("10.1.77.0/16"),
            give: ["11:20: error: nat source: '10.1.77.0/16' has host bits set (did you mean 10.1.0.0/16?)"]
        )
    }

    @Test func sameSource() throws {
        try Example.expect(
            Self.withNat("10.1.0.0/16, 10.1.0.0/16"),
            give: [
                "11:33: error: 10.1.0.0/16 is listed twice in the nat of path 'vpn-a' (the first is on line 11)"
            ]
        )
    }

    @Test func protectedSource() throws {
        try Example.expect(
            Self.withNat("10.30.7.0/24"),
            give: [
                "11:20: error: nat source 10.30.7.0/24 lies in 10.30.0.0/16 of network 'aws' "
                    + "(the guard drops what comes from there by anything but its paths)"
            ]
        )
    }

    @Test func sourceWithoutAnAddressOfItsFamily() throws {
        try Example.expect(
            ("10.99.0.2/30, \"fd00:99::2/126\"", "10.99.0.2/30"),
            (", {icmp: \"fd00:20::4\"}", ""),
            Self.withNat("\"fd00:77::/64\""),
            give: [
                "11:20: error: nat source fd00:77::/64 has no address to leave with "
                    + "(give path 'vpn-a' an IPv6 address)"
            ]
        )
        // One mistake is one error.
        try Example.expect(
            ("\"fd00:99::2/126\"", "\"fd00:99::2/129\""),
            (", {icmp: \"fd00:20::4\"}", ""),
            Self.withNat("\"fd00:77::/64\""),
            give: ["7:31: error: addresses: 'fd00:99::2/129' is not an address with a prefix length"]
        )
    }
}
