// SPDX-License-Identifier: Apache-2.0

import CLinux
import ControlAPI
import Lab
import NetworkTypes
import SystemIO
import Testing

extension Scenarios {
    /// Keys are where they have to be, and nowhere else.
    @Suite(.serialized)
    struct Secrets {
        /// A key of the site, and its forms.
        private struct Key {
            let name: String
            let text: String
            let forms: SecretForms

            init(_ name: String, _ lab: Lab) throws {
                let file = try Files.read("\(lab.site.folder)/keys/\(name).key")
                self.name = name
                text = String(String(decoding: file, as: UTF8.self).prefix { !$0.isNewline })
                let octets = try #require(WireGuardSecretKey(base64: file)).bytes
                forms = SecretForms(base64: text, octets: octets)
            }

            static func all(_ lab: Lab) throws -> [Key] {
                try Tunnel.allCases.flatMap { try [Key($0.path, lab), Key("\($0.path)-psk", lab)] }
            }
        }

        /// Where the forms of a key are in a process, as `raw first half: [heap]+10, [heap]+20`.
        private typealias Sightings = [String: [String]]

        /// A copy in use at this very moment does not count (the kernel's settings are read twice a second, and on a slow
        /// stage for much of that time): of several looks the one with the fewest is taken.
        ///
        /// - Parameter limit: no key is to be there more often; a look that finds that is the last.
        private func find(_ keys: [Key], in pid: pid_t, atMost limit: Int) throws -> [Sightings] {
            var best: [Sightings] = []
            for look in 0..<(Stage.here.patience > 1 ? 8 : 3) {
                if look > 0 { pause(.milliseconds(30 + 17 * look)) }
                kill(pid, SIGSTOP)
                defer { kill(pid, SIGCONT) }
                let memory = try ProcessMemory(of: pid)
                let (octets, places) = memory.find(keys.flatMap { $0.forms.patterns.map(\.octets) })
                #expect(octets > 1 << 20, "memory can be read")
                var rest = places[...]
                let found = keys.map { key -> Sightings in
                    defer { rest = rest.dropFirst(key.forms.patterns.count) }
                    let pairs = zip(key.forms.patterns.map(\.form), rest).filter { !$1.isEmpty }
                    return Dictionary(uniqueKeysWithValues: pairs)
                }
                if look == 0 || size(found) < size(best) { best = found }
                if best.allSatisfy({ $0.values.allSatisfy { $0.count <= limit } }) { break }
            }
            return best
        }

        private func size(_ found: [Sightings]) -> Int { found.joined().reduce(0) { $0 + $1.value.count } }

        private func process(_ lab: Lab, _ command: String) throws -> pid_t {
            try #require(lab.site.processes(running: command).first)
        }

        /// The agent has a live key as its octets, and no more often than file and settings hold it; the other two
        /// processes have none.
        private func expectLive(_ keys: [Key], _ lab: Lab) throws {
            for (key, found) in zip(keys, try find(keys, in: process(lab, "pnetd run"), atMost: Self.usualCopies)) {
                for half in ["raw first half", "raw second half"] {
                    let count = found[half]?.count ?? 0
                    #expect((1...Self.usualCopies).contains(count), "\(key.name), \(half): \(found)")
                }
                for (form, places) in found where !form.hasPrefix("raw") && !form.hasPrefix("clamped") {
                    Issue.record("\(key.name) as \(form) at \(places)")
                }
            }
            try expectGone(keys, from: ["pnetd resolver", "pnetd-frontend"], lab)
        }

        /// The file's, the wish's and what was read of the interface.
        private static let usualCopies = 3

        private func expectGone(_ keys: [Key], from commands: [String], _ lab: Lab) throws {
            for command in commands {
                for (key, found) in zip(keys, try find(keys, in: process(lab, command), atMost: 0)) {
                    #expect(found.isEmpty, "\(key.name) in \(command): \(found)")
                }
            }
        }

