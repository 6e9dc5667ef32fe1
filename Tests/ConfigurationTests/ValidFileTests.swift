// SPDX-License-Identifier: Apache-2.0

import Configuration
import NetworkTypes
import SystemIO
import Testing

struct ValidFileTests {
    @Test func readsEveryValue() throws {
        let file = try TemporaryFile(Array(Example.text.utf8))
        let loaded = try Configuration.load(path: file.path)
        try file.remove()
        #expect(loaded.warnings == [])
        let site = loaded.configuration
        #expect(site.site.text == "plant-7")
        #expect(site.paths.map(\.name.text) == ["vpn-a", "vpn-b"])

        let path = try #require(site.paths.first)
        #expect(path.interface.text == "pn-a")
        #expect(path.addresses.map(\.description) == ["10.99.0.2/30", "fd00:99::2/126"])
        #expect(path.wireGuard?.privateKey == WireGuardSecretKey(base64: Array(TemporaryFile.goodKey.utf8)))
        #expect(path.wireGuard?.listenPort == 51820)
        #expect(path.mtu == 1420)
        #expect(path.underlay?.interface.text == "eth0")
        #expect(path.underlay?.gateways == .auto)
        let peer = try #require(path.peers.first)
        #expect(peer.publicKey.description == "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=")
        #expect(peer.presharedKey != nil)
        #expect(peer.endpoint?.description == "192.0.2.10:51820")
        #expect(peer.persistentKeepalive == .seconds(15))
        #expect(peer.allowedIPs == .auto)
        #expect(try site.paths[1].underlay?.gateways == .addresses([#require(IPAddress("198.51.100.1"))]))

        let azure = try #require(site.networks.first)
        #expect(azure.prefixes.map(\.description) == ["10.20.0.0/16", "fd00:20::/48"])
        #expect(azure.paths.map(\.text) == ["vpn-a", "vpn-b"])
        #expect(azure.targets.need == .any)
        #expect(azure.targets.list.count == 2)
        #expect(azure.detection.within == .milliseconds(800))
        #expect(azure.failback == .auto(after: .seconds(120)))
        #expect(azure.whenDown == .block)
        #expect(try azure.zones.first?.source == .forward([#require(SocketEndpoint("10.20.0.53:53"))]))
        let aws = site.networks[1]
        #expect(aws.targets.need == .count(1))
        #expect(aws.failback == .manual)
        #expect(aws.whenDown == .public)
        #expect(aws.zones.first?.source == .records(["historian A 10.30.0.10"]))

        let resolver = try #require(site.resolver)
        #expect(resolver.listen.map(\.description) == ["127.0.0.1:53", "10.1.0.1:53"])
        #expect(resolver.workers == 2)
        #expect(resolver.whenBlocked == .nxdomain)
        #expect(resolver.upstreams.map(\.upstream.endpoint.description) == ["192.0.2.53:53", "[2001:db8::53]:5353"])
        #expect(site.metricsListen.map(\.description) == ["127.0.0.1:9731"])
        #expect(site.control.group == "pnetd")
        #expect(
            site.alerts == [
                .webhook("https://alerts.example.net/hook"), .command(["/usr/local/bin/page", "--urgent"]),
            ]
        )
        #expect(site.management.ports == [22, 2222])
        #expect(site.reserve.protocol == 113)
        #expect(site.reserve.pathTables == 8001...8063)
        #expect(site.reserve.underlayTables == 8065...8127)
        #expect(site.reserve.rulePriorities == 900...1099)
        #expect(site.reserve.markMask == 0x7f_0000)
        #expect(site.reserve.nexthops == 9000...10_199)
    }

    @Test func readsANetworksMTU() throws {
        let file = try TemporaryFile(Example.replacing([("    when-down: block", "    mtu: 1400")]))
        let site = try Configuration.load(path: file.path).configuration
        try file.remove()
        #expect(site.networks.map(\.mtu) == [1400, nil])
    }

    @Test func fillsInDefaults() throws {
        let text = """
            version: 1
            site: small
            paths:
              only:
                kind: wireguard
                interface: pn0
                addresses: [10.99.0.2/30]
                private-key-file: keys/a.key
                underlay: {interface: eth0}
                peers: [{public-key: hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=}]
            networks:
              cloud:
                prefixes: [10.20.0.0/16]
                paths: [only]
                targets: {list: [{icmp: 10.20.0.4}]}
            resolver: {listen: [127.0.0.1]}
            """
        let file = try TemporaryFile(Array(text.utf8))
        let site = try Configuration.load(path: file.path).configuration
        try file.remove()
        #expect(site.paths.first?.mtu == nil)
        #expect(site.paths.first?.wireGuard?.listenPort == nil)
        #expect(site.paths.first?.underlay?.gateways == .auto)
        #expect(site.paths.first?.underlay?.resolvers == .auto)
        #expect(site.paths.first?.peers.first?.allowedIPs == .auto)
        #expect(site.paths.first?.peers.first?.endpoint == nil)
        let network = try #require(site.networks.first)
        #expect(network.targets.need == .any)
        #expect(network.detection.within == .seconds(1) && network.detection.falseAlarmsPerYear == 1)
        #expect(network.failback == .auto(after: .seconds(60)))
        #expect(network.whenDown == .block)
        #expect(network.zones == [])
        let resolver = try #require(site.resolver)
        #expect(resolver.allow.map(\.description) == ["127.0.0.0/8", "::1/128"])
        #expect((1...4).contains(resolver.workers))
        #expect(resolver.limits.queriesPerSecond == 2000 && resolver.limits.inFlight == 256)
        #expect(resolver.limits.responsesPerSecond == 500)
        #expect(resolver.limits.exempt == resolver.allow)
        #expect(resolver.whenBlocked == .servfail)
        #expect(resolver.upstreams == [])
        #expect(site.metricsListen == [])
        #expect(site.control.socket == "/run/pnetd/control.sock")
        #expect(site.control.group == nil)
        #expect(site.state.directory == "/var/lib/pnetd")
        #expect(site.alerts == [])
        #expect(site.reserve == .standard)
    }

    @Test func whatOneClientMayCost() throws {
        let section = "limits: {queries-per-second: 50, in-flight: 10, responses-per-second: 5, exempt: [10.1.0.0/16]}"
        let text = Example.text.replacing("workers: 2", with: "workers: 2\n  \(section)")
        let file = try TemporaryFile(Array(text.utf8))
        let site = try Configuration.load(path: file.path).configuration
        try file.remove()
        let limits = try #require(site.resolver?.limits)
        #expect(limits.queriesPerSecond == 50)
        #expect(limits.inFlight == 10)
        #expect(limits.responsesPerSecond == 5)
        #expect(limits.exempt.map(\.description) == ["10.1.0.0/16"])
    }

    @Test func whereNamesMayLead() throws {
        let text = Example.text
            .replacing(
                "        forward: [10.20.0.53]",
                with:
                    "        forward: [10.20.0.53]\n        prefixes: [10.20.8.0/24]\n        types: [A, TYPE65, txt]"
            )
            .replacing("workers: 2", with: "workers: 2\n  rebinding: {allow: [lan, \".\"]}")
        let file = try TemporaryFile(Array(text.utf8))
        let site = try Configuration.load(path: file.path).configuration
        try file.remove()
        let zone = try #require(site.networks.first?.zones.first)
        #expect(zone.terms.prefixes?.map(\.description) == ["10.20.8.0/24"])
        #expect(zone.terms.types == [1, 16, 65])
        #expect(site.resolver?.trusted.map(\.withoutRootDot) == ["lan", "."])
        #expect(site.networks[1].zones.first?.terms.prefixes == nil)
    }

    @Test func whatIsDoneWhereServersDoNotAnswer() throws {
        let text = Example.text
            .replacing(
                "        forward: [10.20.0.53]",
                with:
                    "        forward: [10.20.0.53]\n        last-known-good: {port: 1433, for: 1d}\n        public-after: [nxdomain]"
            )
        let file = try TemporaryFile(Array(text.utf8))
        let site = try Configuration.load(path: file.path).configuration
        try file.remove()
        let terms = try #require(site.networks.first?.zones.first).terms
        #expect(terms.lastKnownGood?.port == 1433)
        #expect(terms.lastKnownGood?.age == .seconds(86_400))
        #expect(terms.publicAfter == [.noSuchName])
        let unsaid = try #require(site.networks[1].zones.first).terms
        #expect(unsaid.lastKnownGood?.port == 443)
        #expect(unsaid.lastKnownGood?.age == .seconds(3 * 86_400))
        #expect(unsaid.publicAfter.isEmpty)
    }

    @Test func whoseWordThatDataIsAuthenticIsTaken() throws {
        let text = Example.text
            .replacing("        forward: [10.20.0.53]", with: "        forward: [10.20.0.53]\n        trust-ad: true")
            .replacing("{address: 192.0.2.53}", with: "{address: 192.0.2.53, trust-ad: true}")
        let file = try TemporaryFile(Array(text.utf8))
        let site = try Configuration.load(path: file.path).configuration
        try file.remove()
        #expect(site.networks.first?.zones.first?.terms.trustsAD == true)
        #expect(site.networks[1].zones.first?.terms.trustsAD == false)
        #expect(site.resolver?.upstreams.filter(\.trustsAD).map(\.upstream.endpoint.description) == ["192.0.2.53:53"])
    }

    @Test func howAnswersAreValidated() throws {
        let text = Example.text.replacing(
            "  when-blocked: nxdomain",
            with: "  when-blocked: nxdomain\n  dnssec: {validate: on, trust-anchor-file: root.ds, "
                + "negative-trust-anchors: [{name: example.net, until: 2100-02-28}]}"
        )
        let file = try TemporaryFile(Array(text.utf8))
        let anchor = ". DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16"
        try Files.replace(file.directory + "/root.ds", with: Array(anchor.utf8))
        let validation = try Configuration.load(path: file.path).configuration.resolver?.validation
        try file.remove()
        #expect(validation?.anchors == anchor)
        #expect(validation?.negative.map(\.name.withoutRootDot) == ["example.net"])
        // 47540 days from 1970 to the day after: 2100 is no leap year.
        #expect(validation?.negative.map(\.end) == [4_107_542_400])
    }

    @Test func theDocumentedFileIsValid() throws {
        let root = #filePath.prefix(upTo: try #require(#filePath.firstRange(of: "/Tests/")).lowerBound)
        let octets = try Files.read(root + "/etc/pnetd.yaml")
        let file = try TemporaryFile(octets)
        try Files.replace(file.directory + "/keys/vpn-a.key", with: Array(TemporaryFile.goodKey.utf8))
        try Files.replace(file.directory + "/keys/vpn-a.psk", with: Array(TemporaryFile.goodKey.utf8))
        try Files.replace(file.directory + "/keys/vpn-b.key", with: Array(TemporaryFile.goodKey.utf8))
        try Files.replace(file.directory + "/keys/ipsec-c.psk", with: Array(TemporaryFile.goodKey.utf8))
        #expect(file.diagnostics() == [])
        try file.remove()
    }
}
