// SPDX-License-Identifier: Apache-2.0

import CLinux
import ControlAPI
import Lab
import NetworkTypes
import SystemIO
import Testing

extension Scenarios {
    /// The agent comes and goes; traffic does not notice.
    @Suite(.serialized)
    struct Lifecycle {
        @Test func killAndRestartLoseNothing() throws {
            try scenario("kill") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                try daemon.waitForNames()
                let before = try handshakes(lab)
                let since = try daemon.network().since
                let watcher = try lab.site.start(
                    "monitor",
                    "ip",
                    "monitor",
                    "route",
                    "nexthop",
                    "rule",
                    "link",
                    "address"
                )
                let traffic = try Traffic(lab, every: .milliseconds(1))
                pause(.milliseconds(500))
                // A slow stage would be at it for minutes.
                let kills = Stage.here.patience > 1 ? 5 : 20
                for _ in 0..<kills {
                    try daemon.killAgent()
                    pause(.milliseconds(50))
                    // The resolver lives on and answers without its agent.
                    #expect(try daemon.dig("+short", "hub2.privatelink.azure-devices.net") == "10.20.0.5\n")
                    try daemon.start()
                    try daemon.waitFor(path: .a)
                    #expect(lab.site.processes(running: "pnetd resolver").count == 1)
                    #expect(try daemon.dig("+short", "historian.plant.internal") == "10.20.0.10\n")
                }
                try daemon.stop()
                pause(.milliseconds(300))
                #expect(lab.site.processes(running: "pnetd").isEmpty)
                try daemon.start()
                try daemon.waitFor(path: .a)
                pause(.milliseconds(500))
                let result = try traffic.stop()
                print("killed \(kills) times, stopped once: \(result.lost) of \(result.sent) lost")
                #expect(result.lost == 0)
                #expect(result.sent > 1_000)
                #expect(try handshakes(lab) == before, "no new handshake")
                #expect(try daemon.network().since == since)
                #expect(try daemon.network().switches == 0)
                #expect(watcher.output == "", "not one change in the kernel")
            }
        }

        @Test(.anyKernel) func aResolverThatWasLateForTheNewAgentEndsTheOther() throws {
            try scenario("late") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                try daemon.waitForNames()
                let late = lab.site.processes(running: "pnetd resolver")
                for pid in late { kill(pid, SIGSTOP) }
                try daemon.killAgent()
                try daemon.start()
                try waitUntil("there is another") { lab.site.processes(running: "pnetd resolver").count == 2 }
                pause(.seconds(1))
                for pid in late { kill(pid, SIGCONT) }
                try waitUntil("there is one") { lab.site.processes(running: "pnetd resolver").count == 1 }
                pause(.seconds(2))
                #expect(lab.site.processes(running: "pnetd resolver").count == 1)
                // No socket is left that a share of the questions goes to and nobody reads.
                for _ in 0..<20 { #expect(try daemon.dig("+short", "historian.plant.internal") == "10.20.0.10\n") }
            }
        }

        private func handshakes(_ lab: Lab) throws -> String {
            try lab.site.run("wg", "show", "all", "latest-handshakes")
        }

