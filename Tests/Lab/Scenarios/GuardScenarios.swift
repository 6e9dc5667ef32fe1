// SPDX-License-Identifier: Apache-2.0

import CLinux
import ControlAPI
import Lab
import NetworkTypes
import Testing

extension Scenarios {
    /// Nothing private leaves in the open, whatever happens.
    @Suite(.serialized)
    struct Guarding {
        @Test(.anyKernel) func bothCutBlocks() throws {
            try scenario("block") { lab, daemon in
                let capture = try Capture(lab)
                try daemon.start()
                try daemon.waitFor(path: .a)
                try daemon.waitForNames()
                let traffic = try Traffic(lab)
                let traffic6 = try Traffic(lab, to: Lab.target6)
                for tunnel in Tunnel.allCases { try lab.impair(tunnel, .tunnelsOnly) }
                try daemon.waitFor(path: nil, within: .seconds(3))
                #expect(try daemon.network().state == .blocked)
                #expect(try daemon.pnetctl("status").status == 2)
                let answer = try daemon.dig("hub1.privatelink.azure-devices.net")
                #expect(answer.contains("SERVFAIL") && answer.contains("EDE: 23"))
                let local = try daemon.dig("historian.plant.internal")
                #expect(local.contains("SERVFAIL") && local.contains("EDE: 23"))
                // Local sockets are told at once instead of hanging.
                let ping = try lab.site.attempt(["ping", "-c", "1", "-W", "1", Lab.target])
                #expect(ping.output.contains("No route to host") || ping.output.contains("unreachable"))
                pause(.seconds(2))
                for tunnel in Tunnel.allCases { try lab.heal(tunnel) }
                try daemon.waitFor(path: .a, within: .seconds(20))
                // Names open after the routes do.
                try waitUntil("names are answered privately", within: .seconds(1)) {
                    try daemon.dig("+short", "hub1.privatelink.azure-devices.net") == "10.20.0.4\n"
                }
                _ = try (traffic.stop(), traffic6.stop())
                #expect(capture.packets == [])
            }
        }

        @Test(.anyKernel) func bothCutGoesPublicForNamesOnly() throws {
            var options = SiteFile()
            options.whenDown = "public"
            try scenario("public", options) { lab, daemon in
                let capture = try Capture(lab)
                try daemon.start()
                try daemon.waitFor(path: .a)
                let traffic = try Traffic(lab)
                try daemon.waitForNames()
                for tunnel in Tunnel.allCases { try lab.impair(tunnel, .tunnelsOnly) }
                try daemon.waitFor(path: nil, within: .seconds(3))
                #expect(try daemon.network().state == .public)
                try waitUntil("names are answered publicly", within: .seconds(2)) {
                    try daemon.dig("+short", "hub1.privatelink.azure-devices.net") == "203.0.113.80\n"
                }
                pause(.seconds(1))
                for tunnel in Tunnel.allCases { try lab.heal(tunnel) }
                try daemon.waitFor(path: .a, within: .seconds(20))
                try waitUntil("names are answered privately", within: .seconds(1)) {
                    try daemon.dig("+short", "hub1.privatelink.azure-devices.net") == "10.20.0.4\n"
                }
                _ = try traffic.stop()
                #expect(capture.packets == [])
            }
        }

        @Test func foreignHandsAreHealed() throws {
            try scenario("foreign") { lab, daemon in
                let capture = try Capture(lab)
                try daemon.start()
                try daemon.waitFor(path: .a)
                let traffic = try Traffic(lab)
                let traffic6 = try Traffic(lab, to: Lab.target6)
                pause(.milliseconds(500))

                try lab.site.run("nft", "flush", "ruleset")
                try healed(lab, "the guard table") { try lab.site.run("nft", "list", "tables").contains("inet pnetd") }

                // One by one: ip(8) cannot flush routes that have a nexthop id. The agent sleeps until all are gone.
                for pid in lab.site.processes(running: "pnetd run") { kill(pid, SIGSTOP) }
                for (family, prefix) in [("-4", "10.20.0.0/16"), ("-6", "fd00:20::/48")] {
                    for (kind, metric) in [("unicast", "100"), ("unicast", "200"), ("unreachable", "4294967294")] {
                        let route = ["route", "del", kind, prefix, "table", "7000", "metric", metric]
                        #expect(try lab.site.attempt(["ip", family] + route).status == 0)
                    }
                    #expect(try !lab.site.run("ip", family, "route", "show", "table", "7000").contains(prefix))
                }
                pause(.milliseconds(100))
                for pid in lab.site.processes(running: "pnetd run") { kill(pid, SIGCONT) }
                try healed(lab, "the routes") {
                    let routes = try lab.site.run("ip", "route", "show", "table", "7000")
                    let routes6 = try lab.site.run("ip", "-6", "route", "show", "table", "7000")
                    return routes.contains("metric 100 ") && routes.contains("unreachable")
                        && routes6.contains("metric 200 ")
                }

                for family in ["-4", "-6"] { try lab.site.run("ip", family, "rule", "del", "priority", "899") }
                try healed(lab, "the rule") { try lab.site.run("ip", "rule").contains("899:") }

                // A longer prefix in the main table, as a DHCP server can hand out (RFC 3442): it never takes effect,
                // and being somebody else's it stays.
                try lab.site.run("ip", "route", "add", "\(Lab.target)/32", "via", "203.0.113.1")
                #expect(try lab.site.run("ip", "route", "get", Lab.target).contains("pn-a"))

                try lab.site.run("ip", "nexthop", "flush", "proto", "112")
                try healed(lab, "the nexthops") {
                    try lab.site.attempt(["ip", "route", "get", Lab.target]).output.contains("pn-a")
                }

                // The interface itself: the other path carries on meanwhile.
                try lab.site.run("ip", "link", "delete", "pn-a")
                try daemon.waitFor(path: .b, within: .seconds(2))
                try daemon.waitFor(path: .a, within: .seconds(20))
                for result in [try traffic.stop(), try traffic6.stop()] {
                    #expect(result.longestGap <= Stage.here.limit(.milliseconds(1_200)))
                }
                #expect(try lab.site.run("ip", "route", "show").contains(Lab.target))
                #expect(capture.packets == [])
            }
        }

