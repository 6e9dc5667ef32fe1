// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Lab
import NetworkTypes
import SystemIO
import Testing

extension Scenarios {
    /// Keys that change while traffic flows, at this end by `pnetctl rotate` and at the other.
    @Suite(.serialized)
    struct Rotate {
        private static let allowed = "10.99.0.2/32,fd00:99::2/128,10.1.0.0/16,fd00:1::/64"

        private func key(_ lab: Lab, _ ending: String = "") -> String { "\(lab.site.folder)/keys/vpn-a.key\(ending)" }

        private func text(_ file: String) -> String? {
            (try? Files.read(file)).map { String(decoding: $0, as: UTF8.self) }
        }

        private func command(_ daemon: Daemon) throws -> [String] {
            ["\(try Daemon.programs)/pnetctl", "--socket", daemon.socket, "rotate", "vpn-a", "--file", daemon.file]
        }

        private func rotate(_ daemon: Daemon, _ lab: Lab, _ options: String...) throws -> Program.Result {
            try lab.site.attempt(command(daemon) + options)
        }

        /// Makes the next key and makes it known at the other end, beside the old one: as a peer that carries nothing.
        private func prepare(_ daemon: Daemon, _ lab: Lab) throws -> String {
            let made = try rotate(daemon, lab, "--prepare")
            #expect(made.status == 0, "\(made.output)")
            let next = try #require(made.output.split(separator: "\n").dropFirst().first).drop { $0 == " " }
            let file = try #require(text(key(lab, ".next")))
            #expect(try Program.must(["wg", "pubkey"], input: file).hasPrefix(next))
            #expect(!made.output.contains(file.prefix(20)))
            let psk = "\(lab.site.folder)/keys/vpn-a-psk.key"
            try lab.cloud.run("wg", "set", "wg-a", "peer", String(next), "preshared-key", psk)
            return String(next)
        }

        @Test func aKeyIsRotatedWithoutALostPacket() throws {
            try scenario("rotate") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                try waitUntil("the spare path is up") { try daemon.status().paths.allSatisfy { $0.verdict == .up } }
                #expect(try rotate(daemon, lab).output.contains("--prepare makes one"))
                let next = try prepare(daemon, lab)
                #expect(try rotate(daemon, lab, "--prepare").status == 1, "the other end may know it already")
                let (old, new) = (text(key(lab)), text(key(lab, ".next")))

                let traffic = try Traffic(lab, every: .milliseconds(2))
                let running = try lab.site.start("rotate", try command(daemon))
                try daemon.waitFor(path: .b)
                #expect(try daemon.pnetctl("reload").output.contains("is being rotated"))
                try waitUntil("the new key is known") {
                    let handshakes = try lab.cloud.run("wg", "show", "wg-a", "latest-handshakes")
                    return handshakes.split(separator: "\n").contains { $0.hasPrefix(next) && !$0.hasSuffix("\t0") }
                }
                #expect(
                    try daemon.status().warnings.contains {
                        $0.hasPrefix("vpn-a: its private key is being rotated: ")
                    }
                )
                // What the operator of the other end does, or a pnetd there by itself.
                try lab.cloud.run("wg", "set", "wg-a", "peer", next, "allowed-ips", Self.allowed)
                try running.wait()
                #expect(
                    running.output.contains("targets answer\n") && running.output.contains("rotated;"),
                    "\(running.output)"
                )
                #expect(text(key(lab)) == new && text(key(lab, ".old")) == old && text(key(lab, ".next")) == nil)
                try daemon.waitFor(path: .a)
                let result = try traffic.stop()
                print("a rotated key: \(result.lost) of \(result.sent) lost")
                #expect(result.lost == 0)
                let page = try lab.site.run("curl", "-s", "http://127.0.0.1:9731/metrics")
                #expect(page.contains("pnetd_key_rotations_total{result=\"kept\"} 1\n"))

