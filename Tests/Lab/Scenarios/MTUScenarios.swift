// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Lab
import NetworkTypes
import Testing

extension Scenarios {
    /// What a path takes follows what its way lets through.
    @Suite(.serialized)
    struct MTU {
        private static func mtu(_ daemon: Daemon, _ tunnel: Tunnel) throws -> Int? {
            try daemon.status().paths.first { $0.name.text == tunnel.path }?.mtu
        }

        /// Who calls whom, where, and who then sends.
        private struct Transfer: CustomStringConvertible {
            let caller: Host
            let called: Host
            let address: String
            /// The address that the caller calls from.
            let source: String
            let callerSends: Bool

            private static let size = (4 << 20) / Stage.here.patience

            var description: String {
                "\(caller.name) calls \(called.name) at \(address), which \(callerSends ? "receives" : "sends")"
            }

            /// Whether all of it arrived, in time.
            func run(port: Int) throws -> Bool {
                let limit = "timeout \(8 * Stage.here.patience) socat -u"
                let kind = address.contains(":") ? ("TCP6", "[\(address)]", "[\(source)]") : ("TCP4", address, source)
                let listen = "\(kind.0)-LISTEN:\(port),bind=\(kind.1)"
                let call = "\(kind.0):\(kind.1):\(port),bind=\(kind.2)"
                let (sending, receiving) = (callerSends ? call : listen, callerSends ? listen : call)
                let send = "head -c \(Self.size) /dev/zero | \(limit) - \(sending)"
                let receive = "\(limit) \(receiving) - | wc -c"
                let listener = try called.start("called-\(port)", "sh", "-c", callerSends ? receive : send)
                try waitUntil("\(called.name) listens") { try called.run("ss", "-ltn").contains(":\(port) ") }
                let calling = try caller.attempt(["sh", "-c", callerSends ? send : receive])
                try listener.wait()
                return (callerSends ? listener.output : calling.output).contains("\(Self.size)")
            }
        }

        /// The machine behind the site calls the cloud, both ways of sending; where that finds a way, the cloud calls too.
        private static func expectTransfers(_ lab: Lab, _ plant: Host, port: Int, calledByCloud: Bool = true) throws {
            var port = port
            for (there, here) in [(Lab.target, "10.1.0.77"), (Lab.target6, "fd00:1::77")] {
                for callerSends in [true, false] {
                    var transfers = [
                        Transfer(
                            caller: plant,
                            called: lab.cloud,
                            address: there,
                            source: here,
                            callerSends: callerSends
                        )
                    ]
                    if calledByCloud {
                        transfers.append(
                            Transfer(
                                caller: lab.cloud,
                                called: plant,
                                address: here,
                                source: there,
                                callerSends: callerSends
                            )
                        )
                    }
                    for transfer in transfers {
                        port += 1
                        #expect(try transfer.run(port: port), "\(transfer)")
                    }
                }
            }
        }

        /// As behind many a firewall: what keeps large transfers going is the clamp alone.
        private static func silenceRouters(_ hosts: [Host]) throws {
            for host in hosts {
                try host.run(
                    "nft",
                    "-f",
                    "-",
                    input: """
                        table inet silence {
                          chain output {
                            type filter hook output priority 0
                            icmp type destination-unreachable icmp code frag-needed drop
                            icmpv6 type packet-too-big drop
                          }
                        }
                        """
                )
            }
        }

