// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Lab
import NetworkTypes
import SystemIO
import Testing

extension Scenarios {
    /// Standby paths that are tried out with the network's own traffic, and paths that an operator puts first.
    @Suite(.serialized)
    struct Drills {
        private func ready(_ daemon: Daemon) throws {
            try daemon.start()
            try daemon.waitFor(path: .a)
            try waitUntil("the spare path is up") { try daemon.status().paths.allSatisfy { $0.verdict == .up } }
        }

        private func startDrill(_ lab: Lab, _ daemon: Daemon, _ options: String...) throws -> Background {
            let command = ["\(try Daemon.programs)/pnetctl", "drill", "azure", "--socket", daemon.socket] + options
            return try lab.site.start("drill-\(UInt32.random(in: 0 ... .max))", command)
        }

        private func through(_ daemon: Daemon, _ tunnel: Tunnel) throws -> StatusReport.Network.PathThrough {
            try #require(try daemon.network().paths.first { $0.path.text == tunnel.path })
        }

        @Test(.anyKernel) func aStandbyPathIsProvenGoodWithoutALostPacket() throws {
            try scenario("drill") { lab, daemon in
                try ready(daemon)
                #expect(try through(daemon, .b).lastProvenGood == nil)
                let traffic = try Traffic(lab, every: .milliseconds(2))
                pause(.milliseconds(300))
                let drill = try daemon.pnetctl("drill", "azure", "--hold", "2s")
                pause(.milliseconds(300))
                let result = try traffic.stop()
                print("a drill: \(drill.output)  of traffic beside it, \(result.lost) of \(result.sent) lost")
                #expect(drill.status == 0, "\(drill.output)")
                #expect(drill.output.hasPrefix("azure: from vpn-a to vpn-b and back, asking 10.20.0.4\n"))
                #expect(drill.output.contains("  vpn-b: proven good; 0 of "))
                #expect(result.lost == 0)
                #expect(try daemon.network().path?.text == Tunnel.a.path)
                #expect(try daemon.network().preferred == nil)
                #expect(try through(daemon, .b).lastProvenGood != nil)
                let page = try lab.site.attempt(["curl", "-s", "http://127.0.0.1:9731/metrics"]).output
                #expect(page.contains(#"pnetd_drills_total{network="azure",path="vpn-b",outcome="proven"} 1"#))
                #expect(page.contains(#"pnetd_path_proven_good_seconds{network="azure",path="vpn-b"}"#))
                #expect(try daemon.pnetctl("explain", "azure").output.contains("last carried its traffic"))

                // What was known outlives the agent.
                try daemon.killAgent()
                try daemon.start()
                try daemon.waitFor(path: .a)
                #expect(try through(daemon, .b).lastProvenGood != nil)
            }
        }

        /// The gateway was told of the tunnel's own addresses only: every probe is answered, and nothing of the site's.
        @Test(.anyKernel) func aPathThatCarriesOnlyProbesIsFoundOut() throws {
            try scenario("drill-half") { lab, daemon in
                try ready(daemon)
                let key = try lab.publicKey(lab.site, Tunnel.b.path)
                let own = "10.98.0.2/32,fd00:98::2/128"
                try lab.cloud.run("wg", "set", Tunnel.b.gatewayLink, "peer", key, "allowed-ips", own)
                let drill = try daemon.pnetctl("drill", "azure", "--hold", "1s", "--source", "10.1.0.1")
                #expect(drill.status == 1, "\(drill.output)")
                #expect(drill.output.contains("  vpn-b: failed: "), "\(drill.output)")
                #expect(drill.output.contains("requests were lost while it carried them"), "\(drill.output)")
                #expect(try through(daemon, .b).verdict == .up, "the probes know nothing of it")
                #expect(try daemon.network().path?.text == Tunnel.a.path)
                let status = try daemon.pnetctl("status").output
                #expect(status.contains("the last drill of vpn-b failed"), "\(status)")

                try lab.cloud.run(
                    "wg",
                    "set",
                    Tunnel.b.gatewayLink,
                    "peer",
                    key,
                    "allowed-ips",
                    "\(own),10.1.0.0/16,fd00:1::/64"
                )
                #expect(try daemon.pnetctl("drill", "azure", "--hold", "1s", "--source", "10.1.0.1").status == 0)
                #expect(try !daemon.pnetctl("status").output.contains("the last drill"))
            }
        }

