// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Lab
import NetworkTypes
import SystemIO
import Testing

extension Scenarios {
    /// Paths that an operator takes out and gives back.
    @Suite(.serialized)
    struct Drain {
        private func through(_ daemon: Daemon, _ tunnel: Tunnel) throws -> StatusReport.Verdict? {
            try daemon.network().paths.first { $0.path.text == tunnel.path }?.verdict
        }

        @Test(.anyKernel) func aPathIsTakenOutAndGivenBackWithoutALostPacket() throws {
            try scenario("drain") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                try waitUntil("the spare path is up") { try daemon.status().paths.allSatisfy { $0.verdict == .up } }
                let traffic = try Traffic(lab, every: .milliseconds(2))
                pause(.milliseconds(300))

                let drained = try daemon.pnetctl("drain", "vpn-a")
                #expect(drained.status == 0 && drained.output == "vpn-a is drained\n  azure by vpn-b\n")
                #expect(try daemon.network().path?.text == Tunnel.b.path)
                #expect(try through(daemon, .a) == .drained)
                let status = try daemon.pnetctl("status")
                #expect(status.status == 0, "it is as its owner wants it")
                #expect(status.output.contains("taken out by hand (pnetctl undrain gives it back)"))
                #expect(try daemon.pnetctl("drain", "vpn-a").status == 0, "once more changes nothing")

                // The next agent keeps off it, too, and so does the next file.
                try daemon.killAgent()
                try daemon.start()
                try waitUntil("the path is known to be drained") { try through(daemon, .a) == .drained }
                #expect(try daemon.network().path?.text == Tunnel.b.path)
                let file = String(decoding: try Files.read(daemon.file), as: UTF8.self)
                try lab.site.write("pnetd.yaml", file.replacing("A 10.20.0.10", with: "A 10.20.0.11"))
                #expect(try daemon.pnetctl("reload").output == "reloaded\n")
                pause(.seconds(4))
                #expect(try daemon.network().path?.text == Tunnel.b.path, "longer than the hold")

                #expect(
                    try daemon.pnetctl("undrain", "vpn-a").output == "vpn-a is no longer drained\n  azure by vpn-b\n"
                )
                try daemon.waitFor(path: .a, within: .seconds(10))
                pause(.milliseconds(300))
                let result = try traffic.stop()
                print("a path drained and given back: \(result.lost) of \(result.sent) lost")
                #expect(result.lost == 0)
            }
        }

        @Test(.anyKernel) func aTrialThatIsTakenBackForgetsNoDrain() throws {
            try scenario("drain-trial") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                try daemon.waitFor(.b, .up)
                #expect(try daemon.pnetctl("drain", "vpn-b").status == 0)
                var alone = SiteFile()
                alone.paths = [.a]
                _ = try Daemon(lab, alone)
                let trial = try daemon.pnetctl("apply", "--confirm-within", "1s", "--allow-interruption")
                #expect(trial.status == 1 && trial.output.contains("taken back"), "\(trial.output)")
                try waitUntil("the path is there again, and drained") { try through(daemon, .b) == .drained }
                pause(.seconds(1))
                #expect(try through(daemon, .b) == .drained)
            }
        }

        @Test(.anyKernel) func theLastPathIsNotTakenByMistake() throws {
            try scenario("drain-last") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                try lab.impair(.b, .blackout)
                try daemon.waitFor(.b, .down)
                let refused = try daemon.pnetctl("drain", "vpn-a")
                #expect(refused.status == 1)
                #expect(
                    refused.output
                        == "pnetctl: vpn-a: azure would have no path; --allow-interruption cuts its traffic\n"
                )
                #expect(try through(daemon, .a) == .up)
                let unknown = try daemon.pnetctl("drain", "vpn-c")
                #expect(unknown.output == "pnetctl: vpn-c: there is no such path; there are vpn-a, vpn-b\n")
                #expect(try daemon.pnetctl("undrain", "vpn-a").output == "pnetctl: vpn-a: it is not drained\n")

                #expect(try daemon.pnetctl("drain", "vpn-a", "--allow-interruption").status == 0)
                try daemon.waitFor(path: nil)
                #expect(try daemon.network().state == .blocked)
                // A path that is back carries at once what was blocked; the drained one stays out.
                try lab.heal(.b)
                try daemon.waitFor(path: .b)
                #expect(try daemon.pnetctl("undrain", "vpn-a").status == 0)
                try daemon.waitFor(path: .a)
            }
        }

        /// How long an address is good, and which: `6 10.20.0.10`.
        private func answer(_ daemon: Daemon, _ name: String) throws -> String {
            let words = try daemon.dig("+noall", "+answer", name).split(whereSeparator: \.isWhitespace)
            return words.count == 5 ? "\(words[1]) \(words[4])" : ""
        }

        /// Names go public with the last path, and come back with it: not before those that clients hold have ended.
        @Test(.anyKernel) func clientsHoldNoNamesOfAPathThatIsLeft() throws {
            var options = SiteFile()
            options.whenDown = "public"
            options.paths = [.a]
            try scenario("drain-names", options) { lab, daemon in
                let (hub, historian) = ("hub1.privatelink.azure-devices.net", "historian.plant.internal")
                let file = String(decoding: try Files.read(daemon.file), as: UTF8.self)
                try lab.site.write(
                    "pnetd.yaml",
                    file.replacing("resolver:\n", with: "resolver:\n  path-bound-ttl: 6s\n")
                )
                try daemon.start()
                try daemon.waitFor(path: .a)
                try daemon.waitForNames()
                try waitUntil("clients hold names") { try answer(daemon, historian) == "6 10.20.0.10" }
                let clock = SystemClock()
                var start = clock.now
                let drain = try daemon.begin("drain", "drain", "vpn-a", "--allow-interruption")
                try waitUntil("they do for a second") { try answer(daemon, historian) == "1 10.20.0.10" }
                let warning = "vpn-a: drained in "
                #expect(try daemon.status().warnings.contains { $0.hasPrefix(warning) && $0.contains("azure") })
                #expect(try through(daemon, .a) == .up)
                #expect(try answer(daemon, hub).hasSuffix(" 10.20.0.4"))
                #expect(try drain.wait() == .status(0))
                #expect(clock.now - start >= .seconds(6))
                #expect(drain.output.contains("s for names of azure that clients hold\n"))
                #expect(drain.output.hasSuffix("vpn-a is drained\n  azure by no path\n"))
                try waitUntil("names are public") { try answer(daemon, hub) == "6 203.0.113.80" }

                // A file that is taken in meanwhile ends the wait.
                let early = try daemon.begin("early", "undrain", "vpn-a")
                try waitUntil("it waits") { early.output.contains("waiting") }
                let text = String(decoding: try Files.read(daemon.file), as: UTF8.self)
                try lab.site.write("pnetd.yaml", text.replacing("A 10.20.0.10", with: "A 10.20.0.11"))
                #expect(try daemon.pnetctl("reload").output == "reloaded\n")
                #expect(try early.wait() == .status(1))
                #expect(early.output.hasSuffix("pnetctl: vpn-a: the file was read again\n"))
                #expect(try daemon.status().warnings.allSatisfy { !$0.hasPrefix("vpn-a: given back") })
                #expect(try through(daemon, .a) == .drained)

                // Given back while it is not wanted any more.
                start = clock.now
                let back = try daemon.begin("back", "undrain", "vpn-a")
                try waitUntil("it waits") { back.output.contains("waiting") }
                #expect(try daemon.pnetctl("drain", "vpn-a").output == "vpn-a is drained\n  azure by no path\n")
                #expect(try back.wait() == .status(1))
                #expect(back.output.hasSuffix("pnetctl: vpn-a: it was drained again meanwhile\n"))
                #expect(try daemon.pnetctl("undrain", "vpn-a", "--now").status == 0)
                #expect(clock.now - start < .seconds(6))
                try daemon.waitFor(path: .a)
                try waitUntil("names are private") { try answer(daemon, hub) == "6 10.20.0.4" }
            }
        }
    }
}
