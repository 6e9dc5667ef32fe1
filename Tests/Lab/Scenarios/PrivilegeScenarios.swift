// SPDX-License-Identifier: Apache-2.0

import CLinux
import ControlAPI
import Lab
import NetworkTypes
import ProcessLink
import SystemIO
import Testing

extension Scenarios {
    /// What the processes may do, and what others may do to them.
    @Suite(.serialized)
    struct Privilege {
        private func process(_ lab: Lab, _ command: String) throws -> pid_t {
            try #require(lab.site.processes(running: command).first)
        }

        private func expectNoPrivilege(_ thread: ThreadStatus) {
            for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] { #expect(thread.capabilities(set) == 0) }
            #expect(thread["NoNewPrivs"] == "1")
            for ids in ["Uid", "Gid"] { #expect(thread[ids]?.split(separator: " ").contains("0") == false) }
            #expect(thread["Groups"] == "")
        }

        /// dnsperf over one transport: how many were asked and how many answered.
        private func load(_ lab: Lab, _ transport: String, _ questions: String) throws -> (sent: Int, answered: Int) {
            let report = try lab.site.run(
                "dnsperf",
                "-m",
                transport,
                "-s",
                "10.1.0.1",
                "-d",
                questions,
                "-l",
                "2",
                "-Q",
                "1000",
                "-c",
                "4"
            )
            let number = { (label: String) in
                report.split(separator: "\n").first { $0.contains(label) }
                    .flatMap { $0.split(separator: " ").compactMap { Int($0) }.first } ?? 0
            }
            return (number("Queries sent"), number("Queries completed"))
        }

        @Test func theResolverServesUnderItsFilter() throws {
            try scenario("filter") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                try daemon.waitForNames()
                let resolver = try process(lab, "pnetd resolver")
                // From a record, through a path, from an upstream.
                let questions = try lab.site.write(
                    "questions",
                    "historian.plant.internal A\nhub1.privatelink.azure-devices.net A\nnone.privatelink.azure-devices.net A\n"
                        + "www.example.net A\n"
                )
                for transport in ["udp", "tcp"] {
                    let (sent, answered) = try load(lab, transport, questions)
                    print("filter: \(transport) \(answered) of \(sent) answered")
                    #expect(sent > 100 && answered == sent)
                }
                // It lives through the agent's death, a reload and a change of its zones.
                try daemon.killAgent()
                #expect(try daemon.dig("+short", "hub2.privatelink.azure-devices.net") == "10.20.0.5\n")
                try daemon.start()
                try daemon.waitFor(path: .a)
                let good = String(decoding: try Files.read(daemon.file), as: UTF8.self)
                try lab.site.write(
                    "pnetd.yaml",
                    good.replacing("historian A 10.20.0.10", with: "historian A 10.20.0.11")
                )
                #expect(try daemon.pnetctl("reload").status == 0)
                try waitUntil("the new record is answered") {
                    try daemon.dig("+short", "historian.plant.internal") == "10.20.0.11\n"
                }
                #expect(lab.site.processes(running: "pnetd resolver") == [resolver], "\(daemon.log.suffix(9_000))")
                let all = try ThreadStatus.all(of: resolver)
                #expect(all.count > 1)
                for thread in all {
                    expectNoPrivilege(thread)
                    #expect(thread["Seccomp"] == "2")
                }
                try daemon.stop()
                try waitUntil("it ends when it is told to") { lab.site.processes(running: "pnetd resolver").isEmpty }
            }
        }

        @Test func theFrontendHasNoPrivilege() throws {
            try scenario("frontend") { lab, daemon in
                try daemon.start()
                try waitUntil("the frontend serves") {
                    try lab.site.attempt(["curl", "-s", "http://127.0.0.1:9731/metrics"]).status == 0
                }
                for thread in try ThreadStatus.all(of: process(lab, "pnetd-frontend")) { expectNoPrivilege(thread) }
            }
        }

