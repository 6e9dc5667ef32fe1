// SPDX-License-Identifier: Apache-2.0

import Testing

struct YAMLMistakeTests {
    @Test func tab() throws {
        try Example.expect(
            ("    kind: wireguard\n    interface: pn-a", "\tkind: wireguard\n    interface: pn-a"),
            give: [
                "5:1: error: found character that cannot start any token while scanning for "
                    + "the next token (indent with spaces, not tabs)"
            ]
        )
    }

    @Test func unclosedList() throws {
        try Example.expect(
            ("paths: [vpn-b]", "paths: [vpn-b"),
            give: ["42:12: error: did not find expected ',' or ']' while parsing a flow sequence"]
        )
    }

    @Test func unclosedQuote() throws {
        try Example.expect(
            ("\"historian A 10.30.0.10\"]", "\"historian A 10.30.0.10]"),
            give: ["48:18: error: did not find expected ',' or ']' while parsing a flow sequence"]
        )
    }

    @Test func anchorAndAlias() throws {
        try Example.expect(
            ("targets: {need: 1", "targets: &t {need: 1"),
            ("    failback: {mode: manual}", "    detect: *t"),
            give: [
                "43:14: error: anchors are not used here (remove it)",
                "44:13: error: aliases are not used here (write the value out)",
            ]
        )
    }

    @Test func tag() throws {
        try Example.expect(
            ("mtu: 1420", "mtu: !!int 1420"),
            give: ["10:10: error: tags are not used here (remove it)"]
        )
    }

    @Test func twiceTheSameKey() throws {
        try Example.expect(
            ("    mtu: 1420", "    mtu: 1420\n    mtu: 1400"),
            give: ["11:5: error: key 'mtu' appears twice (the first is on line 10)"]
        )
    }

    @Test func listAsKey() throws {
        try Example.expect(
            ("    mtu: 1420", "    [mtu]: 1420"),
            give: ["10:5: error: a key must be text, not a list"]
        )
    }

    @Test func secondDocument() throws {
        try Example.expect(
            ("reserve: {", "---\nreserve: {"),
            give: ["61:1: error: a second document (one file is one document)"]
        )
    }

    @Test func unquotedIPv6Endpoint() throws {
        try Example.expect(
            ("endpoint: \"[2001:db8::1]:51820\"", "endpoint: [2001:db8::1]:51820"),
            give: [
                "26:32: error: did not find expected key while parsing a block mapping (quote "
                    + "a value that holds brackets and colons)"
            ]
        )
    }

    @Test func escapesInAValue() throws {
        try Example.expect(
            ("when-down: public", "when-down: \"\\e[31m\\nno\""),
            give: ["45:16: error: when-down must be block or public, not '\u{fffd}[31m\u{fffd}no'"]
        )
    }

    @Test func deepNesting() throws {
        try Example.expect(
            ("workers: 2", "workers: [[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]"),
            give: ["52:26: error: nested deeper than 16 levels"]
        )
    }
}
