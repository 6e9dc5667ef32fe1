// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Lab
import NetworkTypes
import Testing

extension Scenarios {
    /// Settings of the host that stand in the way are named, and no longer when they are mended.
    @Suite(.serialized)
    struct Settings {
        @Test(.anyKernel) func aStrictSourceFilterIsNamedWhileItIsThere() throws {
            try scenario("settings") { lab, daemon in
                let set = { (setting: String, value: Int) in
                    _ = try lab.site.run("sysctl", "-qw", "net.ipv4.conf.\(setting)=\(value)")
                }
                let warnings = { try daemon.status().warnings.filter { $0.contains("sysctl") } }
                try daemon.start()
                try daemon.waitFor(path: .a)
                #expect(try warnings() == [])
                try set("eth0.rp_filter", 1)
                try waitUntil("the filter is named") {
                    try warnings().contains { $0.hasSuffix("(sysctl -w net.ipv4.conf.eth0.rp_filter=2)") }
                }
                try set("eth0.rp_filter", 2)
                try waitUntil("the filter is no longer named") { try warnings() == [] }
                let paths = try daemon.network().paths
                #expect(paths.allSatisfy { $0.verdict == .up })
                let change = "net.ipv6.conf.pn-b.disable_ipv6"
                try lab.site.run("sysctl", "-qw", "\(change)=1")
                try waitUntil("what has no IPv6 is named") {
                    try warnings().contains { $0.hasSuffix("(sysctl -w \(change)=0)") }
                }
                try lab.site.run("sysctl", "-qw", "\(change)=0")
                try waitUntil("it is no longer named") { try warnings() == [] }
            }
        }
    }
}
