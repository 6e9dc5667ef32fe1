// SPDX-License-Identifier: Apache-2.0

import Testing

struct NetworkMistakeTests {
    @Test func smallMTU() throws {
        try Example.expect(
            ("    when-down: block", "    mtu: 576"),
            give: [
                "36:10: error: mtu must be 1280 to 9000, not 576 (IPv6 needs 1280 (RFC 8200 section 5))"
            ]
        )
    }

    @Test func largerMTUThanAPath() throws {
        try Example.expect(
            ("    when-down: block", "    mtu: 1421"),
            ("    when-down: public", "    mtu: 9000"),
            give: [
                "36:10: error: mtu 1421 is more than the 1420 of path 'vpn-a' (a network's mtu is for one that takes "
                    + "less than its paths)"
            ]
        )
    }

    @Test func hostBits() throws {
        try Example.expect(
            ("[10.20.0.0/16,", "[10.20.0.1/16,"),
            give: [
                "29:16: error: prefixes: '10.20.0.1/16' has host bits set (did you mean "
                    + "10.20.0.0/16?)"
            ]
        )
    }

    @Test func prefixWithoutLength() throws {
        try Example.expect(
            ("[10.20.0.0/16,", "[10.20.0.0,"),
            give: ["29:16: error: prefixes: '10.20.0.0' is not a prefix (add the length: 10.20.0.0/32)"]
        )
    }

    @Test func badPrefix() throws {
        try Example.expect(
            ("[10.20.0.0/16,", "[10.20/16,"),
            give: ["29:16: error: prefixes: '10.20/16' is not a prefix"]
        )
    }

    @Test func samePrefixInTwoNetworks() throws {
        try Example.expect(
            ("[10.30.0.0/16, 10.20.4.0/24]", "[10.30.0.0/16, 10.20.0.0/16]"),
            give: [
                "41:30: error: prefix 10.20.0.0/16 belongs to network 'azure' already (the "
                    + "first is on line 29)"
            ]
        )
    }

    @Test func samePrefixTwice() throws {
        try Example.expect(
            ("[10.30.0.0/16, 10.20.4.0/24]", "[10.30.0.0/16, 10.30.0.0/16]"),
            give: [
                "41:30: error: prefix 10.30.0.0/16 is listed twice in network 'aws' (the first "
                    + "is on line 41)"
            ]
        )
    }

    @Test func unknownPath() throws {
        try Example.expect(
            ("paths: [vpn-a, vpn-b]", "paths: [vpn-a, vpn-c]"),
            give: ["30:20: error: unknown path 'vpn-c' (did you mean 'vpn-a'?)"]
        )
    }

    @Test func unknownPathNearNothing() throws {
        try Example.expect(
            ("paths: [vpn-a, vpn-b]", "paths: [vpn-a, satellite]"),
            give: ["30:20: error: unknown path 'satellite' (declared: vpn-a, vpn-b)"]
        )
    }

    @Test func pathTwice() throws {
        try Example.expect(
            ("paths: [vpn-a, vpn-b]", "paths: [vpn-a, vpn-a]"),
            give: [
                "30:20: error: path 'vpn-a' is listed twice in network 'azure' (the first is "
                    + "on line 30)"
            ]
        )
    }

    @Test func unusedPath() throws {
        try Example.expect(
            ("paths: [vpn-a, vpn-b]", "paths: [vpn-b]"),
            give: ["4:3: warning: no network uses path 'vpn-a'"]
        )
    }

    @Test func noPaths() throws {
        try Example.expect(
            ("    paths: [vpn-b]\n", ""),
            give: ["40:3: error: network 'aws' has no 'paths'"]
        )
    }

    @Test func noTargets() throws {
        try Example.expect(
            ("    targets: {need: 1, list: [{icmp: 10.30.0.4}]}\n", ""),
            give: ["40:3: error: network 'aws' has no 'targets'"]
        )
    }

    @Test func emptyTarget() throws {
        try Example.expect(
            ("[{icmp: 10.30.0.4}]", "[{}]"),
            give: [
                "43:31: error: a target says nobody who is asked ({icmp: ADDRESS}, {tcp: ADDRESS:PORT}, {dns: "
                    + "ADDRESS, zone: NAME}, {tls: ADDRESS:PORT, name: NAME} or {https: ADDRESS:PORT, name: NAME, path: PATH})"
            ]
        )
    }

