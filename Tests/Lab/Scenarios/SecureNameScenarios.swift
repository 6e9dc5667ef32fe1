// SPDX-License-Identifier: Apache-2.0

import CLinux
import ControlAPI
import Lab
import NetworkTypes
import SystemIO
import Testing

extension Scenarios {
    /// Names over TLS, with unbound as the server and dig as the client.
    @Suite(.serialized)
    struct SecureNames {
        private static let server = "dns.example.net"

        /// A name of the public resolver that was not asked for yet.
        private static func asks(_ daemon: Daemon, _ number: Int) throws -> Bool {
            try daemon.dig("+short", "w\(number).example.net") == "203.0.113.85\n"
        }

        private func metrics(_ lab: Lab) throws -> String {
            try lab.site.attempt(["curl", "-s", "-m", "10", "http://127.0.0.1:9731/metrics"]).output
        }

        /// What the site holds against a server's certificate.
        private func trust(_ authority: Authority, _ lab: Lab, as name: String = "names.pem") throws {
            try Files.replace("\(lab.site.folder)/keys/\(name)", with: Files.read(authority.certificate))
        }

        /// The certificate is good, bad and good again; the frontend is killed: the server is asked over TLS, or not at all.
        @Test(.anyKernel, arguments: ["tls", "https"])
        func areAskedOverTLSOrNotAtAll(transport: String) throws {
            var options = SiteFile()
            options.upstreams =
                "[{address: \(Lab.secureResolver), protocol: \(transport), server-name: \(Self.server), "
                + "ca-file: keys/names.pem}]"
            try scenario("secure-\(transport)", options) { lab, daemon in
                let authority = try lab.makeAuthority("names")
                try trust(authority, lab)
                let good = try authority.certify(Self.server)
                let server = try lab.startSecureResolver(good)
                let links = ["up-a", "up-b", "up-c"]
                let clear = try Capture(lab, links: links, filter: "port 53 and host \(Lab.secureResolver)")
                try daemon.start()
                try daemon.waitFor(path: .a)
                try daemon.waitForNames()
                try waitUntil("names are asked over TLS") { try Self.asks(daemon, 1) }
                for number in 2..<20 { #expect(try Self.asks(daemon, number)) }
                #expect(try metrics(lab).contains(#"pnetd_dns_upstream_connections_total{"#))

                for process in lab.site.processes(running: "pnetd-frontend") { kill(process, SIGKILL) }
                try waitUntil("the next frontend asks") { try Self.asks(daemon, 20) }

                // The file changes while names are asked.
                try trust(authority, lab, as: "names-2.pem")
                let text = String(decoding: try Files.read(daemon.file), as: UTF8.self)
                for number in 30..<60 {
                    if number == 40 {
                        try Files.replace(
                            daemon.file,
                            with: Array(text.replacing("names.pem", with: "names-2.pem").utf8)
                        )
                        let reload = try daemon.pnetctl("reload")
                        #expect(reload.status == 0, "\(reload.output)")
                    }
                    #expect(try Self.asks(daemon, number), "\(number)")
                }
                let explained = try daemon.pnetctl("dns", "explain", "w24.example.net").output
                #expect(explained.contains(" is asked over \(transport == "tls" ? "TLS" : "HTTPS")"), "\(explained)")

                try daemon.killAgent()
                for number in 60..<70 { #expect(try Self.asks(daemon, number), "\(number)") }
                try daemon.start()
                try daemon.waitForNames()
                for number in 70..<80 { #expect(try Self.asks(daemon, number), "\(number)") }

                try server.stop()
                try waitUntil("nobody is there") {
                    #expect(try daemon.dig("+time=6", "w21.example.net").contains("status: SERVFAIL"))
                    return try daemon.status().warnings.contains { $0.contains("nobody takes a connection there") }
                }
                for (certified, reason) in [
                    (try authority.certify(Self.server, .past), "its certificate has expired"),
                    (try authority.certify("other.example.net"), "its certificate is of another name"),
                    (try lab.makeAuthority("foreign").certify(Self.server), "leads to no authority that is trusted"),
                ] {
                    let bad = try lab.startSecureResolver(certified)
                    try waitUntil("status says: \(reason)") {
                        let text = try daemon.dig("w22.example.net")
                        #expect(!text.contains("203.0.113.85"), "\(text)")
                        return try daemon.status().warnings.contains { $0.contains(reason) }
                    }
                    try bad.stop()
                }
                #expect(try metrics(lab).contains(#"reason="expired""#))
                _ = try lab.startSecureResolver(good)
                try waitUntil("names are asked again") { try Self.asks(daemon, 23) }
                try waitUntil("nothing is wrong") {
                    try daemon.status().warnings.allSatisfy { !$0.contains("cannot be asked") }
                }
                #expect(clear.packets == [])
                // It is seen where somebody does.
                _ = try lab.site.attempt(["dig", "+tries=1", "+time=2", "@\(Lab.secureResolver)", "w1.example.net"])
                try waitUntil("the capture sees") { !clear.packets.isEmpty }
            }
        }

        /// Clients of a certificate that is renewed while they ask; no question is lost.
        @Test(.anyKernel) func areServedOverTLS() throws {
            var options = SiteFile()
            let name = "dns.plant.example"
            options.service =
                "{listen: [\"10.1.0.1:853\"], server-name: \(name), certificate-file: keys/dns.pem, "
                + "private-key-file: keys/dns.key}"
            try scenario("served", options) { lab, daemon in
                let authority = try lab.makeAuthority("names")
                func install() throws {
                    let certified = try authority.certify(name)
                    try Files.replace("\(lab.site.folder)/keys/dns.key", with: Files.read(certified.key))
                    try Files.replace("\(lab.site.folder)/keys/dns.pem", with: Files.read(certified.certificate))
                }
                func ask(_ name: String, _ type: String = "A", _ more: String...) throws -> String {
                    let tls = ["+tls", "+tls-ca=\(authority.certificate)", "+tls-hostname=dns.plant.example"]
                    let dig = ["dig", "+time=3", "+tries=1", "@10.1.0.1"]
                    return try lab.site.attempt(dig + tls + more + [name, type]).output
                }
                func serial() throws -> String {
                    let shown = "openssl s_client -connect 10.1.0.1:853 -alpn dot </dev/null 2>/dev/null"
                    return try lab.site.attempt(["sh", "-c", "\(shown) | openssl x509 -noout -serial"]).output
                }
                try install()
                try daemon.start()
                try daemon.waitFor(path: .a)
                try daemon.waitForNames()
                try waitUntil("clients are served") {
                    try ask("hub1.privatelink.azure-devices.net", "A", "+short") == "10.20.0.4\n"
                }
                #expect(try ask("historian.plant.internal", "A", "+short") == "10.20.0.10\n")
                #expect(try ask("www.example.net").contains("203.0.113.81"))
                // Who may not ask in the clear may not ask so either.
                let stranger = try ask("historian.plant.internal", "A", "-b", "192.0.2.2")
                #expect(stranger.contains("status: REFUSED"), "\(stranger)")
                let designated = try daemon.dig("+short", "_dns.resolver.arpa", "TYPE64")
                let expected = "1 \(name). alpn=\"dot\" port=853 ipv4hint=10.1.0.1\n"
                #expect(designated == expected, "\(designated)")
                #expect(try metrics(lab).contains(#"pnetd_dns_queries_total{transport="tls"} "#))

                // More at a time than one connection may have under way.
                let names = try lab.site.write(
                    "names.txt",
                    "historian.plant.internal A\nhub1.privatelink.azure-devices.net A\nwww.example.net A\n"
                )
                let load = try lab.site.attempt(
                    ["dnsperf", "-m", "dot", "-s", "10.1.0.1", "-p", "853", "-d", names]
                        + ["-l", "3", "-c", "10", "-q", "1000"]
                ).output
                #expect(load.contains("Queries lost:         0 (0.00%)"), "\(load)")
                #expect(load.contains("NOERROR") && load.contains("(100.00%)"), "\(load)")

                let before = try serial()
                try install()
                var asked = 0
                try waitUntil("the next certificate is shown", within: .seconds(20)) {
                    asked += 1
                    #expect(try ask("historian.plant.internal", "A", "+short") == "10.20.0.10\n")
                    return try serial() != before
                }
                #expect(asked > 0 && before.hasPrefix("serial="))
                try daemon.killAgent()
                #expect(try ask("historian.plant.internal", "A", "+short") == "10.20.0.10\n")
                try daemon.start()
                try daemon.waitForNames()
                #expect(try ask("historian.plant.internal", "A", "+short") == "10.20.0.10\n")
                for process in lab.site.processes(running: "pnetd resolver") { kill(process, SIGKILL) }
                try waitUntil("the next resolver answers") {
                    try ask("historian.plant.internal", "A", "+short") == "10.20.0.10\n"
                }
            }
        }
    }
}
