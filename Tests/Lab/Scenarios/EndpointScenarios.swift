// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Lab
import NetworkTypes
import SystemIO
import Testing

extension Scenarios {
    /// Gateways that are given by name: found by each underlay's own resolver (unbound), called where they answer.
    @Suite(.serialized)
    struct Endpoints {
        private static let hosts: [Tunnel: String] = [.a: "gw-a.example.net", .b: "gw-b.example.net"]

        private func options(_ paths: [Tunnel] = Tunnel.allCases) -> SiteFile {
            var options = SiteFile()
            options.hosts = Self.hosts
            options.paths = paths
            return options
        }

        private func endpoint(_ lab: Lab, _ tunnel: Tunnel = .a) throws -> String {
            try lab.site.attempt(["wg", "show", tunnel.interface, "endpoints"]).output.filter { !$0.isNewline }
        }

        /// What is heard stays where it is, whatever its name says; what falls silent is called where the name leads now.
        @Test(.anyKernel) func aGatewayThatMovesIsFollowed() throws {
            try scenario("names", options()) { lab, daemon in
                var first = try lab.startResolver(.a, knowing: ["gw-a.example.net. 1 IN A 192.0.2.1"])
                _ = try lab.startResolver(.b, knowing: ["gw-b.example.net. 1 IN AAAA 2001:db8:b::1"])
                try daemon.start()
                try daemon.waitFor(path: .a)
                try waitUntil("the spare path is up") {
                    try daemon.status().paths.allSatisfy { $0.verdict == .up }
                }
                #expect(try endpoint(lab).hasSuffix("192.0.2.1:51820"))
                #expect(try endpoint(lab, .b).hasSuffix("[2001:db8:b::1]:51821"))

                let traffic = try Traffic(lab, every: .milliseconds(5))
                try first.stop()
                first = try lab.startResolver(.a, knowing: ["gw-a.example.net. 1 IN A 192.0.2.7"])
                pause(.seconds(7))
                #expect(try endpoint(lab).hasSuffix("192.0.2.1:51820"), "it answers there")
                let result = try traffic.stop()
                #expect(result.lost == 0)

                try lab.cloud.run("sysctl", "-qw", "net.ipv4.conf.up-a.promote_secondaries=1")
                try lab.cloud.run("ip", "address", "add", "192.0.2.7/24", "dev", "up-a")
                try lab.cloud.run("ip", "address", "delete", "192.0.2.1/24", "dev", "up-a")
                let moved = SystemClock().now
                try daemon.waitFor(path: .b)
                try waitUntil("the path is called where its name leads", within: .seconds(20)) {
                    try endpoint(lab).hasSuffix("192.0.2.7:51820")
                }
                print("a gateway that moved was called there after \((SystemClock().now - moved).shortText)")
                try daemon.waitFor(path: .a, within: .seconds(30))
                let page = try lab.site.run("curl", "-s", "http://127.0.0.1:9731/metrics")
                #expect(page.contains("pnetd_endpoint_changes_total{path=\"vpn-a\"} 2\n"), "found, and followed")
                #expect(page.contains("pnetd_endpoint_lookups_total{result=\"failed\"} 0\n"))
            }
        }

        /// IPv6 is called first, and after two calls in vain IPv4.
        @Test(.anyKernel) func theOtherFamilyIsTried() throws {
            try scenario("family", options([.b])) { lab, daemon in
                _ = try lab.startResolver(
                    .b,
                    knowing: [
                        "gw-b.example.net. 60 IN AAAA 2001:db8:b::99", "gw-b.example.net. 60 IN A 198.51.100.1",
                    ]
                )
                try daemon.start()
                try waitUntil("IPv6 is called") { try endpoint(lab, .b).hasSuffix("[2001:db8:b::99]:51821") }
                try daemon.waitFor(path: .b, within: .seconds(40))
                #expect(try endpoint(lab, .b).hasSuffix("198.51.100.1:51821"))
            }
        }

        /// A hub whose peers' names nobody knows asks at a pace, and has time for everything else.
        @Test(.anyKernel) func manyUnknownNamesHoldNothingUp() throws {
            try scenario("many-names", options([.b])) { lab, daemon in
                _ = try lab.startResolver(.b, knowing: ["gw-b.example.net. 60 IN AAAA 2001:db8:b::1"])
                let peers = (1...500).map { number in
                    let key = WireGuardPublicKey(
                        bytes: (0..<32).map { UInt8(truncatingIfNeeded: $0 * number + number >> 8) }
                    )
                    return """
                              - public-key: \(key?.description ?? "")
                                endpoint: "spoke-\(number).example.net:51820"
                                allowed-ips: [10.77.\(number >> 8).\(number & 255)/32]

                        """
                }
                let hub = """
                      hub:
                        kind: wireguard
                        interface: pn-hub
                        addresses: [10.97.0.1/24]
                        private-key-file: keys/vpn-a.key
                        underlay: {interface: eth1, resolvers: ["2001:db8:b::53"]}
                        peers:
                    \(peers.joined())
                    networks:
                    """
                let file = String(decoding: try Files.read(daemon.file), as: UTF8.self)
                try lab.site.write("pnetd.yaml", file.replacing("networks:\n  azure:", with: hub + "\n  azure:"))
                try daemon.start()
                try daemon.waitFor(path: .b, within: .seconds(20))
                let traffic = try Traffic(lab, every: .milliseconds(5))
                pause(.seconds(8))
                let result = try traffic.stop()
                #expect(result.lost == 0)
                #expect(try daemon.network().switches == 0)
                let warnings = try daemon.status().warnings
                #expect(warnings.count { $0.contains("there is no such name") } > 50)
                #expect(!warnings.contains { $0.contains("cut off") })
            }
        }

        /// While nobody knows the name, the path says so; once it was known, the next agent needs nobody to know it.
        @Test(.anyKernel) func aNameThatNobodyKnowsIsSaid() throws {
            try scenario("unknown", options()) { lab, daemon in
                _ = try lab.startResolver(.b, knowing: ["gw-b.example.net. 60 IN AAAA 2001:db8:b::1"])
                try daemon.start()
                try daemon.waitFor(path: .b)
                try waitUntil("it is said") {
                    try daemon.status().warnings.contains {
                        $0.hasPrefix("endpoint gw-a.example.net: no answer from 192.0.2.53:53 through eth0")
                    }
                }
                let path = try #require(try daemon.status().paths.first)
                #expect(path.verdict == .down)
                #expect(path.reasons == ["the address of gw-a.example.net is not known yet"])
                #expect(try daemon.pnetctl("status").output.contains("gw-a.example.net"))

                let empty = try lab.startResolver(.a, knowing: [])
                try waitUntil("there is no such name", within: .seconds(30)) {
                    try daemon.status().warnings.contains(
                        "endpoint gw-a.example.net: there is no such name, says 192.0.2.53:53"
                    )
                }
                try empty.stop()
                let known = try lab.startResolver(.a, knowing: ["gw-a.example.net. 60 IN A 192.0.2.1"])
                try daemon.waitFor(path: .a, within: .seconds(60))
                #expect(try daemon.status().warnings.allSatisfy { !$0.contains("gw-a.example.net") })

                try known.stop()
                let traffic = try Traffic(lab, every: .milliseconds(5))
                try daemon.killAgent()
                try daemon.start()
                try daemon.waitFor(path: .a)
                pause(.seconds(1))
                #expect(try traffic.stop().lost == 0)
            }
        }
    }
}