    @Test(arguments: [
        (
            "{tcp: 10.30.0.4}",
            "37: error: tcp: '10.30.0.4' is not an address and a port (add the port, as in 10.30.0.4:9731)"
        ),
        (
            "{tcp: \"10.31.0.4:443\"}",
            "37: error: target 10.31.0.4 lies in no prefix of network 'aws' (its packets would "
                + "not take the network's paths)"
        ),
        ("{dns: 10.30.0.53}", "37: error: a dns target has no zone (zone: NAME, one that the server answers for)"),
        ("{dns: 10.30.0.53, zone: a..b}", "55: error: zone: 'a..b' is not a domain name"),
        ("{icmp: 10.30.0.4, zone: plant.internal}", "55: error: zone: only a dns target is asked for one"),
        (
            "{icmp: 10.30.0.4, dns: 10.30.0.4}",
            "31: error: a target has one of icmp, tcp, dns, tls and https ({icmp: ADDRESS}, {tcp: ADDRESS:PORT}, {dns: "
                + "ADDRESS, zone: NAME}, {tls: ADDRESS:PORT, name: NAME} or {https: ADDRESS:PORT, name: NAME, path: PATH})"
        ),
    ])
    func aTargetIsAskedInOneWay(target: String, error: String) throws {
        try Example.expect(("{icmp: 10.30.0.4}", target), give: ["43:\(error)"])
    }

    @Test func targetOfTheDesign() throws {
        try Example.expect(
            ("[{icmp: 10.30.0.4}]", "[{http: \"a:80\"}]"),
            give: ["43:32: error: 'http' is part of the design but not of this version (remove it)"]
        )
    }

    @Test func targetOutside() throws {
        try Example.expect(
            ("{icmp: 10.20.0.4}", "{icmp: 10.21.0.4}"),
            give: [
                "33:21: error: target 10.21.0.4 lies in no prefix of network 'azure' (its "
                    + "packets would not take the network's paths)"
            ]
        )
    }

    @Test func targetInAnotherNetwork() throws {
        try Example.expect(
            ("{icmp: 10.20.0.4}", "{icmp: 10.20.4.4}"),
            give: [
                "33:21: error: target 10.20.4.4 lies in 10.20.4.0/24 of network 'aws' (its "
                    + "packets would take that network's paths)"
            ]
        )
    }

    @Test func badTarget() throws {
        try Example.expect(
            ("{icmp: 10.20.0.4}", "{icmp: gateway}"),
            give: ["33:21: error: icmp: 'gateway' is not an address"]
        )
    }

    @Test func needMoreThanThereAre() throws {
        try Example.expect(
            ("need: 1", "need: 2"),
            give: ["43:21: error: need must be 1 to 1, not 2 (the list has 1)"]
        )
    }

    @Test func needNonsense() throws {
        try Example.expect(
            ("need: any", "need: some"),
            give: ["32:13: error: need must be any, all or a number, not 'some'"]
        )
    }

    @Test func quickDetection() throws {
        try Example.expect(
            ("within: 800ms", "within: 100ms"),
            give: ["34:22: error: within must be 300ms to 60s, not 100ms"]
        )
    }

    @Test(arguments: ["1/decade", "1", "0/year", "-1/year", "1/year/day", "often", "1001/day"])
    func falseAlarms(text: String) throws {
        try Example.expect(
            ("within: 800ms", "within: 800ms, false-alarms: \(text)"),
            give: [
                "34:43: error: false-alarms: '\(text)' is no number of times in a period "
                    + "(1 to 1000 times a day, week, month or year, as in 1/year)"
            ]
        )
    }

    @Test func failbackMode() throws {
        try Example.expect(
            ("mode: manual", "mode: manully"),
            give: ["44:22: error: mode must be auto or manual, not 'manully' (did you mean 'manual'?)"]
        )
    }

    @Test func failbackDamping() throws {
        try Example.expect(
            ("mode: auto, after: 2m", "mode: auto, damping: of"),
            give: ["35:37: error: damping must be on or off, not 'of' (did you mean 'on'?)"]
        )
    }

    @Test func failbackManualAfter() throws {
        try Example.expect(
            ("mode: manual", "mode: manual, after: 60s"),
            give: ["44:37: error: 'after' has no meaning with mode manual (remove it, or mode: auto)"]
        )
    }

    @Test func failbackWindow() throws {
        try Example.expect(
            ("mode: auto, after: 2m", "mode: auto, window: \"Sat 2-4\""),
            give: [
                "35:36: error: window: 'Sat 2-4' is not a time such as \"Sat 02:00-04:00\" or \"02:00-04:00\""
            ]
        )
        try Example.expect(
            ("mode: manual", "mode: manual, window: \"02:00-04:00\""),
            give: ["44:38: error: 'window' has no meaning with mode manual (remove it, or mode: auto)"]
        )
    }

    @Test func whenDown() throws {
        try Example.expect(
            ("when-down: public", "when-down: open"),
            give: ["45:16: error: when-down must be block or public, not 'open'"]
        )
    }

