// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Lab
import NetworkTypes
import Testing

extension Scenarios {
    /// Why something is as it is, in words.
    @Suite(.serialized)
    struct Explain {
        @Test(.anyKernel) func everyStepOfAFailureIsExplained() throws {
            var options = SiteFile()
            options.failback = "6s"
            try scenario("explain", options) { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                try daemon.waitFor(.b, .up)
                func explain(_ name: String...) throws -> String {
                    let program = try Daemon.programs + "/pnetctl"
                    let options = ["--socket", daemon.socket, "explain", "--file", daemon.file] + name
                    // Whatever the width.
                    return try lab.site.attempt([program] + options).output.split { $0.isWhitespace }
                        .joined(separator: " ")
                }
                let whole = try explain()
                for words in [
                    "azure is up by vpn-a", "1. vpn-a is up", "carries its traffic", "2. vpn-b is up",
                    "stands by: the kernel falls to it by itself", "it answers after", "a failure is known within",
                    "vpn-a is up, for", "its interface pn-a is up", "last handshake", "lately",
                ] { #expect(whole.contains(words), "\(words) in \(whole)") }

                try lab.impair(.a, .blackout)
                try daemon.waitFor(path: .b)
                let cut = try explain("azure")
                for words in [
                    "azure is up by vpn-b", "when that was decided: icmp 10.20.0.4", "1. vpn-a is down",
                    "no answer for", "3 answers in a row bring it back", "path vpn-a -> vpn-b",
                ] { #expect(cut.contains(words), "\(words) in \(cut)") }
                #expect(!cut.contains("its interface"))

                try lab.heal(.a)
                try daemon.waitFor(.a, .up)
                #expect(try explain("azure").contains("takes its traffic back in"))
                #expect(try explain("vpn-a").hasPrefix("vpn-a is up"))

                // What it names in the kernel is there.
                let commands = try explain("azure", "--json").split(separator: "\"").filter {
                    $0.hasPrefix("ip ") || $0.hasPrefix("nft ")
                }
                #expect(commands.count == 7)
                for command in commands {
                    let shown = try lab.site.attempt(["sh", "-c", String(command)])
                    #expect(shown.status == 0 && !shown.output.isEmpty, "\(command)")
                }

                let unknown = try explain("azur")
                #expect(unknown == "pnetctl: nothing is called 'azur'; there are azure, vpn-a, vpn-b")
            }
        }

        /// By the counters of the tunnel: a target that is dead, a way that is cut, and one that carries back only.
        @Test(.anyKernel) func aSilentWayIsToldFromWhatLiesBehindIt() throws {
            try scenario("fault") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                func waitForReason(_ words: String...) throws {
                    let time = try waitUntil("\(words)", within: .seconds(25)) {
                        let path = try daemon.status().paths.first { $0.name.text == Tunnel.a.path }
                        return path?.reasons.contains { reason in words.contains { reason.contains($0) } } ?? false
                    }
                    print("'\(words[0])' after \(time.shortText)")
                }
                func waitUntilWell() throws {
                    try waitUntil("vpn-a is up", within: .seconds(20)) {
                        try daemon.status().paths.first { $0.name.text == Tunnel.a.path }?.verdict == .up
                    }
                }
                try lab.cloud.run(
                    "nft",
                    "-f",
                    "-",
                    input: """
                        table inet dead {
                          chain in {
                            type filter hook input priority 0
                            iifname "wg-a" icmp type echo-request drop
                          }
                        }
                        """
                )
                try waitForReason("packets come from the tunnel's far end", "what lies behind it does not answer")
                try lab.cloud.run("nft", "delete", "table", "inet", "dead")
                try waitUntilWell()

                try lab.impair(.a, .blackout)
                try waitForReason("it is the way that is broken")
                try lab.heal(.a)
                try waitUntilWell()

                let ping = try lab.cloud.start("ping", "ping", "-i", "0.5", "-I", "wg-a", "10.99.0.2")
                defer { _ = try? ping.stop() }
                try lab.impair(.a, .oneWayFromSite)
                try waitForReason("the way there is broken, or what lies behind it")
            }
        }
    }
}
