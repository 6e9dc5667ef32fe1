// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Lab
import NetworkTypes
import SystemIO
import Testing

extension Scenarios {
    /// Flows whose source is translated to the address of a path, and those beside them that are not.
    @Suite(.serialized)
    struct Translation {
        /// The number by which the site's kernel knows the flow from a port of the plant to an address.
        private static func id(_ lab: Lab, _ port: Int, to target: String) throws -> String? {
            let listing = try lab.site.run("conntrack", "-L", "-d", target, "-o", "id")
            let line = listing.split(separator: "\n").first { $0.contains("sport=\(port) ") }
            return line?.split(separator: " ").last.map(String.init)
        }

        private static func cut(_ lab: Lab, _ tunnel: Tunnel) throws -> String? {
            let page = try lab.site.run("curl", "-s", "http://127.0.0.1:9731/metrics")
            let name = "pnetd_flows_cut_total{path=\"\(tunnel.path)\"} "
            return page.split(separator: "\n").first { $0.hasPrefix(name) }.map { String($0.dropFirst(name.count)) }
        }

        /// A rule of the operator's own, with a fixed address for each path: the kernel would keep it for ever. A second
        /// network stays on the first path, and so do its flows.
        @Test func aSwitchCutsTheTranslatedFlowsOfItsNetworkAndNoOthers() throws {
            var options = SiteFile()
            options.moreNetworks = """
                  aws:
                    prefixes: [10.30.0.0/16]
                    paths: [vpn-a, vpn-b]
                    targets: {list: [{icmp: 10.30.0.4}]}
                    detect: \(SiteFile.detect)
                """
            try scenario("cut-flows", options) { lab, daemon in
                let plant = try lab.addPlant()
                try lab.cloud.run("ip", "address", "add", "10.30.0.4/32", "dev", "lo")
                let rules = Tunnel.allCases.map {
                    "    oifname \"\($0.interface)\" udp sport { 40001, 40003, 40004 } snat to \($0.siteAddress)"
                }
                let chain = ["  chain translate {", "    type nat hook postrouting priority srcnat"] + rules + ["  }"]
                let table = ["table ip operator {"] + chain + ["}", ""]
                try lab.site.run("nft", "-f", "-", input: table.joined(separator: "\n"))
                try daemon.start()
                try daemon.waitFor(path: .a)
                _ = try Mirror(lab, on: Lab.target, "10.30.0.4")
                let translated = try Flow(on: plant, from: "10.1.0.77", 40001, to: Lab.target)
                let plain = try Flow(on: plant, from: "10.1.0.77", 40002, to: Lab.target)
                let other = try Flow(on: plant, from: "10.1.0.77", 40004, to: "10.30.0.4")
                // Nobody answers: to the kernel each of its packets is the first one.
                let unanswered = try Capture(lab, links: ["wg-a", "wg-b"], filter: "udp port 40003")
                let oneWay = try Flow(on: plant, from: "10.1.0.77", 40003, to: Lab.target, port: 9)
                try translated.waitUntilSeen(as: "10.99.0.2")
                try plain.waitUntilSeen(as: "10.1.0.77")
                try other.waitUntilSeen(as: "10.99.0.2")
                try waitUntil("the one-way flow is seen") {
                    unanswered.packets.contains { $0.hasPrefix("wg-a") && $0.contains("10.99.0.2.40003 >") }
                }
                let ids = try (Self.id(lab, 40002, to: Lab.target), Self.id(lab, 40004, to: "10.30.0.4"))
                #expect(ids.0 != nil && ids.1 != nil)

                // The path lives, but its far end has lost the first network.
                let lost = "iifname \"wg-a\" ip daddr 10.20.0.0/16 drop"
                try lab.cloud.run("nft", "add chain inet cloud lost { type filter hook input priority 0; }")
                try lab.cloud.run("nft", "add rule inet cloud lost \(lost)")
                try daemon.waitFor(path: .b, within: .seconds(3))
                let back = try translated.waitUntilSeen(as: "10.98.0.2", within: .seconds(1))
                try waitUntil("the one-way flow has the new address", within: .seconds(1)) {
                    unanswered.packets.contains { $0.hasPrefix("wg-b") && $0.contains("10.98.0.2.40003 >") }
                }
                pause(.milliseconds(300))
                #expect(plain.seenAs == "10.1.0.77" && plain.longestGap < Stage.here.limit(.milliseconds(1_500)))
                #expect(other.seenAs == "10.99.0.2" && other.longestGap < Stage.here.limit(.milliseconds(500)))
                #expect(try Self.id(lab, 40002, to: Lab.target) == ids.0, "an un-translated flow is left alone")
                #expect(try Self.id(lab, 40004, to: "10.30.0.4") == ids.1, "so is one of a network that stays")
                #expect(try Self.cut(lab, .a) == "2")
                let gap = translated.longestGap.shortText
                print("translated flow: back \(back.shortText) after the switch was seen, longest gap \(gap)")

                try lab.cloud.run("nft", "delete chain inet cloud lost")
                try daemon.waitFor(path: .a, within: .seconds(20))
                try translated.waitUntilSeen(as: "10.99.0.2", within: .seconds(1))
                #expect(try Self.cut(lab, .b) == "2")
                #expect(try Self.id(lab, 40002, to: Lab.target) == ids.0)
                #expect(try daemon.status().warnings.allSatisfy { !$0.contains("stuck") })

                // A file that takes the path away from the first network says beforehand what that cuts.
                let file = String(decoding: try Files.read(daemon.file), as: UTF8.self)
                try lab.site.write(
                    "pnetd.yaml",
                    file.replacing("paths: [vpn-a, vpn-b]", with: "paths: [vpn-b]", maxReplacements: 1)
                )
                let plan = try daemon.pnetctl("plan")
                #expect(plan.output.contains("2 translated flows cut: they begin anew by vpn-b"), "\(plan.output)")
                #expect(try daemon.pnetctl("apply").status == 1)
                #expect(try daemon.pnetctl("apply", "--allow-interruption").status == 0)
                try translated.waitUntilSeen(as: "10.98.0.2", within: .seconds(1))
                #expect(try Self.cut(lab, .a) == "4")
                withExtendedLifetime(oneWay) {}
            }
        }

