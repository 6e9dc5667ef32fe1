// SPDX-License-Identifier: Apache-2.0

import CLinux
import ControlAPI
import Lab
import NetworkTypes
import SystemIO
import Testing

extension Scenarios {
    /// What an operator does with a file: look first, then apply, and get it back where it was a mistake.
    @Suite(.serialized)
    struct Applying {
        private func monitor(_ lab: Lab) throws -> Background {
            let monitor = try lab.site.start("monitor", "ip", "monitor", "route", "nexthop", "rule", "link", "address")
            pause(.milliseconds(200))
            return monitor
        }

        private func text(_ daemon: Daemon) throws -> String {
            String(decoding: try Files.read(daemon.file), as: UTF8.self)
        }

        /// An `apply` that waits for its confirmation.
        private func trial(_ lab: Lab, _ daemon: Daemon, _ label: String, for time: String) throws -> Background {
            let pnetctl = "\(try Daemon.programs)/pnetctl"
            return try lab.site.start(label, pnetctl, "apply", "--confirm-within", time, "--socket", daemon.socket)
        }

        @Test(.anyKernel) func aPlanTouchesNothing() throws {
            try scenario("plan") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                let idle = try daemon.pnetctl("plan")
                #expect(idle.status == 0)
                #expect(idle.output == "nothing to do\n")

                let monitor = try monitor(lab)
                var alone = SiteFile()
                alone.paths = [.b]
                _ = try Daemon(lab, alone)
                let plan = try daemon.pnetctl("plan")
                #expect(plan.status == 2)
                for words in [
                    "azure moves from vpn-a to vpn-b; no packet lost", "remove interface pn-a", "its tunnel ends",
                ] { #expect(plan.output.contains(words), "\(words) in:\n\(plan.output)") }
                let machine = try daemon.pnetctl("plan", "--json")
                #expect(machine.status == 2)
                #expect(machine.output.contains(#""severity":"diversion""#))

                try lab.site.write("pnetd.yaml", try text(daemon).replacing("when-down", with: "when-dwon"))
                let wrong = try daemon.pnetctl("plan")
                #expect(wrong.status == 1)
                #expect(wrong.output.contains("did you mean 'when-down'"))
                #expect(monitor.output == "")
                #expect(try daemon.network().path?.text == Tunnel.a.path)
            }
        }

        @Test(.anyKernel) func whatCutsTrafficHasToBeAllowed() throws {
            try scenario("interruption") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                let monitor = try monitor(lab)
                let traffic = try Traffic(lab, every: .milliseconds(5))
                let good = try text(daemon)
                try lab.site.write("pnetd.yaml", good.replacing("[10.20.0.0/16, ", with: "[10.20.0.0/24, "))
                let refused = try daemon.pnetctl("apply")
                #expect(refused.status == 1)
                #expect(refused.output.contains("traffic to 10.20.0.0/16 is cut"), "\(refused.output)")
                #expect(refused.output.contains("--allow-interruption lets it"))
                // Underlays that lead to neither gateway any more.
                let swapped = good.replacing("interface: eth0", with: "interface: ethX")
                    .replacing("interface: eth1", with: "interface: eth0")
                    .replacing("interface: ethX", with: "interface: eth1")
                try lab.site.write("pnetd.yaml", swapped)
                let stranded = try daemon.pnetctl("apply")
                #expect(stranded.status == 1)
                #expect(stranded.output.contains("the outer packets of vpn-a find no way out"), "\(stranded.output)")
                #expect(monitor.output == "")
                #expect(try traffic.stop().lost == 0)

                try lab.site.write("pnetd.yaml", good.replacing("[10.20.0.0/16, ", with: "[10.20.0.0/24, "))
                let allowed = try daemon.pnetctl("apply", "--allow-interruption")
                #expect(allowed.status == 0, "\(allowed.output)")
                #expect(try lab.site.run("ip", "route", "show", "table", "7000").contains("10.20.0.0/24"))
                #expect(try daemon.pnetctl("plan").status == 0)
                #expect(try daemon.pnetctl("apply").output == "the file asks for nothing new\n")
            }
        }

