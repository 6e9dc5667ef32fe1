// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Lab
import NetworkTypes
import SystemIO
import Testing

extension Scenarios {
    /// A leased line first, tunnels behind it.
    @Suite(.serialized)
    struct Lines {
        private func options(_ line: String = Line.plain) -> SiteFile {
            var options = SiteFile()
            options.line = line
            options.paths = [.a]
            return options
        }

        /// Both kinds of path stand, and traffic is on the line.
        private func onLine(
            _ label: String,
            _ options: SiteFile,
            vlan: Int? = nil,
            before: (Lab) throws -> Void = { _ in },
            _ body: (Lab, Daemon) throws -> Void
        ) throws {
            try scenario(label, options) { lab, daemon in
                try lab.addLine(vlan: vlan)
                try before(lab)
                try daemon.start()
                try daemon.waitFor(path: Line.path)
                try body(lab, daemon)
            }
        }

        private func leased(_ daemon: Daemon) throws -> StatusReport.Path {
            try #require(try daemon.status().paths.first { $0.name.text == Line.path })
        }

        /// Waits until traffic is on a path. To put twenty thousand routes right may take the agent longer than a question
        /// waits.
        private func wait(_ daemon: Daemon, for path: String) throws {
            try waitUntil("the network is on \(path)", within: .seconds(30)) {
                (try? daemon.network().path?.text) == path
            }
        }

        /// What explain says, its lines put together again.
        private func explanation(_ daemon: Daemon) throws -> String {
            try daemon.pnetctl("explain", Line.path).output.split { $0.isWhitespace }.joined(separator: " ")
        }

        private func reasons(_ daemon: Daemon) throws -> [String] {
            try daemon.network().paths.first { $0.path.text == Line.path }?.reasons ?? []
        }

        /// A name has addresses of both families, and the line no router for one of them: the tunnel behind it has.
        @Test(.anyKernel) func namesLeadWhereTheLineDoes() throws {
            let line = "{kind: routed, interface: \(Line.interface), gateways: [\(Line.gateway)]}"
            try onLine("line-names", options(line)) { lab, daemon in
                try daemon.waitForNames()
                try daemon.waitFor(.a, .up)
                let (hub, gateway) = ("hub1.privatelink.azure-devices.net", "gateway.plant.internal")
                // The standby path carries what the line does not.
                try waitUntil("both are answered") { try daemon.dig("+short", hub, "AAAA") == "fd00:20::4\n" }
                try lab.impair(.a, .blackout)
                try daemon.waitFor(.a, .down)
                try waitUntil("the address that no path leads to is not") {
                    let text = try daemon.dig(hub, "AAAA")
                    return text.contains("status: NOERROR") && text.contains("ANSWER: 0") && text.contains("EDE: 23")
                }
                #expect(try daemon.dig(gateway, "AAAA").contains("status: NOERROR"))
                #expect(try daemon.dig("+short", gateway, "AAAA") == "")
                #expect(try daemon.dig("+short", hub) == "10.20.0.4\n")
                #expect(
                    try daemon.status().warnings.contains {
                        $0.hasPrefix("azure: leased does not lead to fd00:20::/48")
                    }
                )
                try lab.heal(.a)
                try waitUntil("a path leads there again") { try daemon.dig("+short", hub, "AAAA") == "fd00:20::4\n" }
                #expect(try daemon.dig("+short", gateway, "AAAA") == "fd00:20::1\n")
            }
        }

