// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Lab
import NetworkTypes
import Testing

extension Scenarios {
    /// Somebody else's routing keeps the kernel busy.
    @Suite(.serialized)
    struct Storms {
        /// As when a full table comes and goes: fifty thousand events, and one that matters among them.
        @Test(.anyKernel) func fiftyThousandRouteEventsDisturbNobody() throws {
            try scenario("storm") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                let agents = lab.site.processes(running: "pnetd run")
                let traffic = try Traffic(lab)
                pause(.milliseconds(500))
                let routes = (0..<25_000).map { "10.\(100 + $0 / 65_536).\($0 / 256 % 256).\($0 % 256)/32" }
                for word in ["add", "delete"] {
                    try lab.site.ip(routes.map { "route \(word) \($0) dev lan0 table 4242" }.joined(separator: "\n"))
                    // The traffic is IPv4: it does not miss this one.
                    if word == "add" { try lab.site.run("ip", "-6", "rule", "delete", "priority", "899") }
                }
                let time = try waitUntil("the rule is back", within: .seconds(2)) {
                    try lab.site.run("ip", "-6", "rule").contains("899:")
                }
                pause(.milliseconds(500))
                let result = try traffic.stop()
                #expect(result.lost == 0 && result.answered > 50)
                #expect(lab.site.processes(running: "pnetd run") == agents)
                #expect(try daemon.network().switches == 0)
                let page = try lab.site.run("curl", "-s", "http://127.0.0.1:9731/metrics")
                let overruns = page.split(separator: "\n").first { $0.hasPrefix("pnetd_netlink_overruns_total") }
                let lost = "\(result.lost) of \(result.sent) lost"
                print("storm: the rule back \(time.shortText) after it, \(lost), \(overruns ?? "no overruns")")
                #expect(overruns != nil)
            }
        }
    }
}
