// SPDX-License-Identifier: Apache-2.0

import Lab
import NetworkTypes
import Testing

extension Scenarios {
    /// The site as the router of machines behind it.
    @Suite(.serialized)
    struct Gateway {
        @Test func machinesBehindTheSiteFollowTheDecision() throws {
            try scenario("gateway") { lab, daemon in
                let plant = try lab.addPlant()
                let capture = try Capture(lab)
                try daemon.start()
                try daemon.waitFor(path: .a)
                let ping = { (address: String) in try plant.attempt(["ping", "-c", "1", "-W", "1", address]).output }
                #expect(try ping(Lab.target).contains("1 received"))
                #expect(try ping(Lab.target6).contains("1 received"))
                try lab.impair(.a, .blackout)
                try daemon.waitFor(path: .b, within: .seconds(3))
                #expect(try ping(Lab.target).contains("1 received"))
                #expect(try ping(Lab.target6).contains("1 received"))
                try lab.impair(.b, .blackout)
                try daemon.waitFor(path: nil, within: .seconds(3))
                // Names close first, and routes fall when that is in force: then machines are told by an ICMP error instead
                // of hanging.
                try waitUntil("machines are told", within: .seconds(2)) {
                    try ping(Lab.target).contains("Destination Host Unreachable")
                }
                #expect(capture.packets == [])
            }
        }

        /// RFC 4459: what does not fit the tunnel must not be sent at it. This tunnel has 1440, so 1400 over IPv4.
        @Test func theMSSIsClampedBothWays() throws {
            try scenario("mss") { lab, daemon in
                let plant = try lab.addPlant()
                try daemon.start()
                try daemon.waitFor(path: .a)
                let syn = "tcp port 7777 and tcp[tcpflags] & tcp-syn != 0"
                let atCloud = try Capture(lab, links: [Tunnel.a.gatewayLink], filter: syn)
                let atPlant = try Capture(on: plant, links: ["eth0"], filter: syn)
                // The far end offers more than fits, as one does whose own link is wide.
                try lab.cloud.run("ip", "link", "set", Tunnel.a.gatewayLink, "mtu", "1500")
                _ = try lab.cloud.start("listener", "socat", "TCP-LISTEN:7777,bind=\(Lab.target)", "-")
                try waitUntil("the listener listens") { try lab.cloud.run("ss", "-ltn").contains(":7777") }
                try plant.run("socat", "-u", "-", "TCP:\(Lab.target):7777", input: "hello")
                try waitUntil("the handshake was seen") { atCloud.packets.count >= 2 && atPlant.packets.count >= 2 }
                let offered = try #require(atCloud.packets.first { $0.contains("Flags [S],") })
                #expect(offered.contains("mss 1400"), "out of the path: \(offered)")
                let answered = try #require(atPlant.packets.first { $0.contains("Flags [S.],") })
                #expect(answered.contains("mss 1400"), "into the path: \(answered)")
                #expect(atPlant.packets.contains { $0.contains("Flags [S],") && $0.contains("mss 1460") })
            }
        }
    }
}