        /// The other path stands: traffic goes there before anything is taken from the one that it leaves.
        @Test(.anyKernel) func aNetworkLeavesAPathWithoutALostPacket() throws {
            try scenario("leaving") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                try daemon.waitFor(.b, .up)
                let traffic = try Traffic(lab, every: .milliseconds(2))
                let file = try text(daemon)
                try lab.site.write("pnetd.yaml", file.replacing("paths: [vpn-a, vpn-b]", with: "paths: [vpn-b]"))
                let plan = try daemon.pnetctl("plan")
                #expect(plan.status == 2 && !plan.output.contains("interruption"), "\(plan.output)")
                #expect(try daemon.pnetctl("apply").status == 0)
                try daemon.waitFor(path: .b)
                pause(.milliseconds(500))
                #expect(try traffic.stop().lost == 0)

                // A rule as of many hosts with two uplinks leads the whole site past the paths.
                try lab.site.run("ip", "rule", "add", "from", "10.1.0.0/16", "lookup", "main", "pref", "300")
                try waitUntil("the rule is named") {
                    try daemon.status().warnings.contains { $0.hasPrefix("ipv4 rule 300 is not pnetd's") }
                }
                try lab.site.run("ip", "rule", "delete", "pref", "300")
                try waitUntil("the rule is named no longer") {
                    try daemon.status().warnings.allSatisfy { !$0.contains("rule 300") }
                }
            }
        }

        /// An ssh session, as far as addresses and ports go.
        @Test(.anyKernel) func whoManagesTheHostIsNeverLockedOut() throws {
            try scenario("management") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                _ = try lab.site.start("sshd", "socat", "TCP-LISTEN:22,fork,reuseaddr", "EXEC:cat")
                pause(.milliseconds(300))
                let session = try lab.cloud.start("ssh", "socat", "-T60", "TCP:203.0.113.2:22", "EXEC:sleep 60")
                try waitUntil("the session stands") {
                    try lab.site.run("ss", "-Htn", "state", "established", "sport", "=", ":22").contains("203.0.113.1")
                }
                let good = try text(daemon)
                try lab.site.write(
                    "pnetd.yaml",
                    good.replacing("[10.20.0.0/16, ", with: "[10.20.0.0/16, 203.0.113.0/29, ")
                )
                let plan = try daemon.pnetctl("plan")
                #expect(plan.status == 1)
                #expect(plan.output.contains("the connection from 203.0.113.1 to port 22 would be cut"))
                #expect(try daemon.pnetctl("apply", "--allow-interruption").status == 1)
                // A file that says that ssh is not management is no way around it.
                let other = try text(daemon) + "\nmanagement: {ports: [2222]}\n"
                try lab.site.write("pnetd.yaml", other)
                #expect(try daemon.pnetctl("plan").output.contains("from 203.0.113.1 to port 22 would be cut"))
                session.signal(SIGTERM)
                try session.wait()
            }
        }

        @Test(.anyKernel) func aTrialIsTakenBackUnlessItIsConfirmed() throws {
            try scenario("trial") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                let good = try text(daemon)
                let changed = good.replacing("historian A 10.20.0.10", with: "historian A 10.20.0.11")
                func historian() throws -> String { try daemon.dig("+short", "historian.plant.internal") }
                try waitUntil("names are answered") { try historian() == "10.20.0.10\n" }

                // The time is over.
                try lab.site.write("pnetd.yaml", changed)
                let late = try trial(lab, daemon, "late", for: "2s")
                try waitUntil("it is in force") { try historian() == "10.20.0.11\n" }
                #expect(try daemon.status().warnings.contains { $0.contains("on trial") })
                #expect(try daemon.pnetctl("reload").status == 1, "one thing at a time")
                #expect(try late.wait() == .status(1))
                #expect(late.output.contains("taken back: it was not confirmed in time"))
                try waitUntil("the earlier file is in force") { try historian() == "10.20.0.10\n" }
                #expect(try daemon.status().warnings.contains { $0.contains("was taken back") })
                let again = try daemon.pnetctl("reload")
                #expect(again.status == 1 && again.output.contains("was on trial and was taken back"))

                // Whoever applied it is gone.
                let lost = try trial(lab, daemon, "lost", for: "60s")
                try waitUntil("it is in force") { try historian() == "10.20.0.11\n" }
                lost.signal(SIGKILL)
                _ = try lost.wait()
                try waitUntil("the earlier file is in force", within: .seconds(1)) { try historian() == "10.20.0.10\n" }

                // The agent dies meanwhile.
                let orphan = try trial(lab, daemon, "orphan", for: "60s")
                try waitUntil("it is in force") { try historian() == "10.20.0.11\n" }
                try daemon.killAgent()
                _ = try orphan.wait()
                try daemon.start()
                try waitUntil("the earlier file is in force") { try historian() == "10.20.0.10\n" }
                #expect(try daemon.status().warnings.contains { $0.contains("was taken back") })

                // It is confirmed, from elsewhere.
                let kept = try trial(lab, daemon, "kept", for: "60s")
                try waitUntil("it is in force") { try historian() == "10.20.0.11\n" }
                #expect(try daemon.pnetctl("confirm").status == 0)
                #expect(try kept.wait() == .status(0))
                #expect(kept.output.contains("confirmed"))
                #expect(
                    try daemon.status().warnings.contains { $0.contains("trial") || $0.contains("taken back") } == false
                )
                #expect(try daemon.pnetctl("confirm").status == 1)
                try daemon.killAgent()
                try daemon.start()
                try waitUntil("it is in force") { try historian() == "10.20.0.11\n" }
                let page = try lab.site.attempt(["curl", "-s", "http://127.0.0.1:9731/metrics"]).output
                #expect(page.contains("pnetd_file_unconfirmed 0"))
            }
        }

        /// What a zone file holds is part of what is in force: a trial of it ends like any other, and nothing but a reload
        /// takes an edited one in. One that is broken as the agent starts costs its own names and nothing else.
        @Test(.anyKernel) func aZoneFileIsTakenBackAndNeverKeepsTheAgentDown() throws {
            try scenario("zone-file") { lab, daemon in
                let records = #"records: ["historian A 10.20.0.10", "gateway AAAA fd00:20::1"]"#
                try lab.site.write("pnetd.yaml", try text(daemon).replacing(records, with: "file: plant.zone"))
                func write(_ address: String) throws { try lab.site.write("plant.zone", "historian A \(address)\n") }
                func historian() throws -> String { try daemon.dig("+short", "historian.plant.internal") }
                try write("10.20.0.10")
                try daemon.start()
                try daemon.waitFor(path: .a)
                try waitUntil("names are answered") { try historian() == "10.20.0.10\n" }

                try write("10.20.0.11")
                let late = try trial(lab, daemon, "late", for: "2s")
                try waitUntil("it is in force") { try historian() == "10.20.0.11\n" }
                #expect(try late.wait() == .status(1))
                #expect(late.output.contains("taken back: it was not confirmed in time"), "\(late.output)")
                try waitUntil("the earlier text is in force") { try historian() == "10.20.0.10\n" }
                let again = try daemon.pnetctl("reload")
                #expect(again.status == 1 && again.output.contains("was on trial and was taken back"))

                let orphan = try trial(lab, daemon, "orphan", for: "60s")
                try waitUntil("it is in force") { try historian() == "10.20.0.11\n" }
                try daemon.killAgent()
                _ = try orphan.wait()
                try daemon.start()
                try waitUntil("the earlier text is in force") { try historian() == "10.20.0.10\n" }

                // Somebody slips, and the host boots.
                try write("10.20.0")
                #expect(try daemon.pnetctl("reload").output.contains("plant.zone:1:1: error: "))
                #expect(try historian() == "10.20.0.10\n")
                try lab.site.run("rm", "\(lab.site.folder)/state/unconfirmed.json")
                try daemon.killAgent()
                try daemon.start()
                try daemon.waitFor(path: .a)
                try waitUntil("its names are not answered") {
                    let answer = try daemon.dig("historian.plant.internal")
                    return answer.contains("SERVFAIL") && answer.contains("EDE: 24")
                }
                let status = try daemon.status().warnings
                #expect(status.contains { $0.contains("plant.zone:1:1: warning: 'A 10.20.0'") }, "\(status)")
                #expect(status.contains { $0.hasSuffix("(correct it, then pnetctl reload)") }, "\(status)")
                let page = try lab.site.attempt(["curl", "-s", "http://127.0.0.1:9731/metrics"]).output
                #expect(page.contains("pnetd_zones_unready 1\n"))
                try write("10.20.0.12")
                #expect(try daemon.pnetctl("reload").status == 0)
                try waitUntil("it is in force") { try historian() == "10.20.0.12\n" }
                #expect(try daemon.status().warnings.allSatisfy { !$0.contains("plant.zone") })
            }
        }

        /// It is read beside the agent's work: whoever asks meanwhile has an answer at once.
        @Test(.anyKernel) func aLargeZoneFileHoldsNobodyUp() throws {
            try scenario("large-zone") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                let records = #"records: ["historian A 10.20.0.10", "gateway AAAA fd00:20::1"]"#
                try lab.site.write("pnetd.yaml", try text(daemon).replacing(records, with: "file: plant.zone"))
                let hosts = (0..<20_000).map { "host\($0) A 10.20.\($0 / 256).\($0 % 256)\n" }
                try lab.site.write("plant.zone", hosts.joined())
                let clock = SystemClock()
                let start = clock.now
                let pnetctl = "\(try Daemon.programs)/pnetctl"
                let plan = try lab.site.start("plan", pnetctl, "plan", "--socket", daemon.socket)
                var longest = Duration.zero
                while plan.output.isEmpty, clock.now - start < .seconds(60) {
                    let asked = clock.now
                    _ = try daemon.status()
                    longest = max(longest, clock.now - asked)
                }
                let time = clock.now - start
                #expect(try plan.wait() == .status(2))
                print("a plan took \(time.shortText), and no status meanwhile more than \(longest.shortText)")
                #expect(longest < time / 2)
                #expect(try daemon.pnetctl("apply").status == 0)
                try waitUntil("names are answered") {
                    try daemon.dig("+short", "host19999.plant.internal") == "10.20.78.31\n"
                }
                #expect(try daemon.network().switches == 0)
            }
        }

        @Test func whatOthersUndoIsBackWithinASecondWithAName() throws {
            try scenario("undone") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                pause(.milliseconds(300))
                for (command, check) in [
                    (
                        "ip route delete unreachable 10.20.0.0/16 metric 4294967294 table 7000",
                        "unreachable 10.20.0.0/16"
                    ),
                    ("ip nexthop delete id 7204", "nhid 7204"), ("ip rule delete priority 899", ""),
                    ("ip link set pn-a mtu 1300", ""), ("ip address add 10.66.0.1/24 dev pn-a", ""),
                    ("ip address delete fd00:99::2/126 dev pn-a", ""),
                ] {
                    try lab.site.run(command.split(separator: " ").map(String.init))
                    try waitUntil("what '\(command)' undid is back", within: .seconds(1)) {
                        try lab.site.run("ip", "route", "show", "table", "7000").contains(check)
                            && lab.site.run("ip", "rule").contains("899:")
                            && lab.site.run("ip", "link", "show", "pn-a").contains("mtu 1440")
                            && !lab.site.run("ip", "address", "show", "pn-a").contains("10.66.0.1")
                            && lab.site.run("ip", "address", "show", "pn-a").contains("fd00:99::2")
                    }
                }
                try waitUntil("all are told of") { try daemon.status().foreignChanges.count >= 6 }
                let changes = try daemon.status().foreignChanges
                for object in [
                    "route 10.20.0.0/16", "nexthop 7204", "ipv4 rule 899", "interface pn-a", "address 10.66.0.1",
                    "address fd00:99::2",
                ] {
                    #expect(changes.contains { $0.object.contains(object) }, "\(object) in \(changes)")
                }
                #expect(changes.allSatisfy { $0.by.contains("process") || $0.by.contains("does not say who") })
                #expect(try daemon.pnetctl("status").output.contains("put right"))
                let page = try lab.site.attempt(["curl", "-s", "http://127.0.0.1:9731/metrics"]).output
                #expect(page.contains("pnetd_foreign_changes_total"))
                #expect(!page.contains("pnetd_foreign_changes_total 0"))
            }
        }

        /// It is looked for.
        @Test func whatNobodyTellsOfIsBackWithinASecond() throws {
            try scenario("untold") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                let gateway = try lab.site.run("wg", "show", "pn-a", "peers").dropLast()
                func shown() throws -> [String] {
                    try [
                        "ip link show pn-a", "sysctl -n net.ipv4.conf.pn-a.rp_filter",
                        "sysctl -n net.ipv4.conf.pn-a.src_valid_mark", "wg show pn-a persistent-keepalive",
                        "wg show pn-a endpoints",
                    ].map { try lab.site.run($0.split(separator: " ").map(String.init)) }
                }
                let before = try shown()
                let harmless = [
                    "ip link set pn-a alias mine", "sysctl -qw net.ipv4.conf.pn-a.rp_filter=1",
                    "sysctl -qw net.ipv4.conf.pn-a.src_valid_mark=0",
                    "wg set pn-a peer \(gateway) persistent-keepalive 99",
                ]
                // Nothing passes while the endpoint is wrong, so the path may rightly be left until it is back.
                for command in harmless + ["wg set pn-a peer \(gateway) endpoint 192.0.2.99:1"] {
                    try lab.site.run(command.split(separator: " ").map(String.init))
                    let time = try waitUntil("what '\(command)' undid is back", within: .milliseconds(1_500)) {
                        try shown() == before
                    }
                    print("\(command): back after \(time.shortText)")
                    if harmless.contains(command) { #expect(try daemon.network().switches == 0) }
                }
                try waitUntil("all are told of") { try daemon.status().foreignChanges.count >= 5 }
                let changes = try daemon.status().foreignChanges.map(\.object)
                #expect(Set(changes) == ["interface pn-a", "WireGuard on pn-a"])

                // What is taken down goes, whatever has become of its alias.
                try lab.site.run("ip", "link", "set", "pn-a", "alias", "mine")
                #expect(try daemon.pnetctl("down").status == 0)
                #expect(throws: (any Error).self) { try lab.site.run("ip", "link", "show", "pn-a") }
            }
        }
    }
}
