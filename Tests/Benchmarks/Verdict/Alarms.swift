// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import PathSimulation

/// False alarms a year in so many hours of a path that lives, and the detection of a thousand cuts at any moment.
func alarms<Watch: Watcher>(_ name: String, _ kind: SimulatedPath, hours: Double, _ watch: Watch) -> String {
    var channel = Channel(kind, seed: 42)
    var watcher = watch
    var count = 0
    while watcher.time < hours * 3_600_000 {
        if watcher.step(&channel, isCut: false) { count += 1 }
    }
    let delays = detections(of: watcher, on: channel)
    return "RESULT verdict-\(name) path='\(kind.name)' hours=\(hours.whole) false-alarms=\(count) "
        + "false-alarms-a-year=\((Double(count) / hours * 8_766).short) "
        + "detection-median-ms=\(delays.quantile(0.5).whole) p99-ms=\(delays.quantile(0.99).whole) "
        + "max-ms=\(delays.quantile(1).whole)"
}

/// The delays of a thousand detections, sorted.
private func detections<Watch: Watcher>(of watch: Watch, on path: Channel) -> [Double] {
    var (watcher, channel, dice) = (watch, path, Dice(seed: 7))
    var delays: [Double] = []
    while delays.count < 1_000 {
        let cut = watcher.time + 10_000 + 160_000 * dice.roll()
        var (trial, copy) = (watcher, channel)
        while trial.time <= cut {
            (watcher, channel) = (trial, copy)
            _ = trial.step(&copy, isCut: false)
        }
        guard !watcher.isDown else { continue }
        (trial, copy) = (watcher, channel)
        while !trial.step(&copy, isCut: true) {}
        delays.append(trial.time - cut)
    }
    return delays.sorted()
}

/// All who watch, on all kinds of paths.
func alarmJobs(hours: Double) -> [@Sendable () -> [String]] {
    SimulatedPath.all.flatMap { kind -> [@Sendable () -> [String]] in
        [
            { [alarms("pnetd-1s", kind, hours: hours, ProbedPath(DetectionPromise(within: .seconds(1))))] },
            {
                let fast = ProbedPath(DetectionPromise(within: .milliseconds(300)))
                return [
                    alarms("pnetd-300ms", kind, hours: hours / 10, fast),
                    alarms("bfd-300ms-x3", kind, hours: hours / 10, FixedCount(interval: 300)),
                    alarms("bfd-200ms-x3", kind, hours: hours / 10, FixedCount(interval: 200)),
                    alarms("dpinger", kind, hours: hours / 10, Window()),
                    alarms("mwan3", kind, hours: hours, Counter()),
                ]
            },
        ]
    }
}