        @Test(.userspaceWireGuard) func userspaceWireGuardIsStartedAgain() throws {
            try scenario("userspace") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                #expect(try daemon.pnetctl("status").output.contains("userspace"))
                let traffic = try Traffic(lab)
                for pid in lab.site.processes(running: "--foreground pn-a") { kill(pid, SIGKILL) }
                try daemon.waitFor(path: .b, within: .seconds(2))
                try daemon.waitFor(path: .a, within: .seconds(20))
                let result = try traffic.stop()
                print("wireguard-go killed: longest gap \(result.longestGap.shortText)")
                #expect(result.longestGap <= Stage.here.limit(.milliseconds(300)))
                #expect(lab.site.processes(running: "--foreground pn-a").count == 1)
            }
        }

        @Test(.userspaceWireGuard) func stoppedUserspaceWireGuardHoldsNothingUp() throws {
            try scenario("stopped") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                let traffic = try Traffic(lab)
                pause(.milliseconds(500))
                for pid in lab.site.processes(running: "--foreground pn-a") { kill(pid, SIGSTOP) }
                try daemon.waitFor(path: .b, within: .seconds(3))
                pause(.seconds(6))
                #expect(try daemon.network().paths.last?.verdict == .up, "the living path is not taken for dead")
                #expect(try daemon.network().switches == 1)
                #expect(try daemon.status().paths.first?.lastError?.contains("does not answer") == true)
                for pid in lab.site.processes(running: "--foreground pn-a") { kill(pid, SIGCONT) }
                try daemon.waitFor(path: .a, within: .seconds(30))
                let result = try traffic.stop()
                print("wireguard-go stopped: longest gap \(result.longestGap.shortText)")
                #expect(result.longestGap <= Stage.here.limit(.milliseconds(1_200)))
            }
        }

        @Test func foreignNumbersAmongOursAreReportedAndLeftAlone() throws {
            try scenario("collision") { lab, daemon in
                try lab.site.run("ip", "route", "add", "198.18.0.0/15", "via", "203.0.113.1", "table", "7001")
                try lab.site.run("ip", "rule", "add", "priority", "750", "lookup", "main")
                try lab.site.run("ip", "nexthop", "add", "id", "7777", "via", "203.0.113.1", "dev", "eth2")
                try daemon.start()
                try daemon.waitFor(path: .a)
                let warnings = try daemon.status().warnings.joined(separator: "\n")
                for words in ["table 7001", "rule 750", "nexthop 7777"] { #expect(warnings.contains(words)) }
                #expect(try daemon.pnetctl("down").status == 0)
                #expect(try lab.site.run("ip", "route", "show", "table", "7001").contains("198.18.0.0/15"))
                #expect(try lab.site.run("ip", "rule").contains("750:"))
                #expect(try lab.site.run("ip", "nexthop").contains("7777"))
            }
        }

        /// Whatever its file says, it would take the first one's interfaces for leftovers.
        @Test(.anyKernel) func aSecondAgentIsRefused() throws {
            try scenario("second") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                let traffic = try Traffic(lab)
                let file = String(decoding: try Files.read(daemon.file), as: UTF8.self)
                let other = file.replacing("\(lab.site.folder)/run", with: "\(lab.site.folder)/run-2")
                    .replacing("\(lab.site.folder)/state", with: "\(lab.site.folder)/state-2")
                    .replacing("interface: pn-", with: "interface: px-")
                    .replacing("metrics: {listen: [\"127.0.0.1:9731\"]}", with: "")
                let second = try lab.site.write("second.yaml", other)
                let refused = try lab.site.attempt(["\(Daemon.programs)/pnetd", "run", "--config", second])
                #expect(refused.status == 1)
                #expect(refused.output.contains("only one pnetd may run in a network namespace"), "\(refused.output)")
                #expect(try traffic.stop().lost == 0)
                #expect(try daemon.status().foreignChanges.isEmpty && daemon.network().switches == 0)
            }
        }

        @Test func downRemovesAllAndNothingElse() throws {
            try scenario("down") { lab, daemon in
                try lab.site.run("nft", "add", "table", "inet", "other")
                let kernel = { () throws -> String in
                    try [
                        lab.site.run("ip", "-o", "link"), lab.site.run("ip", "rule"), lab.site.run("ip", "-6", "rule"),
                        lab.site.run("ip", "route", "show", "table", "all"), lab.site.run("ip", "nexthop"),
                        lab.site.run("nft", "list", "tables"),
                    ].joined(separator: "\n")
                }
                let before = try kernel()
                try daemon.start()
                try daemon.waitFor(path: .a)
                #expect(try kernel() != before)
                let down = try daemon.pnetctl("down")
                #expect(down.status == 0)
                for word in ["pn-a", "pn-b", "10.20.0.0/16", "guard"] { #expect(down.output.contains(word)) }
                try waitUntil("pnetd has ended") { lab.site.processes(running: "pnetd").isEmpty }
                try waitUntil("the kernel is as it was") { try kernel() == before }
                #expect(try daemon.pnetctl("status").status == 3)
                #expect(lab.site.processes(running: "wireguard-go").isEmpty)
            }
        }

        @Test(.anyKernel) func reloadTakesOnlyAValidFile() throws {
            try scenario("reload") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                let good = String(decoding: try Files.read(daemon.file), as: UTF8.self)
                let traffic = try Traffic(lab, every: .milliseconds(5))
                let monitor = try lab.site.start(
                    "monitor",
                    "ip",
                    "monitor",
                    "route",
                    "nexthop",
                    "rule",
                    "link",
                    "address"
                )

                try lab.site.write("pnetd.yaml", good.replacing("when-down: block", with: "when-dwon: block"))
                let refused = try daemon.pnetctl("reload")
                #expect(refused.status == 1)
                #expect(refused.output.contains("pnetd.yaml:") && refused.output.contains("did you mean 'when-down'"))
                for pid in lab.site.processes(running: "pnetd run") { kill(pid, SIGHUP) }
                pause(.milliseconds(200))
                #expect(try daemon.network().path?.text == Tunnel.a.path)

                // A zone more: names change, the kernel does not.
                try lab.site.write(
                    "pnetd.yaml",
                    good.replacing("historian A 10.20.0.10", with: "historian A 10.20.0.11")
                )
                for pid in lab.site.processes(running: "pnetd run") { kill(pid, SIGHUP) }
                try waitUntil("the new record is answered", within: .seconds(1)) {
                    try daemon.dig("+short", "historian.plant.internal") == "10.20.0.11\n"
                }
                #expect(monitor.output == "")

                // Without the first path: traffic is on the second, the first one's interface is gone.
                var alone = SiteFile()
                alone.paths = [.b]
                _ = try Daemon(lab, alone)
                #expect(try daemon.pnetctl("reload").status == 0)
                try daemon.waitFor(path: .b, within: .seconds(2))
                try waitUntil("the interface is gone") {
                    try lab.site.attempt(["ip", "link", "show", "pn-a"]).status != 0
                }
                let result = try traffic.stop()
                #expect(result.longestGap <= Stage.here.limit(.milliseconds(100)))
            }
        }
    }
}
