// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Lab
import NetworkTypes
import SystemIO
import Testing

extension Scenarios {
    /// A cloud with two tunnels that answers by the one that it likes.
    @Suite(.serialized)
    struct Detours {
        private static var options: SiteFile {
            var options = SiteFile()
            options.source = Lab.siteSources
            return options
        }

        private static let reason = "answers to its probes come in by"

        /// Waits until a path is down since its answers come in by another.
        private func waitForDetour(_ daemon: Daemon, of path: Tunnel, by other: Tunnel) throws {
            try waitUntil("\(path.path) is answered by \(other.path)", within: .seconds(15)) {
                let seen = try daemon.network().paths.first { $0.path.text == path.path }
                return seen?.verdict == .down
                    && seen?.reasons.contains { $0.hasPrefix("\(Self.reason) \(other.path):") } == true
            }
        }

        @Test func trafficGoesByTheTunnelThatTheCloudAnswersBy() throws {
            try scenario("detour", Self.options, farEnd: .routed) { lab, daemon in
                try lab.answerEverything(by: Tunnel.b.gatewayLink)
                try daemon.start()
                try daemon.waitFor(path: .b)
                try waitForDetour(daemon, of: .a, by: .b)
                let traffic = try Traffic(lab)
                let traffic6 = try Traffic(lab, to: Lab.target6)
                pause(.seconds(5))
                for result in [try traffic.stop(), try traffic6.stop()] {
                    #expect(result.lost == 0 && result.sent > 100)
                }
                let reasons = try daemon.network().paths.first { $0.path.text == Tunnel.a.path }?.reasons ?? []
                #expect(reasons.count == 2, "nothing else is said of the way: \(reasons)")
                let words = try daemon.pnetctl("explain", Tunnel.a.path).output.split { $0.isWhitespace }
                #expect(words.joined(separator: " ").contains("answers to its probes come in by vpn-b since 2"))

                let page = try lab.site.attempt(["curl", "-s", "-m", "10", "http://127.0.0.1:9731/metrics"]).output
                #expect(page.contains("pnetd_probes_answered_elsewhere_total{path=\"vpn-a\",by=\"vpn-b\"} "))
                #expect(page.contains("pnetd_path_answers_elsewhere{path=\"vpn-a\"} 1\n"))
                #expect(page.contains("pnetd_path_answers_elsewhere{path=\"vpn-b\"} 0\n"))

                // The cloud takes the other one, whose turn it is.
                try lab.impair(.b, .blackout)
                try lab.answerEverything(by: Tunnel.a.gatewayLink)
                let moved = try daemon.waitFor(path: .a, within: .seconds(5))
                try lab.heal(.b)
                try waitForDetour(daemon, of: .b, by: .a)
                let stays = try Traffic(lab)
                pause(.seconds(3))
                #expect(try stays.stop().lost == 0)

                // And the first again, without any failure.
                let following = try Traffic(lab)
                try lab.answerEverything(by: Tunnel.b.gatewayLink)
                let followed = try daemon.waitFor(path: .b, within: .seconds(5))
                try waitForDetour(daemon, of: .a, by: .b)
                pause(.seconds(1))
                let result = try following.stop()
                // What is not told of a question's way is answered all the time.
                #expect(result.lost == 0)
                print(
                    "detour: moved \(moved.shortText) after the cut, \(followed.shortText) after the cloud chose, lost "
                        + "\(result.lost) of \(result.sent)"
                )
            }
        }

        /// An address that goes and comes back takes no route with it.
        @Test(.anyKernel) func theSourceGoesAndComesBack() throws {
            try scenario("source", Self.options) { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                func sources() throws -> [String] {
                    try [["-4", "10.20.0.4"], ["-6", "fd00:20::4"]].flatMap { words in
                        let way = try lab.site.run(["ip", words[0], "route", "get", words[1]])
                        let bound = try lab.site.run(["ip", words[0], "route", "get", words[1], "oif", "pn-b"])
                        return [way, bound].map { String($0.firstMatch(of: #/src (\S+)/#)?.1 ?? "") }
                    }
                }
                let wanted = ["10.1.0.1", "10.1.0.1", "fd00:1::1", "fd00:1::1"]
                try waitUntil("the sources are those of the file") { try sources() == wanted }
                #expect(try daemon.pnetctl("plan").output.contains("nothing to do"))
                for (address, own) in [("10.1.0.1/24", "10.98.0.2"), ("fd00:1::1/64", "fd00:98::2")] {
                    try lab.site.run("ip", "address", "delete", address, "dev", "lan0")
                    try waitUntil("\(own) takes its place", within: .seconds(3)) { try sources().contains(own) }
                    try waitUntil("it is said", within: .seconds(3)) {
                        try daemon.status().warnings.contains { $0.contains("is no address of this host now") }
                    }
                    try daemon.waitFor(.b, .up)
                    try lab.site.run("ip", "address", "add", address, "dev", "lan0")
                    try waitUntil("it is the source again", within: .seconds(3)) { try sources() == wanted }
                }
                try waitUntil("nothing is said any more") {
                    try !daemon.status().warnings.contains { $0.contains("is no address of this host now") }
                }
                #expect(try daemon.network().path?.text == Tunnel.a.path)
            }
        }
    }
}
