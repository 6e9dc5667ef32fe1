// SPDX-License-Identifier: Apache-2.0

import CLinux
import ControlAPI
import Lab
import NetworkTypes
import SystemIO
import Testing

extension Scenarios {
    /// A path by IPsec first, a tunnel of WireGuard on another underlay behind it.
    @Suite(.serialized)
    struct IPsecPaths {
        private func flows(_ lab: Lab, _ target: String) throws -> Bool {
            let source = target.contains(":") ? "fd00:1::1" : "10.1.0.1"
            let ping = ["ping", "-c", "3", "-i", "0.2", "-W", "\(Stage.here.patience)", "-I", source, target]
            return try lab.site.attempt(ping).output.contains("3 received")
        }

        @Test(.kernelESP, arguments: IPsecPath.Proof.allCases)
        func aTunnelComesUpAndCarriesTraffic(_ proof: IPsecPath.Proof) throws {
            var alone = SiteFile.ipsecFirst(IPsecPath(proof))
            alone.paths = []
            try scenario("ipsec-\(proof)", alone) { lab, daemon in
                let capture = try Capture(lab)
                let wire = try Capture(on: lab.cloud, links: ["up-b"], filter: "esp")
                let ipsec = try lab.addIPsec(IPsecPath(proof))
                let others = "connections { others { remote_addrs = 203.0.113.9\n children { all { } } } }\n"
                try ipsec.site.load(others + "secrets { ike-others { id = others\n secret = lab-0123456789 } }\n")
                try daemon.start()
                try daemon.waitFor(path: IPsec.path, within: .seconds(20))
                for target in [Lab.target, Lab.target6] { #expect(try flows(lab, target)) }
                try wire.showsThatItSees("ESP(spi=")
                let link = try lab.site.run("ip", "-d", "-o", "link", "show", IPsec.interface)
                #expect(link.contains("xfrm if_id"))
                #expect(try daemon.pnetctl("plan").output.contains("nothing to do"))
                #expect(try daemon.pnetctl("down").status == 0)
                #expect(try lab.site.attempt(["ip", "link", "show", IPsec.interface]).status != 0)
                try waitUntil("charon has let go") { try lab.site.run("ip", "xfrm", "state").isEmpty }
                #expect(!(try lab.site.run("ip", "xfrm", "policy").contains("if_id")))
                let connections = try ipsec.site.swanctl("--list-conns").output
                #expect(connections.contains("others:") && !connections.contains("pnetd-"), "what is others' stays")
                #expect(capture.packets.filter { !$0.contains("ESP(spi=") } == [])
            }
        }

        /// What charon and the kernel have is adopted: no handshake, no packet lost.
        @Test(.kernelESP) func anAgentIsKilledAndNothingIsLost() throws {
            try scenarioOnIPsec("ipsec-kill-agent", SiteFile.ipsecFirst()) { lab, daemon, ipsec in
                let before = (numbers: try ipsec.numbers(), spis: try ipsec.spis())
                let traffic = try Traffic(lab)
                pause(.seconds(1))
                try daemon.killAgent()
                pause(.seconds(1))
                try daemon.start()
                try daemon.waitFor(path: IPsec.path)
                pause(.seconds(1))
                let result = try traffic.stop()
                #expect(result.lost == 0 && result.sent > 100)
                #expect(try ipsec.numbers() == before.numbers)
                #expect(try ipsec.spis() == before.spis)
            }
        }

        /// Four streams at once make 500 packets a second.
        @Test(.kernelESP) func newKeysLoseNothing() throws {
            try scenarioOnIPsec("ipsec-rekey", SiteFile.ipsecFirst()) { lab, daemon, ipsec in
                let switches = try daemon.network().switches
                let streams = try (0..<4).map { _ in try Traffic(lab, every: .milliseconds(8)) }
                pause(.seconds(1))
                for what in [IPsec.Rekeyed.ike, .child] {
                    let (before, place) = (try ipsec.numbers(), what == .ike ? 0 : 1)
                    try ipsec.rekey(what)
                    // To look often would take the processor from what is measured: packets were lost far from any new key.
                    var isRenewed = false
                    for _ in 0..<20 where !isRenewed {
                        pause(.seconds(1))
                        let now = try ipsec.numbers()
                        isRenewed = now.count == 2 && now[place] != before[place]
                    }
                    #expect(isRenewed, "there are new keys")
                }
                let results = try streams.map { try $0.stop() }
                let (lost, sent) = (results.map(\.lost).reduce(0, +), results.map(\.sent).reduce(0, +))
                print("ipsec: \(lost) of \(sent) lost with new keys of both")
                #expect(lost == 0)
                #expect(try daemon.network().switches == switches)
                if lost > 0 { print(daemon.log) }
            }
        }

        /// A dead charon renews no keys: traffic leaves while they still hold, and comes back to a tunnel that a new charon
        /// keeps, with nothing of the old one left.
        @Test(.kernelESP) func aCharonIsKilledAndComesBack() throws {
            try scenarioOnIPsec("ipsec-kill-charon", SiteFile.ipsecFirst()) { lab, daemon, ipsec in
                let traffic = try Traffic(lab)
                pause(.milliseconds(500))
                let old = try ipsec.spis()
                try ipsec.site.kill()
                let left = try daemon.waitFor(path: .a, within: .seconds(3))
                #expect(try daemon.ipsecReasons().contains { $0.hasPrefix("charon does not answer") })
                try ipsec.site.start()
                let back = try daemon.waitFor(path: IPsec.path, within: .seconds(10))
                try waitUntil("nothing is left of the old one", within: .seconds(10)) {
                    let now = try ipsec.spis()
                    return now.isDisjoint(with: old) && now.count == 2
                }
                let result = try traffic.stop()
                print(
                    "ipsec: charon killed, left after \(left.shortText), back after \(back.shortText), lost "
                        + "\(result.lost) of \(result.sent)"
                )
                #expect(result.lost == 0)
                if result.lost > 0 { print(daemon.log) }
            }
        }

        /// Nobody says anything: targets tell, long before charon does by its own questions, two seconds after the last
        /// packet, repeated after 1, 1.4 and 1.96 s and waited for another 2.74 s.
        @Test(.kernelESP) func aSilentlyDeadPeerIsLeftWithinThePromise() throws {
            var (left, alone) = (Duration.zero, Duration.zero)
            try scenarioOnIPsec("ipsec-silent", SiteFile.ipsecFirst()) { lab, daemon, ipsec in
                let traffic = try Traffic(lab)
                pause(.milliseconds(500))
                try ipsec.cut(.everything)
                left = try daemon.waitFor(path: .a, within: .seconds(3))
                try ipsec.mend()
                let back = try daemon.waitFor(path: IPsec.path, within: .seconds(40))
                let result = try traffic.stop()
                print("ipsec: dead peer left, back after \(back.shortText), longest gap \(result.longestGap.shortText)")
                #expect(result.longestGap <= Stage.here.limit(.milliseconds(1_200)))
            }
            try scenario("ipsec-dpd") { lab, _ in
                let ipsec = try lab.addIPsec(IPsecPath())
                try ipsec.raiseSite("dpd_delay = 2s")
                #expect(try ipsec.initiate().status == 0)
                alone = try ipsec.detectionByDeadPeerDetection()
            }
            let ratio = Double((left / .milliseconds(1)).rounded()) / max((alone / .milliseconds(1)).rounded(), 1)
            try Results.note(
                "RESULT ipsec-dead-peer pnetd=\(left.shortText) strongswan-dpd=\(alone.shortText) "
                    + "ratio=\((ratio * 100).rounded() / 100)"
            )
            #expect(ratio < 1)
        }

        /// ESP is lost and IKE is answered: charon sees nothing wrong, targets do.
        @Test(.kernelESP) func lostESPIsSeenThoughIKEAnswers() throws {
            try scenarioOnIPsec("ipsec-sealed", SiteFile.ipsecFirst()) { _, daemon, ipsec in
                try ipsec.cut(.sealed)
                try daemon.waitFor(path: .a, within: .seconds(3))
                #expect(try ipsec.numbers().count == 2)
                try ipsec.mend()
                try daemon.waitFor(path: IPsec.path, within: .seconds(20))
            }
        }

        /// The gateway comes back, and knows nothing any more.
        @Test(.kernelESP) func aRestartedGatewayIsFoundAgain() throws {
            try scenarioOnIPsec("ipsec-gateway", SiteFile.ipsecFirst()) { lab, daemon, ipsec in
                try ipsec.gateway.kill()
                try lab.cloud.run("ip", "xfrm", "state", "flush")
                try daemon.waitFor(path: .a, within: .seconds(3))
                try ipsec.gateway.start()
                try ipsec.offer(IPsecGateway())
                try daemon.waitFor(path: IPsec.path, within: .seconds(40))
            }
        }

        /// A kernel that has nothing of it, and no charon either: it is said what is missing, and the tunnel behind carries.
        @Test(.anyKernel, .disabled(if: Stage.here.hasESP, "this kernel has ESP"))
        func whatThisKernelLacksIsNamed() throws {
            try scenario("ipsec-lack", SiteFile.ipsecFirst()) { lab, daemon in
                try lab.site.write("keys/\(IPsec.path).psk", "lab-0123456789abcdef", mode: 0o600)
                try daemon.start()
                try daemon.waitFor(path: .a)
                try waitUntil("it is said what is missing") {
                    try daemon.ipsecReasons().contains {
                        $0 == "this kernel has no xfrm interfaces (modprobe xfrm_interface, or one with XFRM_INTERFACE)"
                    }
                }
                #expect(try daemon.status().warnings.contains { $0.hasPrefix("IPsec: charon cannot be reached") })
                print(try daemon.pnetctl("status").output)
            }
        }

        /// Whatever listens in charon's place: it is said that it is none, and what it says does no harm.
        @Test(.anyKernel) func whatIsNoCharonIsSaidToBeNone() throws {
            try scenario("ipsec-garbage", SiteFile.ipsecFirst()) { lab, daemon in
                try lab.site.write("keys/\(IPsec.path).psk", "lab-0123456789abcdef", mode: 0o600)
                let socket = "\(lab.site.folder)/charon.vici"
                _ = try lab.site.start(
                    "garbage",
                    "socat",
                    "UNIX-LISTEN:\(socket),fork",
                    "EXEC:head -c 65536 /dev/urandom"
                )
                try daemon.start()
                try daemon.waitFor(path: .a)
                try waitUntil("it is said that it is no charon") {
                    try daemon.status().warnings.contains { $0.contains("does not speak VICI") }
                }
                #expect(try daemon.network().path?.text == Tunnel.a.path)
                try waitUntil("a metric says so") {
                    try lab.site.attempt(["curl", "-s", "http://127.0.0.1:9731/metrics"]).output
                        .contains("pnetd_charon_up 0")
                }
            }
        }

        /// The underlay has another address from now on, as DHCP may say.
        @Test(.kernelESP) func aTunnelFollowsItsUnderlaysAddress() throws {
            try scenarioOnIPsec("ipsec-address", SiteFile.ipsecFirst()) { lab, daemon, ipsec in
                try lab.site.ip(
                    """
                    address del 198.51.100.2/24 dev eth1
                    address add 198.51.100.3/24 dev eth1
                    """
                )
                try waitUntil("the tunnel is from the new address", within: .seconds(20)) {
                    try ipsec.site.associations.contains { $0.contains("local-host=198.51.100.3 ") }
                }
                try daemon.waitFor(path: IPsec.path, within: .seconds(20))
                pause(.seconds(2))
                #expect(try flows(lab, Lab.target))
                #expect(try !ipsec.site.associations.contains { $0.contains("local-host=198.51.100.2 ") })
                #expect(try lab.site.run("ip", "rule").contains("from 198.51.100.3 to 198.51.100.1"))
            }
        }

        @Test(.kernelESP) func aRouterWithNATIsCrossed() throws {
            var path = IPsecPath()
            path.underlay = .a
            var options = SiteFile.ipsecFirst(path)
            options.paths = [.b]
            try scenario("ipsec-nat", options) { lab, daemon in
                _ = try lab.addRouter()
                _ = try lab.addIPsec(path)
                try daemon.start()
                try daemon.waitFor(path: IPsec.path, within: .seconds(20))
                #expect(try lab.site.run("ip", "xfrm", "state").contains("espinudp"))
                let traffic = try Traffic(lab)
                pause(.seconds(5))
                #expect(try traffic.stop().lost == 0)
            }
        }

        /// Somebody empties the kernel's tables behind everybody's back.
        @Test(.kernelESP, arguments: IPsec.Flushed.allCases) func whatIsFlushedIsHealed(_ what: IPsec.Flushed) throws {
            try scenarioOnIPsec("ipsec-flush-\(what)", SiteFile.ipsecFirst()) { lab, daemon, ipsec in
                let capture = try Capture(on: lab.cloud, links: ["up-b"], filter: "net 10.20.0.0/16")
                let traffic = try Traffic(lab)
                pause(.milliseconds(500))
                try ipsec.flush(what)
                try waitUntil("both are there again", within: .seconds(30)) {
                    try !lab.site.run("ip", "xfrm", "state").isEmpty && !lab.site.run("ip", "xfrm", "policy").isEmpty
                }
                try daemon.waitFor(path: IPsec.path, within: .seconds(30))
                #expect(try flows(lab, Lab.target))
                let result = try traffic.stop()
                print("ipsec: \(what) flushed, longest gap \(result.longestGap.shortText)")
                #expect(result.longestGap <= Stage.here.limit(.milliseconds(1_200)))
                #expect(capture.packets == [])
            }
        }

        /// Leased line, IPsec, WireGuard: killed one after the other, and given back; nothing leaves in the open.
        @Test(.kernelESP) func threeKindsOfPathGoAndComeBack() throws {
            var options = SiteFile.ipsecFirst()
            options.line = Line.plain
            options.order = [Line.path, IPsec.path, Tunnel.a.path]
            try scenario("ipsec-three", options) { lab, daemon in
                let capture = try Capture(lab)
                try lab.addLine()
                let ipsec = try lab.addIPsec(IPsecPath())
                try daemon.start()
                try daemon.waitFor(path: Line.path, within: .seconds(20))
                try daemon.waitFor(path: IPsec.path, .up, within: .seconds(20))
                try daemon.waitFor(.a, .up)
                let traffic = try Traffic(lab)
                pause(.milliseconds(500))
                try lab.breakLine(.beyond)
                try daemon.waitFor(path: IPsec.path, within: .seconds(3))
                try ipsec.cut(.everything)
                try daemon.waitFor(path: .a, within: .seconds(3))
                try lab.impair(.a, .tunnelsOnly)
                try daemon.waitFor(path: nil, within: .seconds(3))
                try lab.heal(.a)
                try daemon.waitFor(path: .a, within: .seconds(30))
                try ipsec.mend()
                try daemon.waitFor(path: IPsec.path, within: .seconds(40))
                try lab.healLine()
                try daemon.waitFor(path: Line.path, within: .seconds(20))
                _ = try traffic.stop()
                #expect(capture.packets == [])
            }
        }
    }
}
