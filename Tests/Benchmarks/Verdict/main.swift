// SPDX-License-Identifier: Apache-2.0
// How soon a dead path is known, how often a living one is taken for dead, and how far both are from what any test could
// do: pnetd's core beside fixed counts and windows, on simulated paths. A year of each, or as many as the argument says,
// all processors at work.

import PathSimulation

let years = CommandLine.arguments.dropFirst().first.flatMap { Double($0) } ?? 1
let jobs = alarmJobs(hours: 8_766 * years) + outageJobs() + oneWayJobs() + boundJobs(observations: 1e9 * years)

await withTaskGroup(of: (Int, [String]).self) { group in
    for (index, job) in jobs.enumerated() { group.addTask { (index, job()) } }
    var (waiting, next) = ([Int: [String]](), 0)
    for await (index, lines) in group {
        waiting[index] = lines
        while let ready = waiting.removeValue(forKey: next) {
            for line in ready { print(line) }
            next += 1
        }
    }
}
