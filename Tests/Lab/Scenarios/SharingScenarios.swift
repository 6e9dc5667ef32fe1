// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Lab
import NetworkTypes
import SystemIO
import Testing

extension Scenarios {
    /// Paths of one priority carry a network's traffic together.
    @Suite(.serialized)
    struct Sharing {
        private static let addresses = ["10.99.0.2", "10.98.0.2"]

        private static func waitForCarriers(
            _ carriers: [Tunnel],
            _ daemon: Daemon,
            within limit: Duration = .seconds(10)
        ) throws {
            try waitUntil("\(carriers.map(\.path)) carry", within: limit) {
                Set(try daemon.network().carriers.map(\.text)) == Set(carriers.map(\.path))
            }
        }

        /// Flows of a host that the paths translate: the address that each is seen by says which path it goes by.
        @Test(.anyKernel) func theFlowsOfAPathThatDiesMoveAndTheOthersStay() throws {
            var options = SiteFile()
            options.order = ["{path: vpn-a, priority: 1, weight: 1}", "{path: vpn-b, priority: 1}"]
            options.natSources = "[10.77.0.0/24]"
            try scenario("sharing", options) { lab, daemon in
                let plant = try lab.addPlant()
                for (host, link, number) in [(lab.site, "lan0", 1), (plant, "eth0", 77)] {
                    try host.run("ip", "address", "add", "10.77.0.\(number)/24", "dev", link)
                }
                // By ports, or one host's flows to another would all go by one path.
                try lab.site.run("sysctl", "-qw", "net.ipv4.fib_multipath_hash_policy=1")
                try daemon.start()
                try Self.waitForCarriers([.a, .b], daemon)
                #expect(try daemon.pnetctl("status").output.contains("vpn-a + vpn-b"))
                try waitUntil("the metrics name both") {
                    let page = try lab.site.attempt(["curl", "-s", "http://127.0.0.1:9731/metrics"]).output
                    return ["vpn-a", "vpn-b"].allSatisfy {
                        page.contains("pnetd_network_active_path{network=\"azure\",path=\"\($0)\"} 1")
                    }
                }
                _ = try Mirror(lab, on: Lab.target)
                let flows = try (0..<16).map { try Flow(on: plant, from: "10.77.0.77", 41_000 + $0, to: Lab.target) }
                try waitUntil("all flows are answered") { flows.allSatisfy { $0.answered > 20 } }
                let before = flows.map(\.seenAs)
                #expect(Set(before) == Set(Self.addresses), "both paths carry some: \(before)")

                try lab.impair(.a, .blackout)
                try Self.waitForCarriers([.b], daemon, within: .seconds(3))
                try waitUntil("all flows go by the other path", within: .seconds(2)) {
                    flows.allSatisfy { $0.seenAs == Self.addresses[1] }
                }
                let (moved, stayed) = (
                    flows.indices.filter { before[$0] == Self.addresses[0] },
                    flows.indices.filter { before[$0] == Self.addresses[1] }
                )
                let gaps = (moved.map { flows[$0].longestGap }.max(), stayed.map { flows[$0].longestGap }.max())
                print(
                    "sharing: \(moved.count) flows moved, gap \(gaps.0?.shortText ?? ""), \(stayed.count) stayed, gap \(gaps.1?.shortText ?? "")"
                )
                #expect(gaps.0 ?? .zero <= Stage.here.limit(.milliseconds(1_500)))
                #expect(gaps.1 ?? .zero <= Stage.here.limit(.milliseconds(200)), "they lose nothing")
                let explanation = try daemon.pnetctl("explain", "azure").output
                #expect(explanation.contains("vpn-b is up"))

                // It takes part again after the hold, and no flow that goes on is moved for that.
                let gap = flows.map(\.longestGap)
                try lab.heal(.a)
                try daemon.waitFor(.a, .up, within: .seconds(20))
                #expect(try daemon.network().carriers.map(\.text) == ["vpn-b"])
                try Self.waitForCarriers([.a, .b], daemon)
                pause(.seconds(2))
                #expect(flows.allSatisfy { $0.seenAs == Self.addresses[1] })
                #expect(flows.map(\.longestGap) == gap, "nothing was lost")
                let new = try (0..<8).map { try Flow(on: plant, from: "10.77.0.77", 42_000 + $0, to: Lab.target) }
                try waitUntil("the new flows are answered") { new.allSatisfy { $0.answered > 0 } }
                #expect(new.contains { $0.seenAs == Self.addresses[0] }, "what is new goes by it as well")
                #expect(try daemon.pnetctl("explain", "azure").output.contains("1 of 2 parts of the flows"))

                // A daemon that dies and comes back finds both.
                try daemon.killAgent()
                try daemon.start()
                pause(.seconds(2))
                #expect(try daemon.network().carriers.count == 2)
                #expect(flows.map(\.longestGap) == gap, "nothing was lost")
                #expect(flows.allSatisfy { $0.seenAs == Self.addresses[1] })

                // Where an operator wants one path, it carries alone.
                let refusal = try daemon.pnetctl("switch", "azure", "vpn-a")
                #expect(refusal.status == 1, "translated flows would be cut")
                #expect(try daemon.pnetctl("switch", "azure", "vpn-a", "--allow-interruption").status == 0)
                try Self.waitForCarriers([.a], daemon)
                try waitUntil("all flows go by it", within: .seconds(2)) {
                    flows.allSatisfy { $0.seenAs == Self.addresses[0] }
                }
                #expect(try daemon.pnetctl("switch", "azure", "--auto").status == 0)
                try Self.waitForCarriers([.a, .b], daemon, within: .seconds(2))
            }
        }
    }
}