        /// The operator's interface carries the path, and is his afterwards as before.
        @Test(.anyKernel) func aLineIsUsedAndNotTouched() throws {
            try scenario("line", options()) { lab, daemon in
                try lab.addLine()
                func own() throws -> String {
                    let link = try lab.site.run("ip", "-o", "link", "show", Line.interface)
                    return try link + lab.site.run("ip", "-o", "address", "show", "dev", Line.interface)
                        + lab.site.run("sysctl", "net.ipv4.conf.\(Line.interface).rp_filter")
                }
                let before = try own()
                try daemon.start()
                try daemon.waitFor(path: Line.path)
                let path = try leased(daemon)
                #expect(path.kind == .routed && path.implementation == nil && path.underlay == nil)
                #expect(path.gateways.map(\.description) == [Line.gateway, Line.gateway6])
                let capture = try Capture(on: lab.site, links: [Line.interface], filter: "icmp or icmp6")
                for target in [Lab.target, Lab.target6] {
                    let source = target == Lab.target ? "10.1.0.1" : "fd00:1::1"
                    #expect(try lab.site.attempt(["ping", "-c", "1", "-W", "2", "-I", source, target]).status == 0)
                }
                for target in [Lab.target, Lab.target6] { try capture.showsThatItSees("> \(target): ICMP") }
                #expect(try own() == before)
                #expect(try daemon.pnetctl("plan").output.contains("nothing to do"))
                #expect(try daemon.pnetctl("down").status == 0)
                #expect(try own() == before)
                #expect(try lab.site.run("ip", "nexthop").isEmpty)
            }
        }

        /// The edge router goes, then what lies behind it: each is told from the other, and traffic is on the tunnel.
        @Test(.anyKernel) func whatDiesOnTheLineIsNamed() throws {
            try onLine("line-cut", options()) { lab, daemon in
                try daemon.waitFor(.a, .up)
                let traffic = try Traffic(lab)
                pause(.seconds(1))
                try lab.breakLine(.beyond)
                let beyond = try daemon.waitFor(path: .a, within: .seconds(3))
                try waitUntil("the router is known to be there") {
                    try reasons(daemon).contains(
                        "gateway \(Line.gateway) is there: what lies behind it does not answer"
                    )
                }
                try lab.healLine()
                try daemon.waitFor(path: Line.path, within: .seconds(20))
                try lab.breakLine(.edge)
                let edge = try daemon.waitFor(path: .a, within: .seconds(3))
                try waitUntil("the router is missed", within: .seconds(30)) {
                    try reasons(daemon).contains(
                        "gateway \(Line.gateway) is not on the line (no answer to ARP or neighbour discovery)"
                    )
                }
                #expect(try explanation(daemon).contains("gateway \(Line.gateway) is not on the line"))
                try lab.healLine()
                try daemon.waitFor(path: Line.path, within: .seconds(20))
                let result = try traffic.stop()
                print(
                    "line: left after \(beyond.shortText) and \(edge.shortText), longest gap "
                        + "\(result.longestGap.shortText), lost \(result.lost) of \(result.sent)"
                )
                #expect(result.longestGap <= Stage.here.limit(.milliseconds(1_200)))
            }
        }

        /// The kernel has the standby routes already: whoever has many prefixes waits no longer.
        @Test(.anyKernel, arguments: [1, 10_000])
        func aLostCarrierCostsAsMuchWithManyPrefixesAsWithOne(prefixes: Int) throws {
            var options = options()
            options.morePrefixes = (1..<prefixes).map { "10.\(100 + $0 / 128).\($0 % 128 * 2).0/24" }
            try onLine("line-carrier-\(prefixes)", options) { lab, daemon in
                try daemon.waitFor(.a, .up)
                let streams = try Stream.bothWays(lab) {
                    try lab.setLineCarrier(false)
                    try wait(daemon, for: Tunnel.a.path)
                }
                print(
                    "line carrier lost, \(prefixes) prefixes: \(streams.outward.lost) of \(streams.outward.sent) lost, "
                        + "longest gap \(streams.outward.longestGap.shortText)"
                )
                #expect(streams.outward.longestGap <= .milliseconds(100))
                #expect(try reasons(daemon) == ["interface \(Line.interface) has no carrier"])
                try lab.setLineCarrier(true)
                try wait(daemon, for: Line.path)
            }
        }