                // The next agent goes by the same key, and so does the next file.
                #expect(try daemon.pnetctl("plan").status == 0)
                try daemon.killAgent()
                try daemon.start()
                try daemon.waitFor(path: .a)
                #expect(try daemon.pnetctl("plan").status == 0)
            }
        }

        @Test(.anyKernel) func aKeyThatNobodyKnowsIsTakenBack() throws {
            try scenario("unknown-key") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                try waitUntil("the spare path is up") { try daemon.status().paths.allSatisfy { $0.verdict == .up } }
                #expect(try rotate(daemon, lab, "--prepare").status == 0)
                let old = text(key(lab))
                let traffic = try Traffic(lab, every: .milliseconds(2))
                let result = try rotate(daemon, lab, "--within", "2s")
                #expect(result.status == 1)
                #expect(
                    result.output.contains(
                        "the old key is in force again: the peers have not shaken hands with the new key, after 2.0s"
                    ),
                    "\(result.output)"
                )
                #expect(text(key(lab)) == old && text(key(lab, ".next")) != nil)
                try daemon.waitFor(path: .a, within: .seconds(30))
                #expect(try traffic.stop().lost == 0)

                // Whoever asked leaves meanwhile.
                let running = try lab.site.start("rotate", try command(daemon))
                try daemon.waitFor(path: .b)
                running.signal(2)
                try waitUntil("it is taken back") { daemon.log.contains("whoever asked for it left") }
                #expect(try rotate(daemon, lab, "--cancel").status == 0)
                #expect(text(key(lab, ".next")) == nil)
                try daemon.waitFor(path: .a, within: .seconds(30))
            }
        }

        @Test(.anyKernel) func whatWouldDoHarmIsRefused() throws {
            try scenario("refused-key") { lab, daemon in
                let file = String(decoding: try Files.read(daemon.file), as: UTF8.self)
                try lab.site.write(
                    "pnetd.yaml",
                    file.replacing("private-key-file: keys/vpn-b.key", with: "private-key-file: keys/vpn-a.key")
                )
                try daemon.start()
                try daemon.waitFor(path: .a)
                let next = key(lab, ".next")
                #expect(try rotate(daemon, lab, "--cancel").output == "vpn-a: no key was prepared\n")
                #expect(try rotate(daemon, lab, "--prepare").status == 0)
                #expect(try rotate(daemon, lab).output.contains("vpn-b has the same key file"))
                try lab.site.run("chmod", "644", next)
                let made = text(next)
                let again = try rotate(daemon, lab, "--prepare")
                #expect(again.status == 1 && again.output.contains("is open to others"), "\(again.output)")
                #expect(text(next) == made, "the other end may know it already")
                #expect(try rotate(daemon, lab, "--cancel").output == "vpn-a: the prepared key is removed\n")
                #expect(try rotate(daemon, lab, "--prepare", "--cancel").status == 64)
                try lab.site.write("pnetd.yaml", file)
                #expect(try daemon.pnetctl("reload").status == 0)
                #expect(try rotate(daemon, lab, "--prepare").status == 0)
                let short = try rotate(daemon, lab, "--within", "1s")
                #expect(short.status == 1 && short.output.contains("a rotation takes"), "\(short.output)")
                let unknown = try lab.site.attempt(
                    ["\(try Daemon.programs)/pnetctl", "rotate", "vpn-x", "--file", daemon.file]
                )
                #expect(unknown.status == 1 && unknown.output.contains("has no path 'vpn-x'"))
                #expect(try daemon.network().path?.text == "vpn-a")
            }
        }

        @Test(.anyKernel) func aPathWithoutAnotherIsAskedFor() throws {
            var options = SiteFile()
            options.paths = [.a]
            try scenario("only-path", options) { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                let next = try prepare(daemon, lab)
                let refused = try rotate(daemon, lab)
                #expect(refused.status == 1)
                #expect(refused.output.contains("azure would have no path meanwhile"), "\(refused.output)")
                try lab.cloud.run("wg", "set", "wg-a", "peer", next, "allowed-ips", Self.allowed)
                let result = try rotate(daemon, lab, "--allow-interruption")
                #expect(result.status == 0, "\(result.output)")
                try daemon.waitFor(path: .a)
            }
        }

        /// Traffic keeps off the path meanwhile: the other end's rotation costs nothing then.
        @Test(.anyKernel) func theOtherEndRotatesItsKeyWhileThePathIsDrained() throws {
            try scenario("drained-key") { lab, daemon in
                let old = try lab.publicKey(lab.cloud, "gw-a")
                let next = try lab.makeKey(lab.cloud, "gw-a-next")
                let file = String(decoding: try Files.read(daemon.file), as: UTF8.self)
                let keys = "public-key: \(old)\n        next-public-key: \(next.publicKey)"
                try lab.site.write("pnetd.yaml", file.replacing("public-key: \(old)", with: keys))
                try daemon.start()
                try daemon.waitFor(path: .a)
                try waitUntil("the spare path is up") { try daemon.status().paths.allSatisfy { $0.verdict == .up } }
                let traffic = try Traffic(lab, every: .milliseconds(2))
                pause(.milliseconds(300))
                #expect(try daemon.pnetctl("drain", "vpn-a").status == 0)
                try daemon.waitFor(path: .b)
                pause(.milliseconds(300))
                // A ping of the other end's own has it shake hands; the answer leaves by the other path.
                let command =
                    "wg set wg-a private-key \(next.file); ping -c 3 -i 0.2 -I \(Lab.target) 10.99.0.2 || true"
                try lab.cloud.run("sh", "-c", command)
                try waitUntil("the key is taken over") {
                    try lab.site.run("wg", "show", "pn-a", "allowed-ips").contains("\(old)\t(none)")
                }
                try waitUntil("the path answers again") {
                    try daemon.network().paths.first { $0.path.text == "vpn-a" }?.verdict == .drained
                }
                #expect(try daemon.pnetctl("undrain", "vpn-a").status == 0)
                try daemon.waitFor(path: .a, within: .seconds(20))
                pause(.milliseconds(300))
                let result = try traffic.stop()
                print("a key rotated at the other end of a drained path: \(result.lost) of \(result.sent) lost")
                #expect(result.lost == 0)
            }
        }

        /// The other end takes its new key in force; nobody touches this one.
        @Test func theOtherEndRotatesItsKey() throws {
            try scenario("next-key") { lab, daemon in
                let old = try lab.publicKey(lab.cloud, "gw-a")
                let next = try lab.makeKey(lab.cloud, "gw-a-next")
                let file = String(decoding: try Files.read(daemon.file), as: UTF8.self)
                    .replacing(
                        "public-key: \(old)",
                        with: "public-key: \(old)\n        next-public-key: \(next.publicKey)"
                    )
                try lab.site.write("pnetd.yaml", file)
                try daemon.start()
                try daemon.waitFor(path: .a)
                #expect(try lab.site.run("wg", "show", "pn-a", "allowed-ips").contains("\(next.publicKey)\t(none)"))
                let changing = try Traffic(lab, every: .milliseconds(5))
                // A ping of the other end's own has it shake hands.
                let command = "wg set wg-a private-key \(next.file); ping -c 3 -i 0.2 -I \(Lab.target) 10.1.0.1 || true"
                try lab.cloud.run("sh", "-c", command)
                try waitUntil("the key is taken over") {
                    try lab.site.run("wg", "show", "pn-a", "allowed-ips").contains("\(old)\t(none)")
                }
                pause(.seconds(1))
                let result = try changing.stop()
                print("a key rotated at the other end: \(result.lost) lost, longest gap \(result.longestGap.shortText)")
                #expect(result.longestGap < Stage.here.limit(.milliseconds(500)))
                #expect(try daemon.network().path?.text == Tunnel.a.path)
                #expect(
                    try daemon.status().warnings.contains {
                        $0.hasPrefix("vpn-a: the peer \(old) goes by its next-public-key")
                    }
                )
                // The next agent does not take it back.
                let traffic = try Traffic(lab, every: .milliseconds(5))
                try daemon.killAgent()
                try daemon.start()
                try daemon.waitFor(path: .a)
                pause(.seconds(1))
                #expect(try traffic.stop().lost == 0)
                // Nor does the file that the operator tidies up.
                try lab.site.write(
                    "pnetd.yaml",
                    file.replacing("public-key: \(old)\n        next-public-key:", with: "public-key:")
                )
                #expect(try daemon.pnetctl("apply").status == 0)
                #expect(try !lab.site.run("wg", "show", "pn-a", "peers").contains(old))
                try daemon.waitFor(path: .a)
            }
        }
    }
}