        @Test(.anyKernel) func aCanaryGoesAloneAndComesBackWhateverHappens() throws {
            try scenario("drill-canary") { lab, daemon in
                try ready(daemon)
                func way(_ address: String) throws -> String {
                    try lab.site.run("ip", "route", "get", address)
                }
                let drill = try startDrill(lab, daemon, "--prefix", "10.20.0.4/32", "--hold", "60s")
                try waitUntil("the canary goes by the other path") { try way("10.20.0.4").contains("dev pn-b") }
                #expect(try way("10.20.0.10").contains("dev pn-a"))
                #expect(try daemon.network().path?.text == Tunnel.a.path)
                #expect(try daemon.pnetctl("drill", "azure").output.contains("a drill is under way"))
                #expect(try daemon.pnetctl("status").output.contains("a drill is under way: vpn-b is tried"))
                // The path that is tried goes down.
                try lab.impair(.b, .blackout)
                try waitUntil("the canary is back") { try way("10.20.0.4").contains("dev pn-a") }
                try waitUntil("the drill says so") { drill.output.contains("vpn-b: failed: it is down") }
                try lab.heal(.b)
                try waitUntil("the spare path is up") { try through(daemon, .b).verdict == .up }

                // An agent that dies leaves no canary to the next one.
                _ = try startDrill(lab, daemon, "--prefix", "10.20.0.4/32", "--hold", "60s")
                try waitUntil("the canary goes by the other path") { try way("10.20.0.4").contains("dev pn-b") }
                try daemon.killAgent()
                try daemon.start()
                try waitUntil("the canary is back") { try way("10.20.0.4").contains("dev pn-a") }
            }
        }

        @Test(.anyKernel) func whoeverLeavesEndsTheDrill() throws {
            try scenario("drill-left") { lab, daemon in
                try ready(daemon)
                let drill = try startDrill(lab, daemon, "--hold", "60s")
                try daemon.waitFor(path: .b)
                try drill.stop()
                try daemon.waitFor(path: .a)
                #expect(try daemon.network().preferred == nil)
                #expect(daemon.log.contains("the drill is ended: whoever asked for it left"))
            }
        }

        /// Also where nothing else comes back by itself.
        @Test(.anyKernel) func anAgentThatDiesAmidADrillLeavesNothingBehind() throws {
            try scenario("drill-killed") { lab, daemon in
                let file = String(decoding: try Files.read(daemon.file), as: UTF8.self)
                let auto = "failback: {mode: auto, after: 3s, damping: on}"
                try lab.site.write("pnetd.yaml", file.replacing(auto, with: "failback: {mode: manual}"))
                try ready(daemon)
                _ = try startDrill(lab, daemon, "--hold", "60s")
                try daemon.waitFor(path: .b)
                #expect(try daemon.pnetctl("rotate", "vpn-a", "--file", daemon.file, "--prepare").status == 0)
                let rotation = try daemon.pnetctl("rotate", "vpn-a", "--file", daemon.file)
                #expect(rotation.output.contains("not rotated: a drill is under way"), "\(rotation.output)")
                try daemon.killAgent()
                try daemon.start()
                try daemon.waitFor(path: .a)

                // One that is out is not tried, and nothing is said of how it carries.
                #expect(try daemon.pnetctl("drain", "vpn-b").status == 0)
                let drill = try daemon.pnetctl("drill", "azure", "--hold", "1s")
                #expect(
                    drill.status == 1 && drill.output.contains("  vpn-b: not tried: it is drained: "),
                    "\(drill.output)"
                )
                #expect(try through(daemon, .b).drillFailure == nil)
            }
        }

        @Test(.anyKernel) func aDrillBeginsByItselfInItsWindow() throws {
            var file = SiteFile()
            file.drill = #"{window: "00:00-24:00", hold: 1s}"#
            try scenario("drill-window", file) { lab, daemon in
                try ready(daemon)
                try waitUntil("the spare path is proven good") { try through(daemon, .b).lastProvenGood != nil }
                try daemon.waitFor(path: .a)
                pause(.seconds(1))
                #expect(daemon.log.split(separator: "\n").count { $0.contains("a drill begins") } == 1)
            }
        }

        @Test(.anyKernel) func anOperatorPutsAPathFirst() throws {
            try scenario("switch") { lab, daemon in
                try ready(daemon)
                let traffic = try Traffic(lab, every: .milliseconds(2))
                pause(.milliseconds(300))
                let moved = try daemon.pnetctl("switch", "azure", "vpn-b")
                #expect(
                    moved.status == 0 && moved.output == "azure goes by vpn-b; vpn-b is put first\n",
                    "\(moved.output)"
                )
                try daemon.killAgent()
                try daemon.start()
                pause(.seconds(5))
                #expect(try daemon.network().path?.text == Tunnel.b.path, "longer than the hold, and through a restart")
                #expect(
                    try daemon.pnetctl("explain", "azure").output.contains("vpn-b is put first: moved here by hand")
                )
                #expect(
                    try daemon.pnetctl("switch", "azure", "--auto").output
                        == "azure goes by vpn-a; the file's order holds\n"
                )
                try daemon.waitFor(path: .a, within: .seconds(10))
                let result = try traffic.stop()
                print("switched by hand and back: \(result.lost) of \(result.sent) lost")
                #expect(result.lost == 0)

                try lab.impair(.b, .blackout)
                try waitUntil("the path is down") { try through(daemon, .b).verdict == .down }
                let refused = try daemon.pnetctl("switch", "azure", "vpn-b")
                #expect(refused.status == 1 && refused.output.contains("azure: vpn-b is down: "), "\(refused.output)")
                #expect(try daemon.pnetctl("switch", "azure", "vpn-c").output.contains("vpn-c is none of its paths"))
                #expect(try daemon.pnetctl("switch", "aws", "vpn-a").output.contains("there is no such network"))
            }
        }
    }
}
