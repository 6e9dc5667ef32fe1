// SPDX-License-Identifier: Apache-2.0

import CLinux
import ControlAPI
import Lab
import NetworkTypes
import SystemIO
import Testing

extension Scenarios {
    /// Targets that are asked otherwise than by ICMP.
    @Suite(.serialized)
    struct Targets {
        private func value(_ lab: Lab, _ metric: String) throws -> Double {
            let page = try lab.site.run("curl", "-s", "http://127.0.0.1:9731/metrics")
            let line = page.split(separator: "\n").first { $0.hasPrefix("\(metric){path=\"vpn-a\"} ") }
            return line.flatMap { $0.split(separator: " ").last }.flatMap { Double($0) } ?? 0
        }

        /// A machine that answers pings while nobody serves on it, and a DNS server that died alone.
        @Test(.anyKernel) func whoeverDoesNotServeIsNamed() throws {
            var options = SiteFile()
            options.targets = """
                {need: any, list: [{icmp: \(Lab.target)}, {tcp: "\(Lab.target):7007"}, \
                {dns: 10.20.0.53, zone: privatelink.azure-devices.net}]}
                """
            options.damping = false
            try scenario("targets", options) { lab, daemon in
                func silent() throws -> [String] {
                    try daemon.network().paths.first { $0.path.text == "vpn-a" }?.silentTargets ?? []
                }
                let tcp = "tcp \(Lab.target):7007"
                let dns = "dns 10.20.0.53 for privatelink.azure-devices.net"
                try daemon.start()
                try daemon.waitFor(path: .a)
                try waitUntil("the DNS server serves, and nobody listens", within: .seconds(5)) {
                    try silent() == [tcp]
                }
                #expect(try value(lab, "pnetd_probes_refused_total") > 0)
                let listener = "TCP-LISTEN:7007,bind=\(Lab.target),fork,reuseaddr"
                _ = try lab.cloud.start("listener", "socat", "-u", listener, "/dev/null")
                try waitUntil("somebody listens", within: .seconds(5)) { try silent() == [] }

                let server = try #require(lab.cloud.processes(running: "private-dns.conf").first)
                kill(server, SIGSTOP)
                try waitUntil("the DNS server is missed", within: .seconds(3)) { try silent() == [dns] }
                #expect(try daemon.network().switches == 0 && daemon.status().state == .up)
                #expect(try daemon.pnetctl("explain", "azure").output.contains("dns 10.20.0.53 for privatelink"))
                kill(server, SIGCONT)
                try waitUntil("the DNS server is back", within: .seconds(10)) { try silent() == [] }

                // All of them are needed now: a DNS server that is dead alone takes the network from the path, and both
                // lead to it.
                let file = String(decoding: try Files.read(daemon.file), as: UTF8.self)
                try lab.site.write("pnetd.yaml", file.replacing("need: any", with: "need: all"))
                #expect(try daemon.pnetctl("reload").status == 0)
                try daemon.waitFor(path: .a)
                kill(server, SIGSTOP)
                try daemon.waitFor(path: nil, within: .seconds(5))
                let reasons = try daemon.network().reasons
                #expect(reasons.allSatisfy { $0.hasPrefix(dns) }, "\(reasons)")
                kill(server, SIGCONT)
                try daemon.waitFor(path: .a, within: .seconds(10))

                // And so does a cut of the path, which all of them see.
                try lab.impair(.a, .blackout)
                let time = try daemon.waitFor(path: .b, within: .seconds(3))
                print("three kinds of targets fell silent: traffic moved after \(time.shortText)")
                try lab.heal(.a)
            }
        }

