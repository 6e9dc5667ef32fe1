// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Lab
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
    }
}
