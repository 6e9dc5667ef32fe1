// SPDX-License-Identifier: Apache-2.0

import Configuration
import NetworkTypes
import Testing

/// The key `source` of a path.
struct PathSourceTests {
    private static func with(_ source: String) -> (String, String) {
        ("    mtu: 1420\n", "    mtu: 1420\n    source: \(source)\n")
    }

    @Test(arguments: [
        ("10.1.0.1", ["10.1.0.1"]), ("\"fd00:1::1\"", ["fd00:1::1"]),
        ("[10.1.0.1, \"fd00:1::1\"]", ["10.1.0.1", "fd00:1::1"]), ("10.99.0.2", ["10.99.0.2"]),
    ])
    func readsOneAFamily(text: String, expected: [String]) throws {
        let file = try TemporaryFile(Example.replacing([Self.with(text)]))
        let paths = try Configuration.load(path: file.path).configuration.paths
        try file.remove()
        #expect(paths[0].sources.map(\.description) == expected)
        #expect(paths[1].sources == [])
    }

    @Test func isOneAFamily() throws {
        try Example.expect(
            Self.with("[10.1.0.1, 10.1.0.2]"),
            give: ["11:24: error: a second source of the same family (one a family)"]
        )
        try Example.expect(Self.with("[]"), give: ["11:13: error: source is empty"])
    }

    @Test(arguments: ["127.0.0.1", "169.254.7.2", "224.0.0.1", "0.0.0.0"])
    func isAHostsAddress(text: String) throws {
        try Example.expect(
            Self.with(text),
            give: [
                "11:13: error: source \(text) is no host's address "
                    + "(an address of this host that the far end has a route back to)"
            ]
        )
    }

    @Test func isAnAddress() throws {
        try Example.expect(Self.with("10.1.0.1/24"), give: ["11:13: error: source: '10.1.0.1/24' is not an address"])
        try Example.expect(Self.with("{a: b}"), give: ["11:13: error: source must be text, not a mapping"])
    }

    /// Answers that come in by the one path would be dropped for the sake of the other.
    @Test func isNoAddressOfAnotherPath() throws {
        try Example.expect(
            Self.with("10.98.0.2"),
            give: [
                "11:13: error: source 10.98.0.2 is an address of path 'vpn-b' "
                    + "(the guard drops what comes to it by any other path)"
            ]
        )
    }

    @Test func isNotTranslated() throws {
        try Example.expect(
            ("    mtu: 1420\n", "    source: 10.1.77.1\n    nat: {source: [10.1.77.0/24]}\n"),
            give: [
                "10:13: error: source 10.1.77.1 lies in the nat source 10.1.77.0/24 of path 'vpn-a' "
                    + "(it would leave with the path's own address all the same)"
            ]
        )
    }

    /// A path without an address of a family may ask from another one of the host's.
    @Test func letsAFamilyBeAsked() throws {
        let withoutIPv6 = (", \"fd00:99::2/126\"", "")
        try Example.expect(
            withoutIPv6,
            give: [
                "33:40: warning: target fd00:20::4 cannot be asked through path 'vpn-a' (the path has no IPv6 address)"
            ]
        )
        try Example.expect(withoutIPv6, Self.with("\"fd00:1::1\""), give: [])
    }
}
