// SPDX-License-Identifier: Apache-2.0

import Lab
import NetworkTypes
import Testing

extension Scenarios {
    /// What the lab itself can do on the stage that it is on, before anything is shown with it.
    @Suite(.serialized)
    struct Abilities {
        /// Each way by itself: by netem where the kernel has it, else by rules of nft.
        @Test func packetsAreLostAsOftenAsAsked() throws {
            try scenario("lossy") { lab, _ in
                let lost = { () throws -> Int in
                    let ping = ["fping", "-q", "-c", "500", "-i", "1", "-p", "2", "-t", "1000", "192.0.2.1"]
                    // `192.0.2.1 : xmt/rcv/%loss = 500/405/19%, min/avg/max = ...`
                    let said = try lab.site.attempt(ping).output
                    let counts = try #require(said.firstMatch(of: #/= (\d+)/(\d+)//#), "\(said)")
                    return try #require(Int(counts.1)) - #require(Int(counts.2))
                }
                #expect(try lost() == 0)
                // One in five each way loses 36 % of the round trips; nine standard deviations are allowed.
                try lab.impair(.a, .randomLoss(percent: 20))
                #expect((83...277).contains(try lost()))
                try lab.heal(.a)
                #expect(try lost() == 0)
            }
        }

        @Test(.kernelESP) func espCarriesWhatIsSentAndShowsNothingOfIt() throws {
            try scenario("esp") { lab, _ in
                let wire = try Capture(lab, links: [Tunnel.a.uplink], filter: "esp or net 10.97.0.0/24")
                // What goes in the open is seen, here the question who has an address that nobody has.
                let nobody = "10.97.0.99"
                _ = try lab.site.attempt(["ping", "-c", "1", "-W", "1", "-I", Tunnel.a.underlay, nobody])
                try wire.showsThatItSees(nobody)
                try lab.raiseESP()
                let ping = ["ping", "-c", "3", "-i", "0.2", "-W", "\(Stage.here.patience)", "-I", Lab.espInterface]
                #expect(try lab.site.attempt(ping + [Lab.espTarget]).output.contains("3 received"))
                let sealed = { wire.packets.filter { $0.contains("ESP(spi=") } }
                try waitUntil("questions and answers were seen") { sealed().count >= 6 }
                let open = wire.packets.filter { !$0.contains("ESP(spi=") && !$0.contains(nobody) }
                #expect(open == [])
            }
        }
    }
}
