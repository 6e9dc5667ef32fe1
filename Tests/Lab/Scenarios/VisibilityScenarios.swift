// SPDX-License-Identifier: Apache-2.0

import CLinux
import ControlAPI
import Lab
import NetworkTypes
import SystemIO
import Testing

extension Scenarios {
    /// What happens is seen from outside.
    @Suite(.serialized)
    struct Visibility {
        @Test(.anyKernel) func alertsFireOnceAndResolve() throws {
            var options = SiteFile()
            options.degraded = "{loss: 5%}"
            options.alerts = "[{webhook: \"http://203.0.113.1:8080/hook\"}, {command: [/bin/sh, RECORDER]}]"
            try scenario("alerts", options) { lab, daemon in
                let recorder = try lab.site.write(
                    "recorder.sh",
                    "cat >> \(lab.site.folder)/run/alerts.jsonl; echo >> \(lab.site.folder)/run/alerts.jsonl\n"
                )
                let file = String(decoding: try Files.read(daemon.file), as: UTF8.self)
                try lab.site.write("pnetd.yaml", file.replacing("RECORDER", with: recorder))
                try Program.must(["chmod", "777", "\(lab.site.folder)/run"])
                try daemon.start()
                try daemon.waitFor(path: .a)
                for tunnel in Tunnel.allCases { try lab.impair(tunnel, .tunnelsOnly) }
                try daemon.waitFor(path: nil, within: .seconds(3))
                // Nobody listens at the webhook yet: the alert waits and is tried again.
                pause(.seconds(2))
                let receiver = try AlertReceiverServer(lab, port: 8080)
                for tunnel in Tunnel.allCases { try lab.heal(tunnel) }
                try daemon.waitFor(path: .a, within: .seconds(20))
                try waitUntil("both alerts arrived", within: .seconds(20)) { receiver.bodies.count >= 2 }
                pause(.seconds(3))
                // The only path that is left turns bad, and good again.
                try lab.impair(.b, .blackout)
                try daemon.waitFor(.b, .down)
                try lab.impair(.a, .exactLoss(every: 4))
                try waitUntil("the network is degraded", within: .seconds(30)) {
                    try daemon.network().state == .degraded
                }
                try waitUntil("the alert arrived") { receiver.bodies.count >= 3 }
                try lab.heal(.a)
                try waitUntil("it is well again", within: .seconds(60)) { try daemon.network().state == .up }
                try waitUntil("all alerts arrived", within: .seconds(20)) { receiver.bodies.count >= 4 }
                pause(.seconds(1))
                let bodies = receiver.bodies
                #expect(bodies.count == 4, "never twice: \(bodies)")
                for (body, words) in zip(
                    bodies,
                    [
                        ["\"status\":\"firing\"", "\"from\":\"up\"", "\"to\":\"blocked\"", "\"path\":null"],
                        ["\"status\":\"resolved\"", "\"from\":\"blocked\"", "\"to\":\"up\"", "\"path\":\"vpn-"],
                        [
                            "\"status\":\"firing\"", "\"from\":\"up\"", "\"to\":\"degraded\"",
                            "of the probes lost, more than",
                        ],
                        ["\"status\":\"resolved\"", "\"from\":\"degraded\"", "\"to\":\"up\""],
                    ]
                ) {
                    for word in words + ["\"site\":\"lab\"", "\"network\":\"azure\"", "\"reasons\":", "\"since\":"] {
                        #expect(body.contains(word), "\(word) in \(body)")
                    }
                }
                let recorded = String(decoding: try Files.read("\(lab.site.folder)/run/alerts.jsonl"), as: UTF8.self)
                #expect(recorded.split(separator: "\n").map(String.init) == bodies)
            }
        }

        @Test func metricsAreCleanAndHealthFollowsTheNetwork() throws {
            try scenario("metrics") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                try daemon.waitForNames()
                let get = { (path: String) in
                    try lab.site.attempt(["curl", "-s", "-w", "%{http_code}", "http://127.0.0.1:9731\(path)"]).output
                }
                try waitUntil("the frontend serves") { try get("/healthz").hasSuffix("200") }
                #expect(try daemon.pnetctl("status").status == 0, "all is well")
                let page = String(try get("/metrics").dropLast(3))
                for line in [
                    "pnetd_network_state{network=\"azure\",state=\"up\"} 1",
                    "pnetd_network_active_path{network=\"azure\",path=\"vpn-a\"} 1", "pnetd_path_up{path=\"vpn-b\"} 1",
                    "pnetd_process_up{process=\"resolver\"} 1",
                ] { #expect(page.contains(line), "\(line)") }
                let lint = try Program.run(["promtool", "check", "metrics"], input: page)
                #expect(lint.status == 0 && lint.output.isEmpty, "\(lint.output)")
                for tunnel in Tunnel.allCases { try lab.impair(tunnel, .tunnelsOnly) }
                try daemon.waitFor(path: nil, within: .seconds(3))
                let health = try get("/healthz")
                #expect(health.hasSuffix("503") && health.contains("azure is blocked"))
            }
        }
    }
}
