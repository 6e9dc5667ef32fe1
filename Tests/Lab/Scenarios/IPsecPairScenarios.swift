// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Lab
import NetworkTypes
import SystemIO
import Testing

extension Scenarios {
    /// Two IPsec tunnels to one cloud gateway, as of AWS Site-to-Site VPN: both between the same two names, with addresses
    /// inside that only their ends know, and the gateway answers by the one that it likes.
    @Suite(.serialized)
    struct IPsecPairs {
        private static let (first, second) = (lent(IPsecPath()), lent(IPsecPath.second))

        /// Asks from the site's own addresses, which the cloud has a way back to.
        private static func lent(_ path: IPsecPath) -> IPsecPath {
            var path = path
            path.more = "    source: \(Lab.siteSources)"
            return path
        }

        private static var options: SiteFile {
            var options = SiteFile()
            (options.ipsec, options.secondIPsec, options.paths) = (first, second, [])
            return options
        }

        private func waitForDetour(_ daemon: Daemon, of path: IPsecPath, by other: IPsecPath) throws {
            try waitUntil("\(path.name) is answered by \(other.name)", within: .seconds(15)) {
                let seen = try daemon.network().paths.first { $0.path.text == path.name }
                return seen?.verdict == .down
                    && seen?.reasons.first?.hasPrefix("answers to its probes come in by \(other.name):") == true
            }
        }

        @Test(.kernelESP) func bothAreKeptUpAndTrafficIsOnTheOneThatTheCloudAnswersBy() throws {
            let (first, second) = (Self.first, Self.second)
            try scenario("ipsec-pair", Self.options, farEnd: .routed) { lab, daemon in
                let ipsec = try lab.addIPsec(first, second: second)
                try lab.answerEverything(by: second.gatewayLink)
                try daemon.start()
                try daemon.waitFor(path: second.name, within: .seconds(30))
                try waitForDetour(daemon, of: first, by: second)
                let before = try [first, second].map(ipsec.numbers)
                #expect(before.allSatisfy { $0.count == 2 })
                let there = try Traffic(lab)
                let there6 = try Traffic(lab, to: Lab.target6)
                pause(.seconds(30))
                let back = [
                    "ping", "-c", "20", "-i", "0.05", "-W", "\(Stage.here.patience)", "-I", Lab.target, "10.1.0.1",
                ]
                #expect(try lab.cloud.attempt(back).output.contains("20 received"))
                for result in [try there.stop(), try there6.stop()] {
                    #expect(result.lost == 0 && result.sent > 100)
                    print("ipsec: \(result.lost) of \(result.sent) lost by the second tunnel")
                }
                #expect(try [first, second].map(ipsec.numbers) == before, "neither was begun anew")
                #expect(try daemon.network().path?.text == second.name)
                #expect(!daemon.log.contains("begun anew"))

                // The second is cut, and the cloud answers by the first.
                let traffic = try Traffic(lab)
                pause(.milliseconds(500))
                try ipsec.cut(.everything, of: second)
                try lab.answerEverything(by: first.gatewayLink)
                let moved = try daemon.waitFor(path: first.name, within: .seconds(5))
                #expect(try ipsec.numbers(of: first) == before[0])
                pause(.seconds(1))
                let cut = try traffic.stop()
                #expect(cut.longestGap <= Stage.here.limit(.milliseconds(2_000)))

                // It is whole again, and the cloud goes back to it.
                try ipsec.mend()
                try waitUntil("both stand", within: .seconds(60)) {
                    try [first, second].map(ipsec.numbers).allSatisfy { $0.count == 2 }
                }
                try waitForDetour(daemon, of: second, by: first)
                let following = try Traffic(lab)
                try lab.answerEverything(by: second.gatewayLink)
                let followed = try daemon.waitFor(path: second.name, within: .seconds(10))
                try waitForDetour(daemon, of: first, by: second)
                let result = try following.stop()
                #expect(result.lost == 0)
                #expect(try ipsec.numbers(of: first) == before[0], "the first was never begun anew")
                print(
                    "ipsec: moved \(moved.shortText) after the cut, longest gap \(cut.longestGap.shortText); "
                        + "\(followed.shortText) after the cloud chose, lost \(result.lost) of \(result.sent)"
                )
            }
        }
    }
}