        /// The carrier's edge router speaks BFD: it proves the hop to it, and says so.
        @Test(.anyKernel) func bfdWithTheEdgeProvesOneHop() throws {
            let options = options(Line.path(interface: Line.interface, ", bfd: {interval: 100ms, multiplier: 3}"))
            let raise = { (lab: Lab) in
                guard let carrier = lab.carrier else { return }
                _ = try BIRD(
                    at: .init(on: carrier, link: "customer", local: Line.gateway, peer: "172.16.0.2"),
                    milliseconds: 100
                )
            }
            try onLine("line-bfd", options, before: raise) { lab, daemon in
                try daemon.waitFor(.a, .up)
                try waitUntil("the timers are agreed on") {
                    let session = try leased(daemon).bfd
                    return session?.state == .up && session?.detectionMs == 300
                }
                let words = try explanation(daemon)
                #expect(
                    words.contains("it proves the hop to \(Line.gateway) and nothing behind it: targets prove the rest")
                )
                let traffic = try Traffic(lab)
                pause(.milliseconds(500))
                try lab.breakLine(.edge)
                try daemon.waitFor(path: .a, within: .seconds(2))
                let lost = "BFD with \(Line.gateway): no packet for 300ms (control detection time expired)"
                let seen = try reasons(daemon)
                #expect(seen == [lost])
                pause(.milliseconds(300))
                let result = try traffic.stop()
                print("line, BFD: longest gap \(result.longestGap.shortText)")
                #expect(result.longestGap <= .milliseconds(400))
                // Behind the edge router BFD sees nothing.
                try lab.healLine()
                try daemon.waitFor(path: Line.path, within: .seconds(20))
                try lab.breakLine(.beyond)
                try daemon.waitFor(path: .a, within: .seconds(3))
                #expect(try leased(daemon).bfd?.state == .up)
            }
        }

        /// Several hops away, and so by the path's own routes.
        @Test(.anyKernel) func bfdWithTheCloudProvesTheWholeWay() throws {
            let session = "{peer: \(Line.farEnd), interval: 100ms, multiplier: 3, multihop: true}"
            let raise = { (lab: Lab) in
                let place = BIRD.Place(on: lab.cloud, link: "line0", local: Line.farEnd, peer: "172.16.0.2")
                _ = try BIRD(at: place, milliseconds: 100, multihop: true)
            }
            let options = options(Line.path(interface: Line.interface, ", bfd: \(session)"))
            try onLine("line-multihop", options, before: raise) { lab, daemon in
                try daemon.waitFor(.a, .up)
                try waitUntil("the session is up") { try leased(daemon).bfd?.state == .up }
                pause(.seconds(1))
                try lab.breakLine(.beyond)
                try daemon.waitFor(path: .a, within: .seconds(2))
                #expect(try reasons(daemon).first?.hasPrefix("BFD with \(Line.farEnd): no packet for") == true)
            }
        }

        /// pnetd makes the VLAN, finds it again, and takes it away.
        @Test(.kernelVLAN) func aVLANIsMadeAdoptedAndRemoved() throws {
            let addresses = Line.siteAddresses.map { "\"\($0)\"" }.joined(separator: ", ")
            let more = ", vlan: {parent: \(Line.interface), id: 100}, addresses: [\(addresses)]"
            try onLine("line-vlan", options(Line.path(interface: "pn-line", more)), vlan: 100) { lab, daemon in
                let link = try lab.site.run("ip", "-d", "-o", "link", "show", "pn-line")
                #expect(link.contains("pn-line@\(Line.interface)") && link.contains("vlan protocol 802.1Q id 100"))
                #expect(try leased(daemon).underlay?.text == Line.interface)
                let traffic = try Traffic(lab)
                pause(.milliseconds(500))
                try daemon.killAgent()
                try daemon.start()
                try daemon.waitFor(path: Line.path)
                #expect(try lab.site.run("ip", "-o", "link", "show", "pn-line").prefix(4) == link.prefix(4))
                pause(.milliseconds(200))
                let result = try traffic.stop()
                #expect(result.lost == 0)
                let text = String(decoding: try Files.read(daemon.file), as: UTF8.self)
                try lab.site.write("pnetd.yaml", text.replacing("id: 100", with: "id: 200"))
                #expect(try daemon.pnetctl("plan").output.contains("VLAN 200"))
                try lab.site.write("pnetd.yaml", text)
                #expect(try daemon.pnetctl("down").status == 0)
                #expect(try lab.site.attempt(["ip", "link", "show", "pn-line"]).status != 0)
                #expect(try lab.site.attempt(["ip", "link", "show", Line.interface]).status == 0)
            }
        }
    }
}
