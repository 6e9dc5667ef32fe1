// SPDX-License-Identifier: Apache-2.0
// How soon a dead path is known, how often a living one is taken for dead, and how far both are from what any test could
// do: pnetd's core beside fixed counts and windows, on simulated paths. A year of each, or as many as the argument says,
// all processors at work. With `--path-hours 1000000` instead the false alarms of so many hours of all paths together, and
// what is ridden through in ten other lives of each path.

import PathSimulation

let arguments = Array(CommandLine.arguments.dropFirst())

if arguments.first == "--path-hours" {
    await printInOrder(riddenThroughJobs())
    await longRun(hours: arguments.dropFirst().first.flatMap { Double($0) } ?? 1_000_000)
} else {
    let years = arguments.first.flatMap { Double($0) } ?? 1
    await printInOrder(
        alarmJobs(hours: 8_766 * years) + outageJobs() + oneWayJobs() + boundJobs(observations: 1e9 * years)
    )
}

/// Does all at once, and prints what each found as if one had come after the other.
func printInOrder(_ jobs: [@Sendable () -> [String]]) async {
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
}
