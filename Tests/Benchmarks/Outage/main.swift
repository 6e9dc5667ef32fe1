// SPDX-License-Identifier: Apache-2.0
// How long traffic stands still when an underlay is cut silently, over and over, at a random moment of the probing; and
// when the active path of one and of ten thousand prefixes
// loses its carrier.

import CLinux
import Lab
import NetworkTypes
import SystemIO

let rounds = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 20
let carrierRounds = max(rounds / 4, 1)

func cut(_ lab: Lab, _ daemon: Daemon) throws -> Duration {
    try daemon.waitFor(path: .a, within: .seconds(30))
    let traffic = try Traffic(lab, every: .milliseconds(5))
    pause(.milliseconds(Int.random(in: 300...900)))
    try lab.impair(.a, .blackout)
    try daemon.waitFor(path: .b, within: .seconds(5))
    pause(.milliseconds(300))
    let result = try traffic.stop()
    try lab.heal(.a)
    return result.longestGap
}

/// A lab of its own for each kind of outage, gone whatever happens.
func onSite(_ label: String, _ measure: (Lab, Daemon) throws -> Void) throws {
    var options = SiteFile()
    options.failback = "1s"
    options.damping = false
    let lab = try Lab(label: label)
    defer { lab.tearDown() }
    try measure(lab, try Daemon(lab, options))
}

func lose(_ loss: CarrierLoss, _ prefixes: Int, _ compatibility: Int) throws {
    var results: [Traffic.Result] = []
    for _ in 0..<carrierRounds {
        try onSite("carrier") { lab, daemon in
            results.append(try loss.measure(lab, daemon, prefixes: prefixes, compatibility: compatibility))
        }
    }
    let lost = results.map(\.lost).sorted()
    let gaps = results.map { $0.longestGap.nanoseconds / 1_000_000 }.sorted()
    StandardStream.output.write(
        "RESULT carrier-loss-\(loss.rawValue) prefixes=\(prefixes) compat-mode=\(compatibility) "
            + "rounds=\(carrierRounds) lost-median=\(lost[carrierRounds / 2]) lost-max=\(lost[carrierRounds - 1]) "
            + "gap-median-ms=\(gaps[carrierRounds / 2]) gap-max-ms=\(gaps[carrierRounds - 1])\n"
    )
}

do {
    try onSite("bench") { lab, daemon in
        try daemon.start()
        let gaps = try (0..<rounds).map { _ in try cut(lab, daemon) }.sorted()
        let milliseconds = gaps.map { "\($0.nanoseconds / 1_000_000)" }
        StandardStream.output.write(
            "RESULT outage-silent-cut rounds=\(rounds) min-ms=\(milliseconds[0]) median-ms=\(milliseconds[rounds / 2]) "
                + "max-ms=\(milliseconds[rounds - 1])\n"
        )
    }
    for loss in CarrierLoss.allCases {
        for (prefixes, compatibility) in [(1, 1), (10_000, 1), (10_000, 0)] {
            try lose(loss, prefixes, compatibility)
        }
    }
} catch {
    StandardStream.error.write("\(error)\n")
    exit(1)
}
