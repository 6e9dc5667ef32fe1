// SPDX-License-Identifier: Apache-2.0
// How long traffic stands still, or how long it stays on a path that got worse, by each kind of fault, with a thousand
// packets a second each way: pnetd at both ends, beside FRR and keepalived on the same tunnels. Then what a silent cut
// costs a site whose far end is a plain gateway; and what the loss of a carrier costs one and ten thousand prefixes.

import CLinux
import Lab
import NetworkTypes
import SystemIO

/// Two of five rounds do for those who are not on trial, and one for what they do not see at all.
func compare(_ fault: Fault, rounds: Int, alone isAlone: Bool) throws {
    let pnetd = try Cuts(fault, rounds: rounds, on: Agents.self)
    report("pnetd", pnetd, fault)
    guard !isAlone else { return }
    let few = fault.isWorseOnly ? 1 : max(rounds * 2 / 5, 1)
    let frr = try Cuts(fault, rounds: few, on: Routers.self)
    report("frr", frr, fault)
    let keepalived = try Cuts(fault, rounds: few, on: Trackers.self)
    report("keepalived", keepalived, fault)
    for direction in Stream.Direction.allCases where fault.concerns(direction) {
        let own = pnetd.counted(fault, direction).percentile(50)
        var line = "RESULT outage-\(fault.rawValue)-\(direction) median-ms pnetd=\(own?.milliseconds ?? "none")"
        for (name, peer) in [("frr", frr), ("keepalived", keepalived)] {
            let median = peer.counted(fault, direction).percentile(50)
            line += " \(name)=\(median?.milliseconds ?? "none")"
            guard let own, let median, median > .zero else { continue }
            line += " ratio-\(name)=\((own / median * 1_000).rounded() / 1_000)"
        }
        StandardStream.output.write(line + "\n")
    }
}

/// Says what a contender's traffic suffered.
func report(_ name: String, _ cuts: Cuts, _ fault: Fault) {
    let what = fault.isWorseOnly ? "move" : "gap"
    var line = "RESULT outage-\(fault.rawValue) by=\(name) rounds=\(cuts.rounds) packets-per-second=\(cuts.rate)"
    for direction in Stream.Direction.allCases {
        let durations = cuts.counted(fault, direction)
        line += durations.distribution("\(direction)-\(what)")
        if durations.count < cuts.rounds { line += " \(direction)-stayed=\(cuts.rounds - durations.count)" }
    }
    StandardStream.output.write(line + "\n")
}

func cut(_ lab: Lab, _ daemon: Daemon) throws -> Duration {
    try daemon.waitFor(path: .a, within: .seconds(30))
    let traffic = try Traffic(lab, every: .milliseconds(5))
    pause(.milliseconds(Int.random(in: 300...900)))
    try lab.impair(.a, .blackout)
    pause(Cuts.least)
    try daemon.waitFor(path: .b)
    let result = try traffic.stop()
    try lab.heal(.a)
    return result.longestGap
}

/// A lab of its own for each kind of outage, gone whatever happens.
func onSite(_ label: String, _ measure: (Lab, Daemon) throws -> Void) throws {
    let lab = try Lab(label: label)
    defer { lab.tearDown() }
    try measure(lab, try Daemon(lab, Fault.both.options))
}

func lose(_ loss: CarrierLoss, _ prefixes: Int, _ compatibility: Int, rounds: Int) throws {
    var results: [Traffic.Result] = []
    for _ in 0..<rounds {
        try onSite("carrier") { lab, daemon in
            results.append(try loss.measure(lab, daemon, prefixes: prefixes, compatibility: compatibility))
        }
    }
    let lost = results.map(\.lost).sorted()
    let gaps = results.map(\.longestGap).sorted()
    StandardStream.output.write(
        "RESULT carrier-loss-\(loss.rawValue) prefixes=\(prefixes) compat-mode=\(compatibility) "
            + "rounds=\(rounds) lost-median=\(lost[rounds / 2]) lost-max=\(lost[rounds - 1]) "
            + "gap-median-ms=\(gaps[rounds / 2].milliseconds) gap-max-ms=\(gaps[rounds - 1].milliseconds)\n"
    )
}

func run(_ arguments: Arguments) throws {
    for fault in Fault.allCases where arguments.includes(fault.rawValue) {
        try compare(fault, rounds: arguments.rounds(of: fault), alone: arguments.isAlone)
    }
    if arguments.includes(Arguments.oneEnd) {
        try onSite("bench") { lab, daemon in
            try daemon.start()
            let gaps = try (0..<arguments.roundsOfOneEnd).map { _ in try cut(lab, daemon) }.sorted()
            StandardStream.output.write(
                "RESULT outage-silent-cut rounds=\(gaps.count)\(gaps.distribution("gap"))\n"
            )
        }
    }
    guard arguments.includes(Arguments.carrier) else { return }
    for loss in CarrierLoss.allCases {
        for (prefixes, compatibility) in [(1, 1), (10_000, 1), (10_000, 0)] {
            try lose(loss, prefixes, compatibility, rounds: arguments.roundsOfCarrier)
        }
    }
}

do {
    guard let arguments = Arguments(CommandLine.arguments.dropFirst()) else {
        StandardStream.error.write(
            "usage: bench-outage [--rounds N] [--alone] [PART...], of \(Arguments.known.joined(separator: ", "))\n"
        )
        exit(2)
    }
    guard Supervision.isSupervised else { try Supervision.run() }
    try run(arguments)
} catch {
    StandardStream.error.write("\(error)\n")
    exit(1)
}
