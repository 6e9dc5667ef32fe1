// SPDX-License-Identifier: Apache-2.0

import CLinux
import ControlAPI
import Lab
import NetworkTypes
import SystemIO
import Testing

extension Scenarios {
    /// Names between a private and a public server that are real ones.
    @Suite(.serialized)
    struct Names {
        /// A name of a private zone whose server says where it is publicly, and a public one that leads to the cloud.
        @Test(.anyKernel) func leadWhereTheyMayAndNowhereElse() throws {
            try scenario("names") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                try daemon.waitForNames()
                func answer(_ name: String, _ type: String) throws -> String { try daemon.dig(name, type) }
                let stray = "stray.privatelink.azure-devices.net"
                for type in ["A", "HTTPS"] {
                    let text = try answer(stray, type)
                    #expect(text.contains("status: NOERROR") && text.contains("ANSWER: 0"), "\(text)")
                    #expect(text.contains("EDE: 15 (Blocked): (an address outside of the zone's network was left out)"))
                    #expect(text.contains("privatelink.azure-devices.net. 10 IN\tSOA"), "\(text)")
                }
                #expect(try daemon.dig("+short", stray, "AAAA") == "fd00:20::4\n")
                #expect(try daemon.dig("+short", "hub1.privatelink.azure-devices.net", "A") == "10.20.0.4\n")
                #expect(try daemon.dig("+short", "evil.example.net", "A") == "")
                #expect(try daemon.dig("+short", "www.example.net", "A") == "203.0.113.81\n")
                try waitUntil("status tells of both", within: .seconds(10)) {
                    let warnings = try daemon.status().warnings
                    return warnings.contains {
                        $0.hasPrefix("zone privatelink.azure-devices.net: 3 records of the last minute")
                    }
                        && warnings.contains { $0.hasPrefix("2 records of the last minute led from public names") }
                }
            }
        }

        /// The servers of a zone are gone while its hosts are there, then the hosts as well.
        @Test(.anyKernel) func areLastKnownWhereTheirServersAreGone() throws {
            try scenario("lastknown") { lab, daemon in
                let host = try lab.cloud.start("host", "socat", "TCP-LISTEN:443,fork,reuseaddr,bind=10.20.0.4", "PIPE")
                try daemon.start()
                try daemon.waitFor(path: .a)
                try daemon.waitForNames()
                let name = "hub1.privatelink.azure-devices.net"
                // Under another decision: what was good last outlives it.
                for server in lab.cloud.processes(running: "private-dns.conf") { kill(server, SIGKILL) }
                for tunnel in [Tunnel.a, .b] { try lab.impair(tunnel, .blackout) }
                try waitUntil("nothing is answered") { try daemon.dig(name).contains("EDE: 23") }
                for tunnel in [Tunnel.a, .b] { try lab.heal(tunnel) }
                try waitUntil("the network is up") { try daemon.network().path != nil }
                try waitUntil("what was good last is answered") {
                    let text = try daemon.dig(name)
                    return text.contains("EDE: 3 (Stale Answer)") && text.contains("A\t10.20.0.4\n")
                }
                try waitUntil("status tells of it", within: .seconds(10)) {
                    try daemon.status().warnings.contains { $0.hasPrefix("zone privatelink.azure-devices.net: ") }
                }
                let dump = try daemon.pnetctl("dns", "dump", "privatelink.azure-devices.net")
                #expect(dump.status == 0 && dump.output.contains(name), "\(dump.output)")
                host.signal(SIGKILL)
                try waitUntil("nor are the hosts", within: .seconds(25)) {
                    // Nobody is there who would end the wait before its time.
                    let text = try daemon.dig("+time=6", name)
                    return text.contains("status: SERVFAIL") && text.contains("10.20.0.53: no answer through vpn-")
                }
                // The worker that explains may still keep what it proved.
                var explained = try daemon.pnetctl("dns", "explain", name)
                try waitUntil("that is explained", within: .seconds(25)) {
                    explained = try daemon.pnetctl("dns", "explain", name)
                    return explained.output.contains("10.20.0.4 does not take a connection")
                }
                for text in [
                    "10.20.0.4 does not take a connection", "by vpn-", "answer: SERVFAIL", "EDE 23 10.20.0.53",
                ] {
                    #expect(explained.output.contains(text), "\(explained.output)")
                }
                #expect(!explained.output.contains("203.0.113."))
            }
        }

