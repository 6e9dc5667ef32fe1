// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Lab
import NetworkTypes
import Testing

extension Scenarios {
    /// Settings of the host that stand in the way are named, and no longer when they are mended.
    @Suite(.serialized)
    struct Settings {
        @Test func aStrictSourceFilterIsNamedWhileItIsThere() throws {
            try scenario("settings") { lab, daemon in
                let set = { (setting: String, value: Int) in
                    _ = try lab.site.run("sysctl", "-qw", "net.ipv4.conf.\(setting)=\(value)")
                }
                let warnings = { try daemon.status().warnings.filter { $0.contains("sysctl") } }
                try daemon.start()
                try daemon.waitFor(path: .a)
                #expect(try warnings() == [])
                // The marks of what comes in satisfy a strict filter on a path, and only they.
                try set("pn-b.rp_filter", 1)
                try set("eth0.rp_filter", 1)
                try waitUntil("the filter is named") {
                    try warnings().contains { $0.hasSuffix("(sysctl -w net.ipv4.conf.eth0.rp_filter=2)") }
                }
                try set("eth0.rp_filter", 2)
                try waitUntil("the filter is no longer named") { try warnings() == [] }
                let paths = try daemon.network().paths
                #expect(paths.allSatisfy { $0.verdict == .up })
                try set("pn-b.src_valid_mark", 0)
                try daemon.waitFor(.b, .down)
                try waitUntil("the mark is named") {
                    try warnings().contains { $0.hasSuffix("(sysctl -w net.ipv4.conf.pn-b.src_valid_mark=1)") }
                }
                try set("pn-b.src_valid_mark", 1)
                try daemon.waitFor(.b, .up)
                try waitUntil("the mark is no longer named") { try warnings() == [] }
            }
        }
    }
}
