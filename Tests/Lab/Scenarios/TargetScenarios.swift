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
    }
}
