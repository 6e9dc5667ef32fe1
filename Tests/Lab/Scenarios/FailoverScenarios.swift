// SPDX-License-Identifier: Apache-2.0

import Lab
import NetworkTypes
import Testing

@Suite(.serialized)
struct FailoverScenarios {
    @Test func silentCutMovesTrafficAndBackAfterTheHold() throws {
        try scenario("cut") { lab, daemon in
            try daemon.start()
            try daemon.waitFor(path: .a)
            let traffic = try Traffic(lab)
            pause(.seconds(1))
            try lab.impair(.a, .blackout)
            try daemon.waitFor(path: .b, within: .seconds(3))
            pause(.seconds(1))
            try lab.heal(.a)
            try daemon.waitFor(path: .a, within: .seconds(20))
            pause(.seconds(1))
            let result = try traffic.stop()
            print("silent cut: \(result.lost) of \(result.sent) lost, longest gap \(result.longestGap.shortText)")
            #expect(result.longestGap <= .milliseconds(1200))
            #expect(result.answered > 0)
        }
    }
}