        @Test func memoryHoldsTheLiveKeysOnly() throws {
            try scenario("memory") { lab, daemon in
                let old = try Key.all(lab)
                try daemon.start()
                try daemon.waitFor(path: .a)
                try daemon.waitForNames()
                try waitUntil("the frontend runs") { !lab.site.processes(running: "pnetd-frontend").isEmpty }
                try expectLive(old, lab)

                // All four keys change; the gateways learn of it.
                for tunnel in Tunnel.allCases {
                    let before = try lab.publicKey(lab.site, tunnel.path)
                    let key = try lab.makeKey(lab.site, tunnel.path)
                    let psk = try lab.makeKey(lab.site, "\(tunnel.path)-psk")
                    let link = tunnel.gatewayLink
                    let allowed = try lab.cloud.run("wg", "show", link, "allowed-ips").split {
                        $0 == "\t" || $0 == "\n"
                    }
                    let list = allowed[1].split(separator: " ").joined(separator: ",")
                    try lab.cloud.run("wg", "set", link, "peer", before, "remove")
                    try lab.cloud.run(
                        "wg",
                        "set",
                        link,
                        "peer",
                        key.publicKey,
                        "preshared-key",
                        psk.file,
                        "allowed-ips",
                        list
                    )
                }
                let new = try Key.all(lab)
                #expect(try daemon.pnetctl("reload").status == 0)
                try daemon.waitFor(path: .a, within: .seconds(20))
                pause(.seconds(1))
                try expectGone(old, from: ["pnetd run", "pnetd resolver", "pnetd-frontend"], lab)
                try expectLive(new, lab)
            }
        }

        @Test(.anyKernel) func secretsAreNeverShown() throws {
            try scenario("secrets") { lab, daemon in
                let keys = try Key.all(lab)
                try daemon.start()
                try daemon.waitFor(path: .a)
                try daemon.waitForNames()
                let watch = try lab.site.start(
                    "watch",
                    "\(try Daemon.programs)/pnetctl",
                    "watch",
                    "--socket",
                    daemon.socket
                )
                let page = { try lab.site.attempt(["curl", "-s", "http://127.0.0.1:9731/metrics"]).output }
                // The path may be up before the frontend is.
                try waitUntil("the frontend serves") { try page().contains("pnetd_path_up") }
                try lab.impair(.a, .tunnelsOnly)
                try daemon.waitFor(path: .b)
                // A key in a place that no key belongs to: the error must not carry it into a log.
                let good = String(decoding: try Files.read(daemon.file), as: UTF8.self)
                var refusals = ""
                for key in keys {
                    for place in ["interface: pn-a", "site: lab", "private-key-file: keys/vpn-a.key"] {
                        let name = place.prefix { $0 != ":" }
                        try lab.site.write("pnetd.yaml", good.replacing(place, with: "\(name): \(key.text)"))
                        let refused = try daemon.pnetctl("reload")
                        #expect(refused.status == 1)
                        refusals += refused.output + (try daemon.pnetctl("check", daemon.file).output)
                    }
                }
                try lab.site.write("pnetd.yaml", good)
                try waitUntil("the change is watched") { watch.output.contains("vpn-b") }
                let status = try daemon.pnetctl("status").output
                var shown: [(what: String, text: String)] = [
                    ("log", daemon.log), ("status", status), ("json", try daemon.pnetctl("status", "--json").output),
                    ("watch", watch.output), ("metrics", try page()), ("refusals", refusals),
                ]
                for file in try lab.site.run("find", "\(lab.site.folder)/state", "\(lab.site.folder)/run", "-type", "f")
                    .split(separator: "\n")
                {
                    shown.append((String(file), String(decoding: try Files.read(String(file)), as: UTF8.self)))
                }
                #expect(shown.contains { $0.what.hasSuffix("state.json") })
                let programs = ["pnetd run", "pnetd resolver", "pnetd-frontend", "wireguard-go"]
                let counts = programs.map { lab.site.processes(running: $0).count }
                #expect(counts == [1, 1, 1, Stage.here.userspaceTunnels])
                for pid in lab.site.processes {
                    for file in ["cmdline", "environ"] {
                        let octets = (try? Files.read("/proc/\(pid)/\(file)")) ?? []
                        shown.append(("\(file) of \(pid)", String(decoding: octets, as: UTF8.self)))
                    }
                }
                for (what, text) in shown {
                    if !what.contains("/") { #expect(!text.isEmpty, "\(what)") }
                    for key in keys {
                        for (form, octets) in key.forms.patterns where !form.hasPrefix("raw") && !form.hasPrefix("cl") {
                            let isThere = text.contains(String(decoding: octets, as: UTF8.self))
                            #expect(!isThere, "\(key.name) as \(form) in \(what)")
                        }
                    }
                }
            }
        }
    }
}
