// SPDX-License-Identifier: Apache-2.0
// What it costs to know of four paths: processor time of the idle agent, with few targets and with many, beside fping,
// which asks the same targets as often and concludes nothing.

import CLinux
import ControlAPI
import Lab
import NetworkTypes
import SystemIO

let time = Duration.seconds(CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 30)

func measure(targets: Int) throws {
    let lab = try Lab(label: "probing")
    defer { lab.tearDown() }
    let site = try ProbedSite(lab, targets: targets)
    try site.start()
    let (own, sent) = (try site.processorTime(of: "pnetd run"), try site.probesSent())
    pause(time)
    let agent = (try site.processorTime(of: "pnetd run") - own) / time.inSeconds
    let rate = (try site.probesSent() - sent) / time.inSeconds
    try site.startPeers(every: .seconds(targets * ProbedSite.tunnels) / max(rate, 1))
    pause(.seconds(5))
    let others = try site.processorTime(of: "fping")
    pause(time)
    let peers = (try site.processorTime(of: "fping") - others) / time.inSeconds
    StandardStream.output.write(
        "RESULT probing paths=\(ProbedSite.tunnels) targets=\(targets) packets-a-second=\(Int(rate)) "
            + "agent-percent=\(hundredths(agent * 100)) fping-percent=\(hundredths(peers * 100)) "
            + "ratio=\(hundredths(agent / peers))\n"
    )
}

func hundredths(_ number: Double) -> String {
    let whole = Int(number * 100 + 0.5)
    return "\(whole / 100).\(whole % 100 / 10)\(whole % 10)"
}

do {
    for targets in [8, 250] { try measure(targets: targets) }
} catch {
    StandardStream.error.write("bench-probing: \(error)\n")
    exit(1)
}