        /// A host that the cloud has no route back to, beside one that it has: the first is translated to the address
        /// of whichever path leads there.
        @Test func aHostWithoutARouteBackLeavesWithThePathsAddress() throws {
            var options = SiteFile()
            options.natSources = "[10.77.0.0/24, \"fd00:77::/64\"]"
            try scenario("nat", options) { lab, daemon in
                let plant = try lab.addPlant()
                for (host, link, number) in [(lab.site, "lan0", 1), (plant, "eth0", 77)] {
                    try host.run("ip", "address", "add", "10.77.0.\(number)/24", "dev", link)
                    try host.run("ip", "address", "add", "fd00:77::\(number)/64", "dev", link)
                }
                try daemon.start()
                try daemon.waitFor(path: .a)
                _ = try Mirror(lab, on: Lab.target, Lab.target6)
                let translated = try Flow(on: plant, from: "10.77.0.77", 40001, to: Lab.target)
                let translated6 = try Flow(on: plant, from: "fd00:77::77", 40001, to: Lab.target6)
                let plain = try Flow(on: plant, from: "10.1.0.77", 40002, to: Lab.target)
                try translated.waitUntilSeen(as: "10.99.0.2")
                try translated6.waitUntilSeen(as: "fd00:99::2")
                try plain.waitUntilSeen(as: "10.1.0.77")
                let connect = {
                    let target = "TCP:\(Lab.target):\(Mirror.port),bind=10.77.0.77,connect-timeout=1"
                    return try plant.attempt(["socat", "-u", target, "-"]).output
                }
                #expect(try connect() == "10.99.0.2")
                let id = try Self.id(lab, 40002, to: Lab.target)

                try lab.impair(.a, .blackout)
                try daemon.waitFor(path: .b, within: .seconds(3))
                let back = try translated.waitUntilSeen(as: "10.98.0.2", within: .seconds(1))
                try translated6.waitUntilSeen(as: "fd00:98::2", within: .seconds(1))
                #expect(try connect() == "10.98.0.2")
                try plain.waitUntilSeen(as: "10.1.0.77")
                #expect(try Self.id(lab, 40002, to: Lab.target) == id, "an un-translated flow is left alone")
                let gap = translated.longestGap
                #expect(gap < Stage.here.limit(.milliseconds(1_500)))
                print("nat: back \(back.shortText) after the switch was seen, longest gap \(gap.shortText)")

                // A guard that is put in place anew while flows are under way translates them as before.
                try daemon.killAgent()
                try lab.site.run("nft", "delete", "table", "inet", "pnetd")
                try daemon.start()
                let listing = { try lab.site.run("nft", "list", "table", "inet", "pnetd") }
                try waitUntil("the guard translates again") { try listing().contains("masquerade") }
                let before = translated.answered
                try waitUntil("the flow goes on") { translated.answered > before + 10 }
                #expect(translated.seenAs == "10.98.0.2")
                #expect(try connect() == "10.98.0.2")
            }
        }
    }
}
