// SPDX-License-Identifier: Apache-2.0

import Testing

struct SectionMistakeTests {
    @Test func unknownKey() throws {
        try Example.expect(
            ("    interface: pn-a", "    interfaces: pn-a"),
            give: ["6:5: error: unknown key 'interfaces' in path 'vpn-a' (did you mean 'interface'?)"]
        )
    }

    @Test func unknownTopLevelKey() throws {
        try Example.expect(
            ("metrics: {", "metric: {"),
            give: ["55:1: error: unknown key 'metric' in the file (did you mean 'metrics'?)"]
        )
    }

    @Test func unknownKeyNearNothing() throws {
        try Example.expect(
            ("workers: 2", "colour: red"),
            give: [
                "52:3: error: unknown key 'colour' in resolver (known here: listen, allow, "
                    + "workers, when-blocked, path-bound-ttl, limits, upstreams, special-use-upstream, rebinding, host, "
                    + "tls, dnssec)"
            ]
        )
    }

    @Test func missingVersion() throws {
        try Example.expect(
            ("version: 1\n", ""),
            give: ["1:1: error: the file has no 'version' (version: 1)"]
        )
    }

    @Test func missingSite() throws {
        try Example.expect(
            ("site: plant-7\n", ""),
            give: ["1:1: error: the file has no 'site'"]
        )
    }

    @Test func otherVersion() throws {
        try Example.expect(
            ("version: 1", "version: 2"),
            give: ["1:10: error: version 2 is not known (this pnetd reads version 1)"]
        )
    }

    @Test func quotedNumber() throws {
        try Example.expect(
            ("version: 1", "version: \"1\""),
            give: ["1:10: error: version must be a whole number, not text (without quotes)"]
        )
    }

    @Test func badSiteName() throws {
        try Example.expect(
            ("site: plant-7", "site: plant 7"),
            give: [
                "2:7: error: site: 'plant 7' is not a name (1 to 32 letters, digits, '-', '_' "
                    + "or '.', the first a letter or a digit)"
            ]
        )
    }

    @Test func sequenceForMapping() throws {
        try Example.expect(
            ("metrics: {listen: [\"127.0.0.1:9731\"]}", "metrics: [\"127.0.0.1:9731\"]"),
            give: ["55:10: error: metrics must be a mapping, not a list"]
        )
    }

    @Test func moreMetricsListenersThanOneMessageCarries() throws {
        let many = (1...129).map { "\"127.0.0.1:\(9_000 + $0)\"" }.joined(separator: ", ")
        try Example.expect(
            ("metrics: {listen: [\"127.0.0.1:9731\"]}", "metrics: {listen: [\(many)]}"),
            give: ["55:19: error: metrics listen has 129 addresses (at most 128)"]
        )
    }

    @Test func mappingForSequence() throws {
        try Example.expect(
            (
                "    zones:\n      - name: plant.internal\n        records: [\"historian A "
                    + "10.30.0.10\"]",
                "    zones: {name: plant.internal}"
            ),
            give: ["46:12: error: zones must be a list, not a mapping"]
        )
    }

    @Test func nothingForSequence() throws {
        try Example.expect(
            ("prefixes: [10.30.0.0/16, 10.20.4.0/24]", "prefixes:"),
            give: ["41:14: error: prefixes must be a list, not nothing"]
        )
    }

    @Test func sectionOfTheDesign() throws {
        try Example.expect(
            ("site: plant-7", "site: plant-7\ngateway: {}\nsegments: {ssh: 22}"),
            give: [
                "3:1: error: 'gateway' is part of the design but not of this version (remove it)",
                "4:1: error: 'segments' is part of the design but not of this version (remove it)",
            ]
        )
    }

    @Test func managementPorts() throws {
        try Example.expect(
            ("ports: [22, 2222]", "ports: [22, 70000, ssh]"),
            give: [
                "62:26: error: a management port must be 1 to 65535, not 70000",
                "62:33: error: a management port must be a whole number, not 'ssh'",
            ]
        )
        try Example.expect(
            ("ports: [22, 2222]", "port: 22"),
            give: ["62:14: error: unknown key 'port' in management (did you mean 'ports'?)"]
        )
    }

    @Test func relativeSocket() throws {
        try Example.expect(
            ("socket: /run/pnetd/control.sock", "socket: control.sock"),
            give: ["56:19: error: control socket must be an absolute path, not 'control.sock'"]
        )
    }

    @Test func alertURL() throws {
        try Example.expect(
            ("https://alerts.example.net/hook", "ftp://alerts.example.net/hook"),
            give: [
                "59:14: error: webhook is not a URL that can be called "
                    + "(https://HOST/… or http://HOST/…)"
            ]
        )
    }

    @Test func alertURLWithoutHost() throws {
        try Example.expect(
            ("https://alerts.example.net/hook", "https:///hook"),
            give: [
                "59:14: error: webhook is not a URL that can be called (https://HOST/… or "
                    + "http://HOST/…)"
            ]
        )
    }

    @Test func alertWithoutReceiver() throws {
        try Example.expect(
            ("webhook: https://alerts.example.net/hook", "mail: root"),
            give: [
                "59:5: error: unknown key 'mail' in an alert receiver (known here: webhook, "
                    + "command)"
            ]
        )
    }

    @Test func alertWithBoth() throws {
        try Example.expect(
            ("webhook: https://alerts.example.net/hook", "webhook: https://a/\n    command: [/bin/true]"),
            give: ["59:5: error: an alert receiver has either 'webhook' or 'command'"]
        )
    }

    @Test func alertCommandByName() throws {
        try Example.expect(
            ("/usr/local/bin/page", "page"),
            give: ["60:15: error: command: 'page' is not an absolute path (no shell looks it up)"]
        )
    }

    @Test func reserveTable() throws {
        try Example.expect(
            ("table: 8000", "table: 254"),
            give: [
                "61:33: error: table must be 256 to 4294967168, not 254 (128 tables from here "
                    + "are used)"
            ]
        )
    }

    @Test func reserveMask() throws {
        try Example.expect(
            ("0x7f0000", "0x3f0000"),
            give: ["61:70: error: mark-mask must be 7 adjacent bits (as in 0x7f000000)"]
        )
    }

    @Test func reserveTakenProtocol() throws {
        try Example.expect(
            ("protocol: 113", "protocol: 16"),
            give: ["61:21: error: protocol 16 is that of dhcp (112 is free by default)"]
        )
    }

    @Test func reserveKernelProtocol() throws {
        try Example.expect(
            ("protocol: 113", "protocol: 2"),
            give: ["61:21: error: protocol must be 5 to 255, not 2 (0 to 4 are the kernel's)"]
        )
    }

    @Test func reservePriority() throws {
        try Example.expect(
            ("rule-priority: 900", "rule-priority: 32700"),
            give: [
                "61:54: error: rule-priority must be 1 to 32565, not 32700 (200 priorities "
                    + "from here are used)"
            ]
        )
    }
}
