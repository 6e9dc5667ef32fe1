// SPDX-License-Identifier: Apache-2.0
// How soon a dead path is known, and how often a living one is taken for dead: pnetd's probing beside fixed counts and
// windows, on simulated paths: two years of each, or as many times that as the argument says.

import NetworkTypes
import PathHealth

let scale = CommandLine.arguments.dropFirst().first.flatMap { Double($0) } ?? 1

/// False alarms a year in so many hours of a path that lives, and the detection of a thousand cuts.
func measure<Watch: Watcher>(_ name: String, _ kind: LossKind, hours: Double, _ make: (inout Channel) -> Watch) {
    var channel = Channel(kind, seed: 42)
    var watcher = make(&channel)
    let begin = watcher.time
    var alarms = 0
    while watcher.time - begin < hours * 3_600_000 {
        if watcher.step(&channel, isCut: false) { alarms += 1 }
    }
    var delays: [Double] = []
    var dice = Dice(state: 7)
    for _ in 0..<1_000 {
        for _ in 0..<Int(5 + 40 * dice.roll()) { _ = watcher.step(&channel, isCut: false) }
        // The cut comes at any moment after the last step.
        var trial = watcher
        var copy = channel
        let last = trial.time
        _ = trial.step(&copy, isCut: false)
        let cut = last + (trial.time - last) * dice.roll()
        trial = watcher
        copy = channel
        while !trial.step(&copy, isCut: true) {}
        delays.append(trial.time - cut)
    }
    delays.sort()
    print(
        "RESULT verdict-\(name) path='\(kind.name)' hours=\(Int(hours)) false-alarms-a-year="
            + "\(Double(Int(Double(alarms) / hours * 8_766 * 100)) / 100) "
            + "detection-median-ms=\(Int(delays[500])) p99-ms=\(Int(delays[989]))"
    )
}

for kind in LossKind.all {
    let hours = 17_000 * scale
    measure("pnetd-1s", kind, hours: hours) { Pnetd(DetectionPromise(within: .seconds(1)), settlingOn: &$0) }
    measure("pnetd-300ms", kind, hours: hours / 10) {
        Pnetd(DetectionPromise(within: .milliseconds(300)), settlingOn: &$0)
    }
    measure("bfd-300ms-x3", kind, hours: hours / 100) { _ in FixedCount(interval: 300) }
    measure("bfd-200ms-x3", kind, hours: hours / 100) { _ in FixedCount(interval: 200) }
    measure("dpinger", kind, hours: hours / 100) { _ in Window() }
    measure("mwan3", kind, hours: hours / 100) { _ in Counter() }
}
