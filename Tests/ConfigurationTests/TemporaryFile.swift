// SPDX-License-Identifier: Apache-2.0

import Configuration
import FoundationEssentials
import NetworkTypes
import SystemIO
import Testing

/// A directory of its own for each test, with a file to be read and keys beside it.
///
/// Keys: `keys/a.key` and `keys/a.psk` are good, `keys/open.key` may be read by all, `keys/bad.key` holds no key. Of BFD's,
/// `keys/a.bfd` and `keys/b.bfd` are good.
struct TemporaryFile {
    let directory: String
    var path: String { directory + "/pnetd.yaml" }

    static let goodKey = "QPOqDwSCpRkBLcc0ZAxsfdnXNOn3EUjP1sUHHSmJ0Vw=\n"
    static let badKey = "QPOqDwSCpRkBLcc0ZAxsfdnXNOn3EUjP1sUHHSmJ0V"

    init(_ octets: [UInt8]) throws {
        directory = "/tmp/pnetd-configuration-test-\(UInt64.random(in: 0...UInt64.max))"
        try Files.makeDirectory(directory + "/keys", mode: 0o700)
        try Files.replace(directory + "/keys/a.key", with: Array(Self.goodKey.utf8))
        try Files.replace(directory + "/keys/a.psk", with: Array(Self.goodKey.utf8))
        try Files.replace(directory + "/keys/open.key", with: Array(Self.goodKey.utf8), mode: 0o644)
        try Files.replace(directory + "/keys/bad.key", with: Array(Self.badKey.utf8))
        for (name, secret) in [
            ("a", "swordfish\n"), ("b", "twenty octets inside"), ("long", "twenty-one octets in.\n"), ("empty", "\n"),
        ] {
            try Files.replace(directory + "/keys/\(name).bfd", with: Array(secret.utf8))
        }
        try Files.replace(directory + "/keys/open.bfd", with: Array("swordfish".utf8), mode: 0o644)
        try Files.replace(path, with: octets)
    }

    func remove() throws {
        try FileManager.default.removeItem(atPath: directory)
    }

    /// What is said of the file, without its name, which differs from run to run.
    func diagnostics() -> [String] {
        let found: [Diagnostic]
        do {
            found = try Configuration.load(path: path).warnings
        } catch {
            found = error.diagnostics
        }
        return found.map { diagnostic in
            diagnostic.description.replacing(path + ":", with: "").replacing(directory, with: "DIR")
        }
    }
}

/// A file without a mistake, and the same with some.
enum Example {
    static let text = """
        version: 1
        site: plant-7
        paths:
          vpn-a:
            kind: wireguard
            interface: pn-a
            addresses: [10.99.0.2/30, "fd00:99::2/126"]
            private-key-file: keys/a.key
            listen-port: 51820
            mtu: 1420
            underlay: {interface: eth0, gateway: auto}
            peers:
              - public-key: hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=
                preshared-key-file: keys/a.psk
                endpoint: 192.0.2.10:51820
                persistent-keepalive: 15s
                allowed-ips: auto
          vpn-b:
            kind: wireguard
            interface: pn-b
            addresses: [10.98.0.2/30, "fd00:98::2/126"]
            private-key-file: keys/a.key
            underlay: {interface: eth1, gateway: 198.51.100.1}
            peers:
              - public-key: xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
                endpoint: "[2001:db8::1]:51820"
        networks:
          azure:
            prefixes: [10.20.0.0/16, "fd00:20::/48"]
            paths: [vpn-a, vpn-b]
            targets:
              need: any
              list: [{icmp: 10.20.0.4}, {icmp: "fd00:20::4"}]
            detect: {within: 800ms}
            failback: {mode: auto, after: 2m}
            when-down: block
            zones:
              - name: privatelink.azure-devices.net
                forward: [10.20.0.53]
          aws:
            prefixes: [10.30.0.0/16, 10.20.4.0/24]
            paths: [vpn-b]
            targets: {need: 1, list: [{icmp: 10.30.0.4}]}
            failback: {mode: manual}
            when-down: public
            zones:
              - name: plant.internal
                records: ["historian A 10.30.0.10"]
        resolver:
          listen: ["127.0.0.1:53", 10.1.0.1]
          allow: [127.0.0.0/8, 10.1.0.0/16]
          workers: 2
          when-blocked: nxdomain
          upstreams: [{address: 192.0.2.53}, {address: "[2001:db8::53]:5353"}]
        metrics: {listen: ["127.0.0.1:9731"]}
        control: {socket: /run/pnetd/control.sock, group: pnetd}
        state: {directory: /var/lib/pnetd, runtime-directory: /run/pnetd}
        alerts:
          - webhook: https://alerts.example.net/hook
          - command: [/usr/local/bin/page, --urgent]
        reserve: {protocol: 113, table: 8000, rule-priority: 900, mark-mask: 0x7f0000, nexthop-ids: 9000}
        management: {ports: [22, 2222]}

        """

    /// The example with some of its text replaced, each of which must be there exactly once.
    static func replacing(_ changes: [(String, String)]) throws -> [UInt8] {
        var text = text
        for (old, new) in changes {
            try #require(text.ranges(of: old).count == 1, "'\(old)' must be there once")
            text.replace(old, with: new)
        }
        return Array(text.utf8)
    }

    /// Expects exactly these diagnostics of the example with some of its text replaced.
    static func expect(
        _ changes: (String, String)...,
        give expected: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let file = try TemporaryFile(replacing(changes))
        let diagnostics = file.diagnostics()
        #expect(diagnostics == expected, sourceLocation: sourceLocation)
        try file.remove()
    }
}
