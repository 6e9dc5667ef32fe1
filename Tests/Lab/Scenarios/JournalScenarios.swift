// SPDX-License-Identifier: Apache-2.0

import Lab
import NetworkTypes
import Testing

extension Scenarios {
    /// What happened can be told afterwards, and done again.
    @Suite(.serialized)
    struct Past {
        @Test(.anyKernel) func theJournalTellsOfAFailoverAndAReplayEqualsIt() throws {
            try scenario("journal") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                try lab.impair(.a, .blackout)
                try daemon.waitFor(path: .b, within: .seconds(3))
                // An agent that is killed, and one that ends in peace: two runs in one journal.
                try daemon.killAgent()
                try daemon.start()
                try daemon.waitFor(path: .b)
                try lab.heal(.a)
                try daemon.waitFor(path: .a, within: .seconds(20))
                try daemon.stop()
                let pnetctl = "\(try Daemon.programs)/pnetctl"
                let events = try lab.site.run(pnetctl, "events", "--file", daemon.file, "--since", "1h")
                let lines = events.split(separator: "\n")
                #expect(lines.count { $0.contains(" pnetd began ") } == 2)
                let left = try #require(lines.first { $0.contains(" path vpn-a -> vpn-b ") }, "\(events)")
                #expect(left.contains("without answer for"))
                #expect(lines.last { $0.contains(" azure ") }?.contains("path vpn-b -> vpn-a") == true, "\(events)")
                let ofA = try lab.site.run(pnetctl, "events", "--file", daemon.file, "--path", "vpn-a", "--json")
                #expect(ofA.contains("\"kind\":\"verdict\"") && !ofA.contains("\"kind\":\"start\""))
                let replay = try lab.site.attempt([pnetctl, "replay", "--file", daemon.file])
                #expect(replay.status == 0)
                #expect(replay.output.contains("the replay equals the live run"), "\(replay.output)")
                print("journal: \(replay.output.split(separator: "\n").last ?? "")")
            }
        }
    }
}