        /// A server that is asked by TLS: it is refused, its certificate expires, and none of it is the path's fault.
        @Test(.anyKernel) func aServerWithoutAGoodCertificateIsNamed() throws {
            let server = "\(Lab.target):7443"
            let tls = "tls \(server) as hub1.example.net"
            var options = SiteFile()
            options.targets = """
                {need: any, list: [{icmp: \(Lab.target)}, {tls: "\(server)", name: hub1.example.net, \
                ca-file: ca.pem, every: 5s}]}
                """
            options.damping = false
            try scenario("tls", options) { lab, daemon in
                try certify(lab)
                func failing(_ tunnel: Tunnel = .a) throws -> [String]? {
                    try daemon.network().paths.first { $0.path.text == tunnel.path }?.failingTargets
                }
                var running = try serve(lab, "good", at: server)
                try daemon.start()
                try daemon.waitFor(path: .a)
                try waitUntil("its certificate was seen by both", within: .seconds(10)) {
                    try expiry(lab, .a) != nil && expiry(lab, .b) != nil
                }
                #expect(try failing() == [] && failing(.b) == [])
                let left = try #require(try expiry(lab, .b)) - Double(SystemClock().wallNanoseconds) / 1e9
                #expect(abs(left - 9 * 86_400) < 3_600)
                #expect(try daemon.status().warnings.allSatisfy { !$0.contains("tls") })

                // What it said last does not hold traffic on a dead path.
                try lab.impair(.a, .blackout)
                let time = try daemon.waitFor(path: .b, within: .seconds(3))
                print("the path of a TLS target fell silent: traffic moved after \(time.shortText)")
                try lab.heal(.a)
                try daemon.waitFor(path: .a, within: .seconds(20))
                let switches = try daemon.network().switches

                running.signal(SIGKILL)
                try running.wait()
                try waitUntil("nobody listens", within: .seconds(20)) {
                    try failing() == ["\(tls): the connection was refused"]
                }
                #expect(try daemon.pnetctl("status").output.contains("the connection was refused"))
                running = try serve(lab, "expired", at: server)
                try waitUntil("its certificate is refused", within: .seconds(20)) {
                    try failing() == ["\(tls): its certificate expired a day ago"]
                }
                #expect(try daemon.pnetctl("explain", "azure").output.contains("its certificate expired 1d"))
                #expect(try daemon.network().switches == switches && daemon.status().state == .up)

                // Where all of them are needed, such a server takes the network from its paths.
                let file = String(decoding: try Files.read(daemon.file), as: UTF8.self)
                try lab.site.write("pnetd.yaml", file.replacing("need: any", with: "need: all"))
                #expect(try daemon.pnetctl("reload").status == 0)
                try daemon.waitFor(path: nil, within: .seconds(20))
                #expect(
                    try daemon.network().reasons
                        == Array(repeating: "\(tls): its certificate expired a day ago", count: 2)
                )
                running.signal(SIGKILL)
                try running.wait()
                running = try serve(lab, "good", at: server)
                try daemon.waitFor(path: .a, within: .seconds(20))

                // Without a frontend that shakes hands it counts neither way, though all of them are needed, and is told of.
                func isUnknown() throws -> Bool {
                    let end = "\(tls) counts neither way on vpn-a: no outcome came of late"
                    return try daemon.status().warnings.contains { $0.hasSuffix(end) }
                }
                let frontend = try #require(lab.site.processes(running: "pnetd-frontend").first)
                kill(frontend, SIGSTOP)
                try waitUntil("nobody shakes hands", within: .seconds(30), isUnknown)
                #expect(try daemon.network().path?.text == "vpn-a")
                kill(frontend, SIGCONT)
                try waitUntil("somebody does", within: .seconds(20)) { try !isUnknown() }
                #expect(try daemon.network().path?.text == "vpn-a" && failing() == [])

                // The replay of it all decides as the agent did.
                try daemon.stop()
                let replay = try lab.site.run("\(Daemon.programs)/pnetctl", "replay", "--file", daemon.file)
                #expect(replay.contains("the replay equals the live run"), "\(replay)")
            }
        }

        private func expiry(_ lab: Lab, _ tunnel: Tunnel) throws -> Double? {
            let page = try lab.site.attempt(["curl", "-s", "http://127.0.0.1:9731/metrics"]).output
            let lines = page.split(separator: "\n").filter { $0.hasPrefix("pnetd_target_certificate_expiry_seconds{") }
            let line = lines.first { $0.contains("path=\"\(tunnel.path)\"") }
            return line.flatMap { $0.split(separator: " ").last }.flatMap { Double($0) }
        }

        /// Makes an authority that the site trusts, and two certificates for one name, one of them of yesterday.
        func certify(_ lab: Lab) throws {
            let folder = lab.cloud.folder
            func openssl(_ words: String) throws {
                try lab.cloud.run(["env", "-C", folder, "openssl"] + words.split(separator: " ").map(String.init))
            }
            let pair = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
            try openssl("req -x509 \(pair) -days 9 -subj /CN=ca -keyout ca.key -out ca.pem")
            try openssl("req \(pair) -subj /CN=hub -keyout hub.key -out hub.csr")
            try lab.cloud.write("names", "subjectAltName = DNS:hub1.example.net\n")
            for (name, days) in [("good", 9), ("expired", -1)] {
                try openssl(
                    "x509 -req -in hub.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -days \(days) -out \(name).pem"
                )
            }
            try lab.site.write("ca.pem", String(decoding: try Files.read("\(folder)/ca.pem"), as: UTF8.self))
        }

        func serve(
            _ lab: Lab,
            _ certificate: String,
            at server: String,
            _ options: String...
        ) throws -> Background {
            let folder = lab.cloud.folder
            let started = try lab.cloud.start(
                "tls-\(certificate)-\(SystemClock().now.nanoseconds)",
                ["openssl", "s_server", "-www", "-accept", server]
                    + ["-cert", "\(folder)/\(certificate).pem", "-key", "\(folder)/hub.key"] + options
            )
            try waitUntil("the TLS server listens") { started.output.contains("ACCEPT") }
            return started
        }
    }
}
