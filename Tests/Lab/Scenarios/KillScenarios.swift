// SPDX-License-Identifier: Apache-2.0

import CLinux
import ControlAPI
import Lab
import NetworkTypes
import SystemIO
import Testing

extension Scenarios {
    /// SIGKILL for each process in turn, under traffic and questions: what was lost, in a table.
    @Suite(.serialized)
    struct Kills {
        private enum Victim: String, CaseIterable {
            case agent = "pnetd run"
            case resolver = "pnetd resolver"
            case frontend = "pnetd-frontend"
            case tunnel = "--foreground pn-a"
        }

        private struct Row {
            let victim: Victim
            let traffic: Traffic.Result
            let questions: DNSLoad.Result
            /// From the kill, or the next agent's first word, until all processes are connected again.
            let attached: [Duration]

            var text: String {
                let times = attached.map(\.shortText).joined(separator: " ")
                return "KILLS \(victim): \(traffic.lost) of \(traffic.sent) packets, \(questions.lost) of "
                    + "\(questions.sent) questions lost, \(questions.failed) SERVFAIL; attached after \(times)"
            }
        }

        private static let kills = 5

        private func isWhole(_ daemon: Daemon) -> Bool {
            guard let status = try? daemon.status() else { return false }
            return status.resolver?.state == .up && status.frontend?.state == .up
        }

        private func kill(_ victim: Victim, _ lab: Lab, _ daemon: Daemon) throws -> Duration {
            let clock = SystemClock()
            let before = lab.site.processes(running: victim.rawValue)
            var start = clock.now
            if victim == .agent {
                try daemon.killAgent()
                try daemon.start()
                start = clock.now
            } else {
                for pid in before { CLinux.kill(pid, SIGKILL) }
                try waitUntil("another \(victim) is there") {
                    let now = lab.site.processes(running: victim.rawValue)
                    return !now.isEmpty && Set(now).isDisjoint(with: before)
                }
            }
            try waitUntil("all are connected") { isWhole(daemon) }
            return clock.now - start
        }

        private func row(_ victim: Victim, _ lab: Lab, _ daemon: Daemon) throws -> Row {
            try daemon.waitFor(path: .a, within: .seconds(20))
            try waitUntil("all are connected") { isWhole(daemon) }
            try daemon.waitForNames()
            let traffic = try Traffic(lab, every: .milliseconds(1))
            let questions = try DNSLoad(lab, rate: 1_000, for: .seconds(60))
            pause(.milliseconds(500))
            var attached: [Duration] = []
            for _ in 0..<Self.kills {
                attached.append(try kill(victim, lab, daemon))
                if victim == .tunnel { try daemon.waitFor(path: .a, within: .seconds(20)) }
                pause(.milliseconds(500))
            }
            return Row(
                victim: victim,
                traffic: try traffic.stop(),
                questions: try questions.stop(),
                attached: attached
            )
        }

        /// A resolver that has stopped reading is killed: all that waited in its sockets is answered by the next one.
        @Test(.anyKernel) func whatWaitsInTheSocketsIsAnsweredByTheNextResolver() throws {
            try scenario("queue") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                try daemon.waitForNames()
                let stopped = lab.site.processes(running: Victim.resolver.rawValue)
                for pid in stopped { CLinux.kill(pid, SIGSTOP) }
                let questions = try DNSLoad(lab, rate: 500, for: .seconds(2))
                pause(.seconds(1))
                // `UNCONN 4608 0 10.1.0.1:53 0.0.0.0:*`, a line a worker; the questions of one client go to one of them.
                let queues = try lab.site.run("ss", "-Hlnu", "sport = :53").split(separator: "\n").map {
                    $0.split(separator: " ")[1]
                }
                #expect(queues.contains { $0 != "0" }, "some wait")
                for pid in stopped { CLinux.kill(pid, SIGKILL) }
                let result = try questions.wait()
                print("a resolver that was killed with its queue: \(result.lost) of \(result.sent) questions lost")
                #expect(result.sent > 500 && result.lost == 0 && result.failed == 0)
            }
        }

        @Test(.anyKernel) func nothingIsLostButWhatWasInsideTheKilled() throws {
            var options = SiteFile()
            // The tunnel is killed more often than a path may go down and be trusted.
            options.damping = false
            try scenario("kills", options) { lab, daemon in
                try daemon.start()
                for victim in Victim.allCases where victim != .tunnel || !Stage.here.hasWireGuard {
                    let row = try row(victim, lab, daemon)
                    print(row.text)
                    #expect(row.traffic.sent > 500)
                    #expect(row.questions.sent > 1_500)
                    #expect(row.questions.failed == 0)
                    // What the tunnel's process held, and what went to its interface while the kernel took that away.
                    #expect(victim == .tunnel || row.traffic.lost == 0)
                    #expect(row.traffic.longestGap <= .milliseconds(300))
                    // What it had read and not answered.
                    #expect(row.questions.lost <= (victim == .resolver ? Self.kills * 2 : 0))
                    if victim != .tunnel {
                        // Not the slowest of them: tunnels, pings and questions share two cores with what is started.
                        let second = row.attached.sorted()[1]
                        #expect(second <= .milliseconds(200), "\(row.text)")
                    }
                }
            }
        }
    }
}