        @Test func aFlushWhileNoAgentRunsLeaksNothingAndIsHealedAtItsStart() throws {
            try scenario("flush") { lab, daemon in
                let capture = try Capture(lab)
                try daemon.start()
                try daemon.waitFor(path: .a)
                let traffic = try Traffic(lab)
                let traffic6 = try Traffic(lab, to: Lab.target6)
                try daemon.killAgent()
                try lab.site.run("nft", "flush", "ruleset")
                #expect(try !lab.site.run("nft", "list", "tables").contains("inet pnetd"))
                // Both tunnels' interfaces gone as well: the guard routes are all that is left.
                for tunnel in Tunnel.allCases { try lab.site.run("ip", "link", "delete", tunnel.interface) }
                pause(.seconds(1))
                try daemon.start()
                try daemon.waitFor(path: .a, within: .seconds(20))
                #expect(try lab.site.run("nft", "list", "tables").contains("inet pnetd"))
                _ = try (traffic.stop(), traffic6.stop())
                #expect(capture.packets == [])
            }
        }

        /// `pnetd guard` on a host where no agent ever ran goes by the file; one that cannot go by anything says so.
        @Test func theGuardStandsBeforeTheFirstAgent() throws {
            try scenario("first") { lab, daemon in
                let capture = try Capture(lab)
                let guardCommand = ["\(try Daemon.programs)/pnetd", "guard", "--state", "\(lab.site.folder)/state"]
                let nothing = try lab.site.attempt(guardCommand + ["--config", "/nowhere.yaml"])
                #expect(nothing.status == 1 && nothing.output.contains("nothing is guarded"))
                let guarded = try lab.site.attempt(guardCommand + ["--config", daemon.file])
                #expect(guarded.status == 0 && guarded.output.contains("2 prefixes are guarded"))
                for target in [Lab.target, Lab.target6] {
                    let ping = try lab.site.attempt(["ping", "-c", "1", "-W", "1", target])
                    #expect(ping.status != 0)
                }
                try daemon.start()
                try daemon.waitFor(path: .a)
                #expect(capture.packets == [])
            }
        }

        @Test func whatComesInByAnotherWayIsDropped() throws {
            try scenario("inward") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                let dropped = { (comment: String) throws -> Int in
                    let lines = try lab.site.run("nft", "list", "table", "inet", "pnetd").split(separator: "\n")
                    return lines.filter { $0.contains(comment) && !$0.contains("packets 0 ") }.count
                }
                #expect(try dropped("from azure") == 0 && dropped("to vpn-a") == 0)
                // Somebody on the Internet who says that he is the cloud.
                _ = try lab.cloud.attempt(["ping", "-c", "1", "-W", "1", "-I", Lab.target, "203.0.113.2"])
                #expect(try dropped("from azure") == 1)
                // Somebody on the Internet who wants in by the tunnel's address.
                try lab.cloud.run("ip", "route", "add", "10.99.0.2/32", "via", "203.0.113.2")
                _ = try lab.cloud.attempt(["ping", "-c", "1", "-W", "1", "-I", "203.0.113.1", "10.99.0.2"])
                #expect(try dropped("to vpn-a") == 1)
            }
        }

        @Test func aLocalNetworkInsideAProtectedPrefixIsReported() throws {
            try scenario("swallowed") { lab, daemon in
                try lab.site.run("ip", "address", "add", "10.20.7.1/24", "dev", "lan0")
                try daemon.start()
                try daemon.waitFor(path: .a)
                let warnings = try daemon.status().warnings
                #expect(warnings.contains { $0.contains("lan0 has 10.20.7.1/24") && $0.contains("10.20.0.0/16") })
            }
        }

        /// What was taken away is back within a second.
        private func healed(_ lab: Lab, _ what: String, _ condition: () throws -> Bool) throws {
            let time = try waitUntil("\(what) is healed", within: .seconds(1), condition)
            print("healed \(what) after \(time.shortText)")
        }
    }
}
