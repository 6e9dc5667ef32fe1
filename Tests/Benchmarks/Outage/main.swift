// SPDX-License-Identifier: Apache-2.0
// How long traffic stands still when an underlay is cut silently, over and over, at a random moment of the probing.

import CLinux
import Lab
import NetworkTypes
import SystemIO

let rounds = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 20

func measure(_ lab: Lab, _ daemon: Daemon) throws -> Duration {
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

var options = SiteFile()
options.failback = "1s"
let lab = try Lab(label: "bench")
do {
    let daemon = try Daemon(lab, options)
    try daemon.start()
    let gaps = try (0..<rounds).map { _ in try measure(lab, daemon) }.sorted()
    let milliseconds = gaps.map { "\($0.nanoseconds / 1_000_000)" }
    lab.tearDown()
    StandardStream.output.write(
        "RESULT outage-silent-cut rounds=\(rounds) min-ms=\(milliseconds[0]) median-ms=\(milliseconds[rounds / 2]) "
            + "max-ms=\(milliseconds[rounds - 1])\n"
    )
} catch {
    lab.tearDown()
    StandardStream.error.write("\(error)\n")
    exit(1)
}
