// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Lab
import NetworkTypes
import SystemIO
import Testing

extension Scenarios {
    /// Where a tunnel's own packets go, after Linux's self-test of WireGuard: never into a tunnel, whatever others route
    /// and whoever translates them on their way.
    @Suite(.serialized)
    struct WireGuardRouting {
        /// Puts another line in the place of one in the site's file.
        private func change(_ lab: Lab, _ daemon: Daemon, _ line: String, to other: String) throws {
            let text = String(decoding: try Files.read(daemon.file), as: UTF8.self)
            try #require(text.contains(line))
            try lab.site.write("pnetd.yaml", text.replacing(line, with: other))
        }

        /// Packets that the site sent into both tunnels.
        private func sent(_ lab: Lab) throws -> Int {
            try Tunnel.allCases.reduce(0) { sum, tunnel in
                let file = "/sys/class/net/\(tunnel.interface)/statistics/tx_packets"
                let text = try lab.site.run("cat", file)
                return try sum + #require(Int(text.dropLast()))
            }
        }

        /// What leads to an address, by the mark that the packet has.
        private func way(_ lab: Lab, to address: String, mark: String = "0") throws -> String {
            try lab.site.attempt(["ip", "route", "get", address, "mark", mark]).output
        }

        /// Lets wg-quick raise a tunnel for all traffic; returns its file.
        @discardableResult
        private func raiseFullTunnel(_ lab: Lab) throws -> String {
            let key = try lab.makeKey(lab.cloud, "full")
            let own = String(decoding: try Files.read(lab.makeKey(lab.site, "full").file), as: UTF8.self)
            let file = try lab.site.write(
                "full.conf",
                """
                [Interface]
                PrivateKey = \(own)
                Address = 10.97.0.2/32, fd00:97::2/128
                [Peer]
                PublicKey = \(key.publicKey)
                Endpoint = 203.0.113.1:51822
                AllowedIPs = 0.0.0.0/0, ::/0

                """,
                mode: 0o600
            )
            try lab.site.run("wg-quick", "up", file)
            return file
        }

        /// Somebody routes each gateway into a tunnel, its own or the other, and WireGuard would take what comes: a
        /// packet that followed would be sealed and sent over and over.
        @Test func aTunnelsPacketsNeverGoIntoATunnel() throws {
            try scenario("loop") { lab, daemon in
                try change(lab, daemon, "allowed-ips: auto", to: "allowed-ips: [0.0.0.0/0, \"::/0\"]")
                try daemon.start()
                try daemon.waitFor(path: .a)
                let switches = try daemon.network().switches
                for (first, second) in [(Tunnel.a, Tunnel.b), (.b, .a)] {
                    try lab.site.run("ip", "route", "replace", "192.0.2.1", "dev", first.interface)
                    try lab.site.run("ip", "-6", "route", "replace", "2001:db8:b::1", "dev", second.interface)
                    try lab.site.run("ip", "route", "replace", "0.0.0.0/1", "dev", first.interface)
                    #expect(try way(lab, to: "192.0.2.1").contains("dev \(first.interface)"), "the trap is set")
                    #expect(try way(lab, to: "192.0.2.1", mark: "0x41000000").contains("dev eth0"))
                    #expect(try way(lab, to: "2001:db8:b::1", mark: "0x42000000").contains("dev eth1"))
                    let before = try sent(lab)
                    let ping = ["fping", "-q", "-c", "100", "-i", "1", "-p", "10", "-S", "10.1.0.1", Lab.target]
                    let said = try lab.site.attempt(ping).output
                    let answered = try #require(said.firstMatch(of: #/= 100/(\d+)//#), "\(said)").1
                    // One may be late where the machine has other things to do.
                    #expect(try #require(Int(answered)) >= 95)
                    // Beside the pings there are probes of both paths, and nothing else.
                    let count = try sent(lab) - before
                    print("gateways routed into \(first.interface): \(count) packets into the tunnels for 100 pings")
                    #expect((100...Stage.here.patience * 200).contains(count))
                }
                #expect(try daemon.network().switches == switches)
                #expect(try lab.site.run("ip", "route").contains("192.0.2.1 dev pn-b scope link"), "it is not ours")
            }
        }