        /// What leads where it should not, each found by what shows it.
        @Test(.anyKernel) func areAudited() throws {
            try scenario("audited") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                try daemon.waitForNames()
                let file = String(decoding: try Files.read(daemon.file), as: UTF8.self)
                let clean = try daemon.pnetctl("dns", "audit", "hub1.privatelink.azure-devices.net")
                #expect(clean.status == 0 && clean.output.contains("nothing was found"), "\(clean.output)")
                // A name whose servers lead out of the network, and one that they do not know and the public does.
                let names = ["stray.privatelink.azure-devices.net", "gone.privatelink.azure-devices.net"]
                let audit = try daemon.pnetctl("dns", "audit", names[0], names[1])
                #expect(audit.status == 1)
                #expect(audit.output.contains("\(names[0]): wrong-prefix"), "\(audit.output)")
                #expect(audit.output.contains("\(names[1]): shadowed"), "\(audit.output)")
                // The zone is taken out of the file, and a record leads to where nobody is.
                let zone = "      - name: privatelink.azure-devices.net\n        forward: [10.20.0.53]\n"
                let changed = file.replacing(zone, with: "")
                    .replacing("historian A 10.20.0.10", with: "historian A 192.0.2.200")
                #expect(changed.count < file.count)
                try lab.site.write("pnetd.yaml", changed)
                #expect(try daemon.pnetctl("reload").status == 0)
                try waitUntil("the public answers") { try daemon.dig("+short", names[1]) == "203.0.113.84\n" }
                let leak = try daemon.pnetctl("dns", "audit", "hub.azure-devices.net", "--json")
                #expect(leak.output.contains("\"kind\":\"leak\",\"name\":\"hub.azure-devices.net"), "\(leak.output)")
                #expect(leak.output.contains("\"kind\":\"missing-route\",\"name\":\"historian.plant.internal"))
            }
        }

        @Test(.anyKernel) func areExplained() throws {
            try scenario("explained") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                try daemon.waitForNames()
                let name = "hub1.privatelink.azure-devices.net"
                let query = try daemon.pnetctl("dns", "query", name, "--type", "aaaa")
                #expect(query.output == "\(name). 10 IN AAAA fd00:20::4\n" && query.status == 0)
                let flush = try daemon.pnetctl("dns", "flush", "azure-devices.net")
                #expect(flush.status == 0 && flush.output.contains("forgotten"))
                let explained = try daemon.pnetctl("dns", "explain", name)
                for text in [
                    "zone privatelink.azure-devices.net of network azure, decision", "10.20.0.53:53 is asked by vpn-a",
                    "10.20.0.53:53 answers by vpn-a: NOERROR, 1 record", "answer: NOERROR",
                    "\(name). 10 IN A 10.20.0.4",
                ] { #expect(explained.output.contains(text), "\(explained.output)") }
                let stranger = try daemon.pnetctl("dns", "explain", name, "--from", "192.0.2.1")
                #expect(stranger.output.contains("this client may not ask") && stranger.status == 1)
                let stray = try daemon.pnetctl("dns", "explain", "stray.privatelink.azure-devices.net", "--json")
                #expect(stray.output.contains("\"event\":\"left-out\"") && stray.output.contains("\"remark\":\"15"))
                let misspelt = try daemon.pnetctl("dns", "query", name, "--type", "AAAAA")
                #expect(misspelt.status == 1 && misspelt.output.contains("'AAAAA' is no type of records"))
            }
        }

        /// By the interface on which somebody asks, over UDP and TCP. The kernel counts what the host asks itself as come by
        /// the interface that has the address.
        @Test(.anyKernel) func areAsTheClientsViewSays() throws {
            try scenario("views") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                try daemon.waitForNames()
                let good = String(decoding: try Files.read(daemon.file), as: UTF8.self)
                let views = """
                    views:
                      cell:
                        interfaces: [pn-a]
                        zones: [{name: plant.internal, records: ["historian A 10.1.0.7"]}]
                      here:
                        interfaces: [lan0]
                        zones: [{name: plant.internal, records: ["historian A 10.1.0.9"]}]

                    """
                #expect(try daemon.dig("+short", "historian.plant.internal") == "10.20.0.10\n")
                try lab.site.write("pnetd.yaml", good + "\n" + views)
                #expect(try daemon.pnetctl("reload").status == 0)
                for transport in ["+notcp", "+tcp"] {
                    try waitUntil("the view is seen by \(transport)") {
                        try daemon.dig("+short", transport, "historian.plant.internal") == "10.1.0.9\n"
                    }
                }
                #expect(try daemon.dig("+short", "hub1.privatelink.azure-devices.net") == "10.20.0.4\n")

                let name = "historian.plant.internal"
                for (options, words) in [
                    (["--interface", "pn-a"], ["the client sees view cell", "10.1.0.7"]),
                    (["--interface", "eth0"], ["10.20.0.10"]), (["--view", "here"], ["10.1.0.9"]),
                    (["--interface", "nowhere0"], ["there is no interface 'nowhere0'"]),
                    (["--view", "lab"], ["the file has no view 'lab' (it has cell, here)"]),
                ] {
                    let text = try lab.site.attempt(
                        ["\(try Daemon.programs)/pnetctl", "dns", "explain", name, "--socket", daemon.socket] + options
                    ).output
                    for word in words { #expect(text.contains(word), "\(text)") }
                }
                let audit = try daemon.pnetctl("dns", "audit")
                for view in ["cell", "here"] {
                    let finding = "gateway.plant.internal in view \(view): hidden-by-view"
                    #expect(audit.output.contains(finding), "\(audit.output)")
                }
                #expect(audit.status == 1 && !audit.output.contains(name), "\(audit.output)")

                try lab.site.write("pnetd.yaml", good + "\n" + views.replacing("[lan0]", with: "[nowhere0]"))
                #expect(try daemon.pnetctl("reload").status == 0)
                try waitUntil("it is nobody's") {
                    try daemon.dig("+short", "historian.plant.internal") == "10.20.0.10\n"
                }
            }
        }
    }
}
