// SPDX-License-Identifier: Apache-2.0

import CLinux
import ControlAPI
import Lab
import NetworkTypes
import SystemIO
import Testing

extension Scenarios {
    /// Names while paths come and go, under load: what is answered is what was decided.
    @Suite(.serialized)
    struct NameFlips {
        /// What was decided when, from the question to pnetd until it had carried it out.
        private struct Flip {
            let asked: Instant
            let done: Instant
            let realm: NameProber.Realm
        }

        /// A private name, one below it that is not there, and a public one that leads to the first: its server gives the
        /// whole chain, to the public address.
        private static let names = ["hub1.privatelink.azure-devices.net", "hub.azure-devices.net"]

        /// How many flips PNETD_FLIPS asks for, beside 20,000 questions a second; else a few beside less.
        private static let wanted = unsafe getenv("PNETD_FLIPS").flatMap { unsafe Int(String(cString: $0)) }
        private static let count = wanted ?? 60 / Stage.here.patience
        private static let rate = wanted == nil ? 3_000 : 20_000

        /// How long pnetd waits for its resolver to follow.
        private static let patience = Duration.milliseconds(100)

        @Test(.anyKernel) func neverLeadToThePublicWhereTheyAreBlocked() throws { try flip(.nowhere, "block") }

        @Test(.anyKernel) func leadToThePublicWhereTheFileSaysSoAndOnlyThen() throws { try flip(.public, "public") }

        private func flip(_ down: NameProber.Realm, _ whenDown: String) throws {
            var options = SiteFile()
            options.whenDown = whenDown
            try scenario("flips-\(whenDown)", options) { lab, daemon in
                let file = String(decoding: try Files.read(daemon.file), as: UTF8.self)
                // All of the load comes from one client.
                let allow = "allow: [127.0.0.0/8, 10.1.0.0/16]"
                let limits = allow + "\n  limits: {exempt: [127.0.0.0/8, 10.1.0.0/16]}"
                try lab.site.write("pnetd.yaml", file.replacing(allow, with: limits))
                try daemon.start()
                try daemon.waitFor(path: .a)
                try daemon.waitForNames()
                try waitUntil("both paths live") { try daemon.network().paths.allSatisfy { $0.verdict == .up } }
                let clock = SystemClock()
                let load = try DNSLoad(lab, rate: Self.rate, for: .seconds(600))
                let prober = try NameProber(lab, for: Self.names, every: .milliseconds(1))
                pause(.milliseconds(500))
                var flips = [Flip(asked: clock.now, done: clock.now, realm: .private)]
                func take(_ command: ControlCommand, _ path: PathName, to realm: NameProber.Realm) throws {
                    let asked = clock.now
                    let request = ControlRequest(command, path: path, allowInterruption: true, immediately: true)
                    let report = try DrainReport.ask(request, at: daemon.socket)
                    #expect(report.refusal == nil)
                    flips.append(Flip(asked: asked, done: clock.now, realm: realm))
                    pause(Stage.here.limit(Self.patience * 2))
                }
                while flips.count < Self.count {
                    let active = try #require(try daemon.network().path)
                    let other = try #require(["vpn-a", "vpn-b"].compactMap { PathName($0) }.first { $0 != active })
                    try take(.drain, active, to: .private)
                    try take(.drain, other, to: down)
                    try take(.undrain, other, to: .private)
                    try take(.undrain, active, to: .private)
                }
                let answers = try prober.stop()
                let asked = try load.stop()
                judge(answers, flips, down)
                let time = (clock.now - flips[0].done).inSeconds
                let rate = Int(Double(asked.sent) / time)
                print("flips-\(whenDown): \(rate) questions a second beside, \(asked.lost) of \(asked.sent) lost")
                #expect(asked.sent > 1_000)
            }
        }

        private func judge(_ answers: [NameProber.Answer], _ flips: [Flip], _ down: NameProber.Realm) {
            var wrong: [String] = []
            var times: [Duration] = []
            var right = 0
            for (number, flip) in flips.enumerated() {
                let end = number + 1 < flips.count ? flips[number + 1].asked : answers.last?.came ?? flip.done
                let here = answers.filter { $0.asked >= flip.asked && $0.came <= end }
                let isChange = number > 0 && flips[number - 1].realm != flip.realm
                let first = here.first { $0.realm == flip.realm }
                // Before pnetd says that it is done, it may be.
                if isChange, let first { times.append(max(.zero, first.came - flip.done)) }
                // Each worker takes a decision over by itself; what it was asked before may be answered by the one before.
                let settled = flip.done + Stage.here.limit(Self.patience)
                for answer in here where answer.asked >= settled {
                    guard answer.realm != flip.realm, answer.realm != .nothing else {
                        right += 1
                        continue
                    }
                    wrong.append("\(answer.question): \(answer.realm) where \(flip.realm) was decided")
                }
            }
            #expect(wrong.isEmpty, "\(wrong.count): \(Set(wrong))")
            #expect(answers.allSatisfy { !$0.isMixed })
            if down == .nowhere { #expect(!answers.contains { $0.realm == .public }) }
            #expect(right > 100 && times.count > flips.count / 4)
            let sorted = times.sorted()
            guard let longest = sorted.last else { return }
            print(
                "names after \(flips.count) flips: \(wrong.count) wrong of \(right + wrong.count); the first right answer after the decision in "
                    + "\(sorted[sorted.count / 2].shortText) (median), \(sorted[sorted.count * 99 / 100].shortText) (p99), "
                    + "\(longest.shortText) (largest)"
            )
        }
    }
}

extension DrainReport {
    /// Asks the agent behind a control socket, as pnetctl does.
    fileprivate static func ask(_ request: ControlRequest, at path: String) throws -> DrainReport {
        let socket = try UnixSocket.connect(path: path)
        try socket.setTimeouts(Stage.here.limit(.seconds(2)))
        let text = try ControlLine.encode(request)
        _ = try socket.write(text.span)
        var line: [UInt8] = []
        while let part = try socket.read(upTo: 1 << 16), !part.isEmpty {
            line += part
            if part.last == UInt8(ascii: "\n") { break }
        }
        return try ControlLine.decode(ControlResponse<DrainReport>.self, from: line).get()
    }
}