        /// The underlay has a carrier and no address any more, and what is left leads into the tunnel.
        @Test func anUnderlayWithoutARouteTakesThePathDownAndNoOther() throws {
            try scenario("no-route") { lab, daemon in
                try change(lab, daemon, "allowed-ips: auto", to: "allowed-ips: [0.0.0.0/0, \"::/0\"]")
                let elsewhere = try Capture(lab, links: ["up-b", "up-c"], filter: "udp port 51820")
                for (interface, gateway) in [("eth1", "198.51.100.1"), ("eth2", "203.0.113.1")] {
                    _ = try lab.site.run(
                        "socat",
                        "-u",
                        "-",
                        "UDP:\(gateway):51820,so-bindtodevice=\(interface)",
                        input: "proof"
                    )
                }
                try elsewhere.showsThatItSees(".51820: UDP")
                let proofs = elsewhere.packets.count
                try daemon.start()
                try daemon.waitFor(path: .a)
                try lab.site.run("ip", "route", "add", "192.0.2.1", "dev", "pn-a")
                try lab.site.run("ip", "address", "flush", "dev", "eth0")
                let before = try sent(lab)
                try daemon.waitFor(path: .b, within: .seconds(3))
                pause(.seconds(1))
                let network = try daemon.network()
                let path = try #require(network.paths.first)
                #expect(path.verdict == .down && !path.reasons.isEmpty, "\(path)")
                print("no route on the underlay: \(path.reasons), \(try sent(lab) - before) packets into the tunnels")
                #expect(try sent(lab) - before < Stage.here.patience * 100)
                #expect(elsewhere.packets.count == proofs, "no other way was taken: \(elsewhere.packets)")
                try lab.site.run("ip", "address", "add", "192.0.2.2/24", "dev", "eth0")
                try daemon.waitFor(.a, .up, within: .seconds(20))
                try daemon.waitFor(path: .a, within: .seconds(20))
            }
        }

        /// wg-quick with a full tunnel, up since before pnetd: all that has not its mark goes into it.
        @Test func aFullTunnelOfSomebodyElseTakesNothingOfOurs() throws {
            try scenario("full") { lab, daemon in
                try lab.site.ip(
                    """
                    address flush dev eth0
                    address add 192.0.2.2/32 dev eth0
                    route add default via 192.0.2.1 dev eth0 onlink metric 500
                    """
                )
                try raiseFullTunnel(lab)
                let rules = { (isOurs: Bool) in
                    let lines = try lab.site.run("ip", "rule") + lab.site.run("ip", "-6", "rule")
                    return lines.split(separator: "\n").filter { $0.contains("proto 112") == isOurs }
                }
                let foreign = try rules(false)
                #expect(foreign.count { $0.contains("not from all fwmark 0xca6c") } == 2)
                #expect(foreign.count { $0.contains("suppress_prefixlength 0") } == 2)
                try daemon.start()
                try daemon.waitFor(path: .a)
                let ours = try rules(true)
                #expect(try way(lab, to: "192.0.2.1").contains("dev full"), "the trap is set")
                #expect(try way(lab, to: "192.0.2.1", mark: "0x41000000").contains("dev eth0"))
                #expect(try way(lab, to: Lab.target).contains("dev pn-a"))
                #expect(try way(lab, to: "192.0.2.99").contains("dev full"))
                let switches = try daemon.network().switches
                let traffic = try Traffic(lab)
                pause(.seconds(2))
                #expect(try rules(false) == foreign)
                #expect(try rules(true) == ours)
                #expect(try traffic.stop().lost == 0)
                #expect(try daemon.network().switches == switches)
            }
        }

        /// The same tunnel, up after pnetd: its rules are asked before pnetd's. The guard holds what they lead away, and
        /// who did it is named.
        @Test func aFullTunnelThatIsAskedFirstIsNamed() throws {
            try scenario("asked-first") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                let named = { try daemon.status().warnings.filter { $0.contains("is not pnetd's and is asked first") } }
                #expect(try named() == [])
                let file = try raiseFullTunnel(lab)
                #expect(try way(lab, to: Lab.target).contains("dev full"))
                try waitUntil("both its rules are named, in both families", within: .seconds(1)) {
                    try named().count == 4
                }
                let dropped = { try lab.site.run("nft", "list", "chain", "inet", "pnetd", "leaving") }
                #expect(try !dropped().contains(#/packets [1-9]/#))
                _ = try lab.site.attempt(["ping", "-c", "1", "-W", "1", "-I", "10.1.0.1", Lab.target])
                #expect(try dropped().contains(#/packets [1-9]/#))
                try lab.site.run("wg-quick", "down", file)
                try waitUntil("all is well again", within: .seconds(1)) { try named() == [] }
                let ping = ["ping", "-c", "1", "-W", "\(Stage.here.patience)", Lab.target]
                #expect(try lab.site.attempt(ping).status == 0)
            }
        }

