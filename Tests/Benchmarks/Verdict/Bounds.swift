// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import PathSimulation

private let promise = DetectionPromise(within: .seconds(1))
/// As in `degraded: loss: 5%`.
private let limit = 0.05

/// How far the detectors are from what any could do.
func boundJobs(observations: Double) -> [@Sendable () -> [String]] {
    let losses: [@Sendable () -> [String]] = [0.001, 0.01, 0.05].map { loss in { [liveness(loss)] } }
    return [{ quality(observations) }] + losses
}

/// The quality of a path whose loss rises from half the limit's odds.
private func quality(_ observations: Double) -> [String] {
    let odds = limit / (1 - limit) / 2
    let low = odds / (1 + odds)
    var dice = Dice(seed: 21)
    var (chart, alarms) = (ProportionChart(limit: limit, alarmEvery: promise.questionsPerAlarm), 0)
    let fresh = chart
    var left = Int(observations)
    while left > 0 {
        left -= 1
        chart.take(dice.roll() < low)
        guard chart.raised != nil else { continue }
        alarms += 1
        chart = fresh
    }
    let measured = alarms > 0 ? observations / Double(alarms) : observations
    let head =
        "RESULT bound-quality-alarms share=\(percent(low)) observations=\(observations.whole) alarms=\(alarms) "
        + "one-in=\(measured.whole) promised-one-in=\(promise.questionsPerAlarm.whole)"
    return [head]
        + [17, 12, 8, 5, 3, 2, 1].map { weight in
            let test = OptimalTest(low: low, weight: weight)
            let delays = (0..<20_000).map { _ in
                var (chart, count) = (fresh, 0.0)
                while chart.raised == nil {
                    chart.take(dice.roll() < test.high)
                    count += 1
                }
                return count
            }
            let least = test.leastDelay(alarmEvery: measured)
            let leastAsPromised = test.leastDelay(alarmEvery: promise.questionsPerAlarm)
            let interval = promise.longestInterval.inSeconds
            return "RESULT bound-quality from=\(percent(low)) to=\(percent(test.high)) questions=\(delays.mean.short) "
                + "seconds=\((delays.mean * interval).short) least-questions=\(least.short) "
                + "ratio=\((delays.mean / least).short) least-as-promised=\(leastAsPromised.short) "
                + "ratio=\((delays.mean / leastAsPromised).short)"
        }
}

/// The silence of a path that lost so much while it lived, beside evenly spaced probes that cost as much.
private func liveness(_ loss: Double) -> String {
    let kind = SimulatedPath("", LossKind(lossInGood: loss))
    var channel = Channel(kind, seed: 3)
    var watcher = ProbedPath(promise)
    while watcher.time < 7_200_000 { _ = watcher.step(&channel, isCut: false) }
    let (probes, begin) = (watcher.probes, watcher.time)
    while watcher.time < begin + 7_200_000 { _ = watcher.step(&channel, isCut: false) }
    let spacing = (watcher.time - begin) / Double(watcher.probes - probes)
    var (delays, dice) = ([Double](), Dice(seed: 9))
    for _ in 0..<4_000 {
        let cut = watcher.time + 1_000 + 10_000 * dice.roll()
        var (trial, copy) = (watcher, channel)
        while trial.time <= cut {
            (watcher, channel) = (trial, copy)
            _ = trial.step(&copy, isCut: false)
        }
        (trial, copy) = (watcher, channel)
        while !trial.step(&copy, isCut: true) {}
        delays.append(trial.time - cut)
    }
    delays.sort()
    // Where nothing gets through, an answer refutes it for good: the optimal test counts misses in a row. So many in a
    // row come once in (1 - p^k) / ((1 - p) p^k) probes.
    let allowed = 31_556_952_000 / spacing / promise.falseAlarmsPerYear
    var (row, chance) = (1, loss)
    while (1 - chance) / ((1 - loss) * chance) < allowed { (row, chance) = (row + 1, chance * loss) }
    let timeout = watcher.liveness.timers.timeout.inSeconds * 1_000
    let least = (Double(row) - 0.5) * spacing + timeout
    // What rides through three tenths of the promised time can't know it sooner, with any probing.
    let floor = promise.within.inSeconds * 300 + timeout
    return "RESULT bound-liveness loss=\(percent(loss)) probe-every-ms=\(spacing.whole) mean-ms=\(delays.mean.whole) "
        + "evenly-spaced-misses=\(row) mean-ms=\(least.whole) ratio=\((delays.mean / least).short) "
        + "no-sooner-than-ms=\(floor.whole) ratio=\((delays.mean / floor).short)"
}

private func percent(_ share: Double) -> String { "\((share * 100).short)%" }
