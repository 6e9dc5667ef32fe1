// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Lab
import NetworkTypes
import Testing

extension Scenarios {
    /// The addresses that outer packets leave from.
    @Suite(.serialized)
    struct Addresses {
        /// The other hosts of the lab leave duplicate address detection out; this underlay does not.
        @Test(.anyKernel) func anotherHostWithTheUnderlaysAddressIsToldOf() throws {
            try scenario("duplicate") { lab, daemon in
                let (own, link) = ("2001:db8:b::2/64", Tunnel.b.underlay)
                try lab.site.run("sysctl", "-qw", "net.ipv6.conf.\(link).accept_dad=1")
                try lab.cloud.run("ip", "address", "add", own, "dev", Tunnel.b.uplink)
                func renew() throws {
                    for change in ["delete", "add"] { try lab.site.run("ip", "address", change, own, "dev", link) }
                }
                try renew()
                let outer = try Capture(lab, links: [Tunnel.b.uplink], filter: "ip6 and udp port 51821")
                try daemon.start()
                try daemon.waitFor(path: .a)
                try waitUntil("the duplicate is told of") {
                    try daemon.status().warnings.contains { $0.contains("2001:db8:b::2 is another host's as well") }
                }
                let path = try daemon.status().paths.first { $0.name.text == Tunnel.b.path }
                #expect(path?.verdict == .down)
                #expect(
                    path?.reasons == ["underlay eth1 has no address that may be used (duplicate address detection)"]
                )
                pause(.seconds(1))
                #expect(outer.packets == [], "nothing left with the address of another interface")

                try lab.cloud.run("ip", "address", "delete", own, "dev", Tunnel.b.uplink)
                try renew()
                try daemon.waitFor(.b, .up, within: .seconds(20))
                #expect(try !daemon.status().warnings.contains { $0.contains("another host's") })
                #expect(!outer.packets.isEmpty)
                let sources = outer.packets.filter { !$0.contains("2001:db8:b::1.51821 > ") }
                #expect(sources.allSatisfy { $0.contains("IP6 2001:db8:b::2.") })
            }
        }
    }
}
