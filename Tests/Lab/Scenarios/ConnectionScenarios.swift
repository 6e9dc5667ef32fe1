// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Lab
import NetworkTypes
import SystemIO
import Testing

extension Scenarios {
    /// What the site's own TCP connections show of a path.
    @Suite(.serialized)
    struct Connections {
        private static let warning = "wait for acknowledgements in vain, though its targets answer"
        private static let reason = "TCP connections of this host by it wait for acknowledgements in vain"

        private func metric(_ lab: Lab, _ name: String, _ tunnel: Tunnel) throws -> Double {
            let page = try lab.site.attempt(["curl", "-s", "-m", "10", "http://127.0.0.1:9731/metrics"]).output
            let line = page.split(separator: "\n").first {
                $0.hasPrefix("pnetd_tcp_\(name){network=\"azure\",path=\"\(tunnel.path)\"}")
            }
            return line?.split(separator: " ").last.flatMap { Double($0) } ?? -1
        }

        private func reasons(_ daemon: Daemon, _ tunnel: Tunnel) throws -> [String] {
            try daemon.network().paths.first { $0.path.text == tunnel.path }?.reasons ?? []
        }

        /// A firewall in the cloud drops what is said to a port, and nothing else: that is said, and moves nothing. Then the
        /// path dies, and what waited is among its reasons; the connections live on by the other one.
        @Test func whatABarredPortShowsIsSaidAndMovesNothing() throws {
            try scenario("connections") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                let talks = try [Lab.target, Lab.target6].map { try Conversation(lab, with: $0) }
                try waitUntil("they are counted") { try metric(lab, "connections", .a) >= 2 }
                #expect(try metric(lab, "stalled_connections", .a) == 0)
                let switches = try daemon.network().switches

                try lab.cloud.run("nft", "add table inet bar")
                try lab.cloud.run("nft", "add chain inet bar in { type filter hook input priority -10; }")
                try lab.cloud.run("nft", "add rule inet bar in tcp dport \(Conversation.port) drop")
                let warned = try waitUntil("it is said", within: .seconds(15)) {
                    try daemon.status().warnings.contains {
                        $0.hasPrefix("vpn-a: 2 of 2 ") && $0.contains(Self.warning)
                    }
                }
                let switched = try daemon.network()
                #expect(switched.path?.text == Tunnel.a.path && switched.switches == switches)
                #expect(try daemon.network().paths.allSatisfy { $0.verdict == .up && $0.reasons.isEmpty })
                let explained = try daemon.pnetctl("explain", Tunnel.a.path).output
                    .split { $0.isWhitespace }.joined(separator: " ")
                #expect(
                    explained.contains("2 TCP connections of this host go by it, 2 of them wait for acknowledgements")
                )
                #expect(explained.contains("to 10.20.0.4:7010: ") && explained.contains("to [fd00:20::4]:7010: "))
                #expect(explained.contains("warning: vpn-a: 2 of 2 TCP connections"))
                #expect(try daemon.pnetctl("explain", "azure").output.contains("timeouts in a row"))
                try waitUntil("the metrics count it") {
                    try metric(lab, "stalled_connections", .a) == 2 && metric(lab, "retransmits_total", .a) >= 4
                }
                #expect(try metric(lab, "connections", .b) == 0 && metric(lab, "retransmits_total", .b) == 0)

                try lab.impair(.a, .blackout)
                let moved = try daemon.waitFor(path: .b, within: .seconds(5))
                #expect(try reasons(daemon, .a).contains { $0.hasPrefix(Self.reason) })
                let events = try lab.site.run("\(try Daemon.programs)/pnetctl", "events", "--file", daemon.file)
                #expect(events.contains(Self.reason), "\(events)")
                #expect(try daemon.status().warnings.allSatisfy { !$0.hasPrefix("vpn-a: 2 of") })

                try lab.cloud.run("nft", "delete", "table", "inet", "bar")
                let before = talks.map(\.answers)
                try waitUntil("they get on by the other path", within: .seconds(40)) {
                    zip(talks, before).allSatisfy { $0.answers > $1 + 5 }
                }
                try waitUntil("nothing is said any more") {
                    try daemon.status().warnings.allSatisfy { !$0.contains(Self.warning) }
                        && metric(lab, "stalled_connections", .b) == 0
                }
                print("connections: said after \(warned.shortText), moved \(moved.shortText) after the cut")
            }
        }
    }
}