        /// Only root may look inside, not even another process of the same user.
        @Test func nobodyLooksInside() throws {
            try scenario("inside") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                let commands = ["pnetd resolver", "pnetd-frontend"]
                try waitUntil("they run") { commands.allSatisfy { !lab.site.processes(running: $0).isEmpty } }
                let account = LinkRole.resolver.account
                let user = ["setpriv", "--reuid=\(account.user)", "--regid=\(account.group)", "--clear-groups"]
                // An ordinary process of that user can be read by its like: the question is a fair one.
                let other = try lab.site.start("other", user[0], user[1], user[2], user[3], "sleep", "60")
                try waitUntil("it runs") { !lab.site.processes(running: "sleep 60").isEmpty }
                let read = { (pid: pid_t) in
                    try lab.site.attempt(
                        user + ["sh", "-c", "head -c 1 /proc/\(pid)/environ && exec 3</proc/\(pid)/mem"]
                    )
                }
                try waitUntil("its like reads it") {
                    // It is on its way from one program to the next.
                    try lab.site.processes(running: "sleep 60").first.map { try read($0).status == 0 } ?? false
                }
                for command in commands {
                    let refused = try read(try process(lab, command))
                    #expect(refused.status != 0 && refused.output.contains("Permission denied"))
                }
                other.signal(SIGKILL)
            }
        }

        @Test func noProcessLeavesACore() throws {
            try scenario("core") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                let commands = ["pnetd run", "pnetd resolver", "pnetd-frontend", "wireguard-go"]
                var holders: [pid_t] = []
                // Each of them was for a moment what started it: two of one name, or none yet.
                try waitUntil("each has become what it is") {
                    holders = commands.flatMap { lab.site.processes(running: $0) }
                    return holders.count == 3 + Stage.here.userspaceTunnels
                }
                for pid in holders {
                    let limits = try Program.must(["grep", "Max core file size", "/proc/\(pid)/limits"])
                    #expect(limits.split(separator: " ").dropFirst(4).prefix(2) == ["1", "1"])
                }
                let pattern = String(decoding: try Files.read("/proc/sys/kernel/core_pattern"), as: UTF8.self)
                // Where cores go to a program or a fixed place we cannot look for ours without touching the host.
                guard !pattern.hasPrefix("|"), !pattern.contains("/") else {
                    return print("core: by limits only, since cores go to \(pattern)")
                }
                let cores = { (folder: String) in
                    try Program.must(["ls", folder]).split(separator: "\n").filter {
                        $0.hasPrefix(pattern.prefix { $0 > "%" })
                    }
                }
                // A process without our limit leaves one in its folder.
                let folder = "\(lab.site.folder)/cores"
                try Files.makeDirectory(folder)
                let other = try lab.site.start(
                    "other",
                    "sh",
                    "-c",
                    "cd \(folder) && ulimit -c unlimited && exec sleep 60"
                )
                try waitUntil("it sleeps") {
                    // The shell's own line has these words too.
                    try lab.site.processes(running: "sleep 60").contains {
                        try Files.read("/proc/\($0)/comm", limit: 64).starts(with: "sleep".utf8)
                    }
                }
                other.signal(SIGQUIT)
                try other.wait()
                guard try !cores(folder).isEmpty else {
                    return print("core: by limits only, since this host makes none")
                }
                let places = try Set(holders.map { try Files.linkTarget("/proc/\($0)/cwd") })
                let before = try places.map(cores)
                // The runtime's own handler takes the first one, and finds that it may not start its backtracer.
                try waitUntil("they are gone") {
                    let left = Set(holders).intersection(lab.site.processes)
                    for pid in left { kill(pid, SIGQUIT) }
                    return left.isEmpty
                }
                #expect(try places.map(cores) == before)
            }
        }

        /// It reads what strangers send, so it has no more than its unit would give it.
        @Test(.userspaceWireGuard) func userspaceWireGuardHasNoMoreThanItsUnitGives() throws {
            try scenario("tunnel") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                for thread in try ThreadStatus.all(of: process(lab, "wireguard-go")) {
                    for set in ["CapEff", "CapPrm", "CapBnd"] { #expect(thread.capabilities(set) == 1 << 12, "\(set)") }
                }
            }
        }
    }
}