        /// As behind a mobile operator: with a keepalive within the time that mappings last, the cloud calls whenever it
        /// wants; that is the kernel's to do, with no agent there.
        @Test func theCloudReachesASiteBehindNATAfterAnySilence() throws {
            try scenario("nat") { lab, daemon in
                _ = try lab.addRouter()
                try change(lab, daemon, "persistent-keepalive: 15s", to: "persistent-keepalive: 1s")
                try daemon.start()
                try daemon.waitFor(path: .a)
                try daemon.stop()
                let calls = {
                    let ping = ["ping", "-c", "1", "-W", "\(Stage.here.patience)", "-I", Lab.target, "10.1.0.1"]
                    return try lab.cloud.attempt(ping).status == 0
                }
                pause(.seconds(3))
                #expect(try calls())
                // The mapping really goes, and the site with it, where nothing holds it.
                let gateway = try lab.publicKey(lab.cloud, "gw-a")
                try lab.site.run("wg", "set", "pn-a", "peer", gateway, "persistent-keepalive", "0")
                pause(.seconds(3))
                #expect(try !calls())
                try daemon.start()
                try waitUntil("the keepalive is back") {
                    try lab.site.run("wg", "show", "pn-a", "persistent-keepalive").contains("\t1\n")
                }
                try daemon.waitFor(path: .a)
                #expect(try calls())
            }
        }

        /// The router forgets all mappings, then gets another address: the gateway hears the site from elsewhere.
        @Test func aSiteRoamsWithItsRoutersAddress() throws {
            try scenario("roams") { lab, daemon in
                let router = try lab.addRouter()
                try change(lab, daemon, "persistent-keepalive: 15s", to: "persistent-keepalive: 1s")
                try daemon.start()
                try daemon.waitFor(path: .a)
                let switches = try daemon.network().switches
                let seen = { try lab.cloud.run("wg", "show", "wg-a", "endpoints") }
                let before = try seen()
                #expect(before.contains("192.0.2.2:"))
                let traffic = try Traffic(lab)
                pause(.milliseconds(500))
                try router.run("conntrack", "-F")
                try waitUntil("the site is heard from another port") { try seen() != before }
                #expect(try seen().contains("192.0.2.2:"))
                pause(.milliseconds(500))
                try router.run("ip", "address", "delete", "192.0.2.2/24", "dev", "outside")
                try router.run("ip", "address", "add", "192.0.2.3/24", "dev", "outside")
                try waitUntil("the site is heard from another address") { try seen().contains("192.0.2.3:") }
                pause(.milliseconds(500))
                let result = try traffic.stop()
                print("a router's new address: longest gap \(result.longestGap.shortText), \(result.lost) lost")
                #expect(result.longestGap <= Stage.here.limit(.milliseconds(500)))
                #expect(try daemon.network().switches == switches)
                #expect(try lab.site.run("wg", "show", "pn-a", "endpoints").contains("192.0.2.1:51820"))
            }
        }

        /// Beyond the router the wire takes less than the site's own. What the router says of that, to wireguard-go,
        /// comes back through NAT, and the path takes no more than that from then on: pnetd's own large echo makes it
        /// speak.
        @Test func aNarrowerWireBehindNATIsLearnt() throws {
            try scenario("narrow") { lab, daemon in
                let router = try lab.addRouter()
                try router.run("ip", "link", "set", "outside", "mtu", "1400")
                try lab.cloud.run("ip", "link", "set", "up-a", "mtu", "1400")
                try daemon.start()
                try daemon.waitFor(path: .a)
                let switches = try daemon.network().switches
                func mtu() throws -> String { try lab.site.run("ip", "link", "show", "pn-a") }
                func ping(_ size: Int) throws -> String {
                    let options = ["-c", "4", "-i", "0.2", "-W", "\(Stage.here.patience)", "-M", "do", "-s", "\(size)"]
                    return try lab.site.attempt(["ping"] + options + ["-I", "10.1.0.1", Lab.target]).output
                }
                // The kernel's sends over IPv4 without DF: the router cuts what is too large, and has nothing to say.
                guard !Stage.here.hasWireGuard else {
                    #expect(try ping(1412).contains("4 received") && mtu().contains("mtu 1440"))
                    return
                }
                // What an ICMP echo takes of its packet: 28 octets.
                try waitUntil("the path has learnt what the way takes") { try mtu().contains("mtu 1340") }
                let fragments = try Capture(lab, links: ["up-a"], filter: "ip[6:2] & 0x3fff != 0")
                #expect(try ping(1312).contains("4 received"))
                try lab.site.run("ping", "-c", "1", "-M", "dont", "-s", "1600", "-I", "eth0", "192.0.2.1")
                try fragments.showsThatItSees("IP 192.0.2.2 > 192.0.2.1: ICMP")
                let cut = fragments.packets.filter { packet in
                    packet.contains("IP 192.0.2.2") && (packet.contains("UDP") || packet.hasSuffix("ip-proto-17"))
                }
                #expect(cut == [], "the site's ping that had to be cut is the only one")
                #expect(try daemon.network().switches == switches)
            }
        }
    }
}
