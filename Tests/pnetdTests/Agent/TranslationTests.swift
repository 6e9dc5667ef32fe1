// SPDX-License-Identifier: Apache-2.0

import CLinux
import Configuration
import NetworkTypes
import SystemIO
import Testing
import Tunnel

@testable import pnetd

/// The file's words in those of the kernel's side.
struct TranslationTests {
    private static let first = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="
    private static let second = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="

    /// Two paths to gateways that share a key, as a pair does that stands in for each other; the first one's is rotated.
    private func site(bfd: String = "", length: Int = 32, other: String = "") throws -> SiteConfiguration {
        let folder = "/tmp/pnetd-test-\(UInt32.random(in: 0 ... .max))"
        try Files.makeDirectory(folder)
        let key = WireGuardSecretKey(bytes: Array(1...32))
        try Files.replace("\(folder)/key", with: try #require(key).keyFile)
        defer {
            try? Files.remove("\(folder)/key")
            unsafe rmdir(folder)
        }
        let paths = ["a", "b"].map { name in
            """
              vpn-\(name):
                kind: wireguard
                interface: pn-\(name)
                addresses: [10.99.\(name == "a" ? 0 : 1).2/\(length)]
                private-key-file: key
                underlay: {interface: eth0}
                \(name == "a" ? bfd : "")
                peers:
                  - public-key: \(Self.first)
                    \(name == "a" ? "next-public-key: \(Self.second)" : "")
                    endpoint: 192.0.2.1:51820
                    persistent-keepalive: 15s
                  \(name == "a" ? "" : other)
            """
        }
        let text = """
            version: 1
            site: plant
            paths:
            \(paths.joined(separator: "\n"))
            networks:
              cloud: {prefixes: [10.20.0.0/16], paths: [vpn-a, vpn-b], targets: {list: [{icmp: 10.20.0.4}]}}
            """
        return try Configuration.read(Array(text.utf8), file: "\(folder)/pnetd.yaml").configuration
    }

    @Test func lendsSources() throws {
        let paths = Desired(
            try site(bfd: "source: [10.1.0.1, \"fd00:1::1\"]"),
            slots: SavedState(),
            outcomes: [:],
            endpoints: EndpointBook()
        ).paths
        #expect(paths.map { $0.sources.map(\.description) } == [["10.1.0.1", "fd00:1::1"], []])
    }

    private func peers(_ site: SiteConfiguration, heirs: Set<EndpointBook.Peer>) -> [[String]] {
        Desired(site, slots: SavedState(), outcomes: [:], endpoints: EndpointBook(), heirs: heirs).paths.map { path in
            (path.wireGuard?.peers ?? []).map {
                "\($0.publicKey) \($0.allowedIPs.sorted().map(\.description)) \($0.keepalive)"
            }
        }
    }

    /// WireGuard would drop the session's packets otherwise.
    @Test func theFarEndOfASessionIsCarried() throws {
        let site = try site(bfd: "bfd: {peer: 10.99.0.1}")
        let first = peers(site, heirs: []).map(\.first)
        let other = "\(Self.first) [\"10.20.0.0/16\"] 15"
        #expect(first[1] == other)
        #expect(first[0]?.contains("\"10.20.0.0/16\"") == true && first[0]?.contains("\"10.99.0.1/32\"") == true)
    }

    /// Another pnetd at the far end asks from its address on the path.
    @Test func whatIsOnLinkIsCarriedUnlessAPeerHasItByName() throws {
        let carried = peers(try site(length: 30), heirs: []).map(\.first)
        #expect(carried[1] == "\(Self.first) [\"10.20.0.0/16\", \"10.99.1.0/30\"] 15")
        let other = "- {public-key: \(Self.second), allowed-ips: [10.99.1.0/30]}"
        let shared = peers(try site(length: 30, other: other), heirs: [])[1]
        #expect(shared == ["\(Self.first) [\"10.20.0.0/16\"] 15", "\(Self.second) [\"10.99.1.0/30\"] 0"])
    }

    @Test func aNextKeyCarriesNothingUntilItIsUsed() throws {
        let site = try site()
        let (first, second) = (Self.first, Self.second)
        let plain = [["\(first) [\"10.20.0.0/16\"] 15", "\(second) [] 0"], ["\(first) [\"10.20.0.0/16\"] 15"]]
        #expect(peers(site, heirs: []) == plain)
        let path = try #require(PathName("vpn-a"))
        let heir = EndpointBook.Peer(path: path, key: WireGuardPublicKey(first))
        let moved = [["\(first) [] 0", "\(second) [\"10.20.0.0/16\"] 15"], ["\(first) [\"10.20.0.0/16\"] 15"]]
        #expect(peers(site, heirs: [heir]) == moved, "a key that both gateways have is each one's own to change")
    }
}