    @Test(arguments: ["5", "0%", "51%", "nan%", "-5%", "five"])
    func degradedLoss(text: String) throws {
        try Example.expect(
            ("    when-down: public", "    degraded: {loss: \(text)}"),
            give: ["45:22: error: loss: '\(text)' is no share of packets (0.1% to 50%, as in 5%)"]
        )
    }

    @Test func degradedTimes() throws {
        try Example.expect(
            ("    when-down: public", "    degraded: {rtt: 0ms, jitter: 11s, los: 5%}"),
            give: [
                "45:21: error: rtt must be 1ms to 10s, not 0ms", "45:34: error: jitter must be 1ms to 10s, not 11s",
                "45:39: error: unknown key 'los' in degraded (did you mean 'loss'?)",
            ]
        )
    }

    @Test func forwardServerOutside() throws {
        try Example.expect(
            ("forward: [10.20.0.53]", "forward: [192.0.2.53]"),
            give: [
                "39:19: error: server 192.0.2.53 lies in no prefix of network 'azure' (its "
                    + "packets would not take the network's paths)"
            ]
        )
    }

    @Test func sameZone() throws {
        try Example.expect(
            ("name: plant.internal", "name: Privatelink.azure-devices.net."),
            give: [
                "47:15: error: zone 'privatelink.azure-devices.net' belongs to network 'azure' "
                    + "already (the first is on line 38)"
            ]
        )
    }

    @Test func zoneWithBoth() throws {
        try Example.expect(
            ("        forward: [10.20.0.53]", "        forward: [10.20.0.53]\n        records: []"),
            give: ["38:9: error: a zone of network 'azure' has either 'forward', 'records', 'file' or 'rewrite'"]
        )
    }

    @Test func typesThatAreNone() throws {
        try Example.expect(
            ("        forward: [10.20.0.53]", "        forward: [10.20.0.53]\n        types: [A, AXFR, FOO]"),
            give: [
                "40:20: error: types: 'AXFR' is no type of records (as in [A, AAAA, TXT])",
                "40:26: error: types: 'FOO' is no type of records (as in [A, AAAA, TXT])",
            ]
        )
    }

    /// As of the addresses of GCP's private.googleapis.com: they look public, and only a route makes them private.
    @Test func prefixesOfZonesThatNoNetworkHas() throws {
        let zone = "        forward: [10.20.0.53]"
        try Example.expect(
            (zone, zone + "\n        prefixes: [10.20.0.0/24, 199.36.153.8/30]"),
            give: [
                "40:34: error: prefixes: 199.36.153.8/30 of a zone of network 'azure' lies in no network's prefixes "
                    + "(add it to the network's: its names would lead past the paths)"
            ]
        )
    }

    @Test func prefixesOfZonesOfRecords() throws {
        try Example.expect(
            (
                "historian A 10.30.0.10\"]",
                "historian A 10.30.0.10\"]\n        prefixes: [10.30.0.0/16]\n        types: [A]\n        trust-ad: true"
            ),
            give: [
                "49:19: error: prefixes: only a zone with 'forward' has it",
                "50:16: error: types: only a zone with 'forward' has it",
                "51:19: error: trust-ad: only a zone with 'forward' has it",
            ]
        )
    }

    @Test func whatIsDoneWhereServersDoNotAnswer() throws {
        let zone = "        forward: [10.20.0.53]"
        try Example.expect(
            (zone, zone + "\n        last-known-good: on\n        public-after: [nxdomian]"),
            give: [
                "40:26: error: last-known-good must be off, or a mapping (as in {port: 443, for: 3d})",
                "41:24: error: public-after must be nxdomain or no-answer, not 'nxdomian' (did you mean 'nxdomain'?)",
            ]
        )
        try Example.expect(
            (zone, zone + "\n        last-known-good: {prot: 443, for: 40d}"),
            give: [
                "40:27: error: unknown key 'prot' in last-known-good (did you mean 'port'?)",
                "40:43: error: for must be 1s to 30d, not 40d",
            ]
        )
    }

    @Test func zoneWithoutName() throws {
        try Example.expect(
            ("name: plant.internal\n        records", "records"),
            give: ["47:9: error: a zone of network 'aws' has no 'name'"]
        )
    }

    @Test func badZoneName() throws {
        try Example.expect(
            ("name: plant.internal", "name: plant..internal"),
            give: ["47:15: error: name: 'plant..internal' is not a domain name"]
        )
    }

    @Test func rootZone() throws {
        try Example.expect(
            ("name: plant.internal", "name: \".\""),
            give: ["47:15: error: name: the root cannot be a network's zone"]
        )
    }

    @Test func duplicateNetwork() throws {
        try Example.expect(
            ("  aws:\n", "  azure:\n"),
            give: ["40:3: error: key 'azure' appears twice (the first is on line 28)"]
        )
    }
}
