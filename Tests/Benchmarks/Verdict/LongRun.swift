// SPDX-License-Identifier: Apache-2.0
// The false alarms of far more hours than a year: in lives of a month each, which all processors share.

import Glibc
import NetworkTypes
import PathHealth
import PathSimulation

/// One life of one path.
private struct Life: Sendable {
    let path: Int
    let seed: UInt64
    let hours: Double
}

private struct LifeStory: Sendable {
    let life: Life
    let alarms: Int
    let probes: Int
}

/// The hours, shared by all paths alike, and what they cost.
func longRun(hours: Double) async {
    let paths = SimulatedPath.all
    let lives = Int((hours / Double(paths.count) / 730.5).rounded(.up))
    let each = hours / Double(paths.count * lives)
    let begin = clock()
    let stories = await withTaskGroup(of: LifeStory.self) { group in
        for number in 0..<lives {
            for path in paths.indices {
                let life = Life(path: path, seed: 1_000 + UInt64(number), hours: each)
                group.addTask { live(life, on: paths[path]) }
            }
        }
        return await group.reduce(into: [LifeStory]()) { $0.append($1) }
    }
    let seconds = Double(clock() - begin) / 1_000_000
    for (index, path) in paths.enumerated() {
        let own = stories.filter { $0.life.path == index }
        let alarms = own.reduce(0) { $0 + $1.alarms }
        let lived = own.reduce(0) { $0 + $1.life.hours }
        print(
            "RESULT long-run path='\(path.name)' hours=\(lived.whole) false-alarms=\(alarms) "
                + "false-alarms-a-year=\((Double(alarms) / lived * 8_766).short)"
        )
    }
    let probes = stories.reduce(0) { $0 + $1.probes }
    print(
        "RESULT long-run-cost path-hours=\(hours.whole) probes=\(probes) cpu-seconds=\(seconds.whole) "
            + "cpu-ms-per-path-hour=\((seconds * 1_000 / hours).short)"
    )
}

private func live(_ life: Life, on kind: SimulatedPath) -> LifeStory {
    var channel = Channel(kind, seed: life.seed)
    var watcher = ProbedPath(DetectionPromise(within: .seconds(1)))
    var alarms = 0
    while watcher.time < life.hours * 3_600_000 { if watcher.step(&channel, isCut: false) { alarms += 1 } }
    return LifeStory(life: life, alarms: alarms, probes: watcher.probes)
}
