// SPDX-License-Identifier: Apache-2.0

import Testing

struct ResolverMistakeTests {
    @Test func listenTwice() throws {
        try Example.expect(
            ("listen: [\"127.0.0.1:53\", 10.1.0.1]", "listen: [127.0.0.1, \"127.0.0.1:53\"]"),
            give: [
                "50:23: error: 127.0.0.1:53 is already listened on by resolver listen (the "
                    + "first is on line 50)"
            ]
        )
    }

    @Test func validation() throws {
        try Example.expect(
            (
                "  when-blocked: nxdomain",
                "  when-blocked: nxdomain\n  dnssec:\n    validate: maybe\n    trust-anchor-file: none.ds\n"
                    + "    negative-trust-anchors: [{name: a..b, until: x}, {name: a.b, until: 2026-02-29}, {name: \".\", "
                    + "until: 2030-01-01}, {name: c.d}]"
            ),
            give: [
                "55:15: error: validate must be off or on, not 'maybe'",
                "56:24: error: trust-anchor-file: cannot read 'none.ds': No such file or directory",
                "57:37: error: name: 'a..b' is not a domain name",
                "57:73: error: until: '2026-02-29' is not a day (as in 2026-12-31; it ends with that day (UTC))",
                "57:86: error: a negative trust anchor for the root is for all names (validate: off)",
                "57:118: error: a negative trust anchor has no 'until'",
            ]
        )
    }

    @Test func aTrustThatHasEnded() throws {
        try Example.expect(
            (
                "  when-blocked: nxdomain",
                "  when-blocked: nxdomain\n  dnssec:\n    validate: on\n"
                    + "    negative-trust-anchors: [{name: a.b, until: 2001-02-03}]"
            ),
            give: [
                "56:49: warning: negative trust anchor 'a.b' ended with 2001-02-03: its names are validated again (remove it, "
                    + "or name another day if it is still needed)"
            ]
        )
    }

    @Test func listenAsMetrics() throws {
        try Example.expect(
            ("listen: [\"127.0.0.1:53\", 10.1.0.1]", "listen: [\"127.0.0.1:9731\"]"),
            give: [
                "55:20: error: 127.0.0.1:9731 is already listened on by resolver listen (the "
                    + "first is on line 50)"
            ]
        )
    }

    @Test func listenByName() throws {
        try Example.expect(
            ("listen: [\"127.0.0.1:53\", 10.1.0.1]", "listen: [localhost]"),
            give: [
                "50:12: error: resolver listen: 'localhost' is not an address, with or without "
                    + "a port"
            ]
        )
    }

    @Test func metricsWithoutPort() throws {
        try Example.expect(
            ("\"127.0.0.1:9731\"", "127.0.0.1"),
            give: [
                "55:20: error: metrics listen: '127.0.0.1' is not an address and a port (add "
                    + "the port, as in 127.0.0.1:9731)"
            ]
        )
    }

    @Test func allowHostBits() throws {
        try Example.expect(
            ("10.1.0.0/16]", "10.1.0.1/16]"),
            give: ["51:24: error: allow: '10.1.0.1/16' has host bits set (did you mean 10.1.0.0/16?)"]
        )
    }

    @Test func tooManyWorkers() throws {
        try Example.expect(
            ("workers: 2", "workers: 65"),
            give: ["52:12: error: workers must be 1 to 64, not 65"]
        )
    }

    @Test func moreSocketsThanOneMessageCarries() throws {
        try Example.expect(
            ("workers: 2", "workers: 64"),
            give: ["50:11: error: 2 addresses and 64 workers need 256 sockets (fewer of either: at most 128 sockets)"]
        )
    }

    @Test func whenBlocked() throws {
        try Example.expect(
            ("when-blocked: nxdomain", "when-blocked: refused"),
            give: ["53:17: error: when-blocked must be servfail or nxdomain or nodata, not 'refused'"]
        )
    }

    @Test func limitsOfClients() throws {
        try Example.expect(
            (
                "workers: 2",
                "workers: 2\n  limits: {queries-per-second: 0, in-flight: 5000, response-per-second: 5, exempt: [10.0.0.1]}"
            ),
            give: [
                "53:32: error: queries-per-second must be 1 to 1000000, not 0",
                "53:46: error: in-flight must be 1 to 4096, not 5000",
                "53:52: error: unknown key 'response-per-second' in limits (did you mean 'responses-per-second'?)",
                "53:85: error: exempt: '10.0.0.1' is not a prefix (add the length: 10.0.0.1/32)",
            ]
        )
    }

    @Test func trustedDomains() throws {
        try Example.expect(
            ("workers: 2", "workers: 2\n  rebinding: {allow: [lan, a..b], deny: [x]}"),
            give: [
                "53:28: error: allow: 'a..b' is not a domain name, or \".\" for all",
                "53:35: error: unknown key 'deny' in rebinding (known here: allow)",
            ]
        )
    }

    @Test func upstreamItself() throws {
        try Example.expect(
            ("{address: 192.0.2.53}", "{address: 127.0.0.1}"),
            give: ["54:25: error: 127.0.0.1:53 is the resolver itself (it would ask itself)"]
        )
    }

    @Test func upstreamAsText() throws {
        try Example.expect(
            ("{address: 192.0.2.53}", "192.0.2.53"),
            give: ["54:15: error: an upstream must be a mapping ({address: \"192.0.2.53\"})"]
        )
    }
}