        /// One underlay is that of PPPoE; the other shrinks, and grows again. No router's word arrives.
        @Test func aPathFollowsItsUnderlay() throws {
            try scenario("mtu") { lab, daemon in
                let plant = try lab.addPlant()
                try Self.silenceRouters([lab.site, lab.cloud, plant])
                for (host, link) in [(lab.site, Tunnel.b.underlay), (lab.cloud, Tunnel.b.uplink)] {
                    try host.run("ip", "link", "set", link, "mtu", "1492")
                }
                try daemon.start()
                try daemon.waitFor(path: .a)
                let switches = try daemon.network().switches
                #expect(try Self.mtu(daemon, .a) == 1440, "WireGuard over IPv4 adds 60")
                #expect(try Self.mtu(daemon, .b) == 1412, "over IPv6 80, of 1492")
                try Self.expectTransfers(lab, plant, port: 7100)

                let fromSite = "src 192.0.2.2 and (udp port 51820 and greater 1415 or ip[6:2] & 0x3fff != 0)"
                let tooLarge = try Capture(lab, links: [Tunnel.a.uplink], filter: fromSite)
                try lab.site.run("ip", "link", "set", Tunnel.a.underlay, "mtu", "1400")
                let time = try waitUntil("the path follows", within: .seconds(1)) { try Self.mtu(daemon, .a) == 1340 }
                print("an underlay shrank: its path followed after \(time.shortText)")
                // The cloud's end knows nothing of it: what its own interface takes is lost, and nobody says so.
                let large = ["ping", "-I", Lab.target, "-M", "do", "-s", "1392", "-c", "1", "-W", "1", "10.1.0.77"]
                #expect(try lab.cloud.attempt(large).status != 0)
                try Self.expectTransfers(lab, plant, port: 7200)
                #expect(tooLarge.packets == [], "nothing larger than the underlay takes leaves, and nothing in pieces")

                try lab.site.run("ip", "link", "set", Tunnel.a.underlay, "mtu", "1500")
                try waitUntil("the path follows", within: .seconds(1)) { try Self.mtu(daemon, .a) == 1440 }
                #expect(try lab.cloud.attempt(large).status == 0)
                #expect(try daemon.network().switches == switches)
                #expect(try daemon.status().foreignChanges.isEmpty)

                // From the path over IPv4 to that over IPv6.
                try lab.impair(.a, .blackout)
                try daemon.waitFor(path: .b, within: .seconds(3))
                try Self.expectTransfers(lab, plant, port: 7300, calledByCloud: false)
            }
        }

        /// A firewall on the way that lets no large packet through, and says nothing. Its echoes tell, the routes of the
        /// path follow, and transfers in both directions go on; the next run begins with what this one found.
        @Test(.anyKernel) func aBlackHoleIsFoundAndKeptTo() throws {
            try scenario("black-hole") { lab, daemon in
                func carried() throws -> Int? {
                    try daemon.status().paths.first { $0.name.text == Tunnel.a.path }?.carriedMTU
                }
                let plant = try lab.addPlant()
                try Self.silenceRouters([lab.site, lab.cloud, plant])
                try daemon.start()
                try daemon.waitFor(path: .a)
                pause(.seconds(2))
                #expect(try carried() == nil, "as far as is known, all sizes get through")
                try lab.cloud.run(
                    "nft",
                    "-f",
                    "-",
                    input: """
                        table inet hole {
                          chain there { type filter hook input priority -300; udp dport 51820 meta length > 1400 drop; }
                          chain back { type filter hook output priority 300; udp sport 51820 meta length > 1400 drop; }
                        }
                        """
                )
                let noticed = try waitUntil("it is noticed", within: .seconds(20)) { try carried() != nil }
                // 1400 less WireGuard's 60 over IPv4, in units of 16.
                let measured = try waitUntil("it is measured", within: .seconds(30)) {
                    try (1325...1328).contains(carried() ?? 0)
                }
                print("a black hole: noticed after \(noticed.shortText), measured \(measured.shortText) later")
                try Self.expectTransfers(lab, plant, port: 7400)
                #expect(try Self.mtu(daemon, .a) == 1440, "the interface can still be asked for more")
                #expect(try daemon.network().switches == 0)
                let status = try daemon.pnetctl("status").output.split { $0.isWhitespace }.joined(separator: " ")
                #expect(status.contains("are lost on the way, without a word: its routes allow no more than that"))
                #expect(try daemon.pnetctl("plan").status == 0, "the file asks for nothing else")
                let metrics = try lab.site.attempt(["curl", "-s", "http://127.0.0.1:9731/metrics"]).output
                #expect(metrics.contains("pnetd_path_mtu_bytes{path=\"vpn-a\"} 132"))

                try daemon.killAgent()
                try daemon.start()
                try daemon.waitFor(path: .a)
                pause(.seconds(2))
                let again = try lab.site.attempt(["curl", "-s", "http://127.0.0.1:9731/metrics"]).output
                #expect(
                    again.contains(/pnetd_kernel_changes_total [01]\n/),
                    "what was found stands, and the guard has a new owner"
                )

                try daemon.stop()
                try lab.cloud.run("nft", "delete", "table", "inet", "hole")
                try daemon.start()
                try waitUntil("larger packets get through again", within: .seconds(5)) { try carried() == nil }
                try Self.expectTransfers(lab, plant, port: 7500)
            }
        }
    }
}
