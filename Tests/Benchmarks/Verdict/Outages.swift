// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import PathSimulation

private let promise = DetectionPromise(within: .seconds(1))

/// The paths that outages are tried on.
private let kinds = [
    SimulatedPath("nothing lost, 20 ms", LossKind(lossInGood: 0)),
    SimulatedPath("1% lost, 60 ms", LossKind(lossInGood: 0.01), RoundTripKind(base: 60)),
    SimulatedPath("5% lost, 20 ms", LossKind(lossInGood: 0.05)),
    SimulatedPath("1% lost, 200 to 240 ms", LossKind(lossInGood: 0.01), RoundTripKind(base: 200, jitter: 40)),
]

private struct Outage {
    let name: String
    let milliseconds: Double
    let trials: Int
}

private let outages = [
    Outage(name: "50ms", milliseconds: 50, trials: 400), Outage(name: "100ms", milliseconds: 100, trials: 400),
    Outage(name: "200ms", milliseconds: 200, trials: 400), Outage(name: "300ms", milliseconds: 300, trials: 4_000),
    Outage(name: "400ms", milliseconds: 400, trials: 400), Outage(name: "500ms", milliseconds: 500, trials: 400),
    Outage(name: "700ms", milliseconds: 700, trials: 400), Outage(name: "1s", milliseconds: 1_000, trials: 400),
    Outage(name: "10s", milliseconds: 10_000, trials: 100), Outage(name: "10min", milliseconds: 600_000, trials: 40),
    Outage(name: "1h", milliseconds: 3_600_000, trials: 20),
]

/// How often the traffic leaves a path for an outage, and after how long it is carried again.
func outageJobs() -> [@Sendable () -> [String]] {
    outages.flatMap { outage in kinds.map { kind -> @Sendable () -> [String] in { [suffer(outage, on: kind)] } } }
}

/// The same for what is ridden through, in ten other lives of each path.
func riddenThroughJobs() -> [@Sendable () -> [String]] {
    let outage = Outage(name: "300ms", milliseconds: 300, trials: 4_000)
    return kinds.flatMap { kind in
        (1...UInt64(10)).map { life -> @Sendable () -> [String] in { [suffer(outage, on: kind, life: life)] } }
    }
}

private func suffer(_ outage: Outage, on kind: SimulatedPath, life: UInt64 = 0) -> String {
    var network = ProbedNetwork(kind, promise, seed: 11 + 2 * life)
    network.run(until: 1_800_000)
    var dice = Dice(seed: 5 + life)
    var (left, back) = (0, 0)
    var gaps: [Double] = []
    for _ in 0..<outage.trials {
        var trial = network
        let start = trial.time + 10_000 * dice.roll()
        let end = start + outage.milliseconds
        trial.fault = ProbedNetwork.Fault(start: start, lasting: outage.milliseconds)
        trial.clearHistory()
        trial.run(until: end + 2_000)
        let leaving = trial.moves.first { $0.at >= start }
        gaps.append(min(end, leaving?.at ?? end) - start)
        if leaving != nil {
            left += 1
            // Long enough for traffic to come back after the hold.
            trial.run(until: end + 70_000)
            if trial.moves.contains(where: { $0.at >= start && $0.to == ProbedNetwork.first }) { back += 1 }
        }
        // Another moment of the path's life each time.
        network.run(until: network.time + 3_000)
    }
    gaps.sort()
    return
        "RESULT outage-\(outage.name) path='\(kind.name)' trials=\(outage.trials) switched=\(left) came-back=\(back) "
        + "without-a-path-median-ms=\(gaps.quantile(0.5).whole) max-ms=\(gaps.quantile(1).whole)"
}

/// Faults of one direction: what echoes see of them, and what BFD adds.
func oneWayJobs() -> [@Sendable () -> [String]] {
    ProbedNetwork.Direction.allCases.map { direction in { [oneWay(direction)] } }
}

private func oneWay(_ direction: ProbedNetwork.Direction) -> String {
    var network = ProbedNetwork(kinds[0], promise, seed: 11)
    network.announce(.up, at: 1_000)
    network.run(until: 1_800_000)
    var dice = Dice(seed: 5)
    var session = BFDSession(interval: 300, way: 10, seed: 6)
    var (echoes, sessions) = ([Double](), [Double]())
    var words = ""
    for _ in 0..<400 {
        var trial = network
        let start = trial.time + 10_000 * dice.roll()
        trial.fault = ProbedNetwork.Fault(start: start, lasting: .infinity, direction)
        let (at, loss) = session.loss(after: start, direction)
        trial.announce(.lost(loss), at: at)
        trial.clearHistory()
        trial.run(until: start + 5_000)
        if let leaving = trial.moves.first { echoes.append(leaving.at - start) }
        sessions.append(at - start)
        if let last = trial.verdicts.last { words = last.reasons.map(\.description).joined(separator: "; ") }
    }
    echoes.sort()
    sessions.sort()
    return "RESULT one-way-\(direction) switch-median-ms=\(echoes.quantile(0.5).whole) "
        + "p99-ms=\(echoes.quantile(0.99).whole) bfd-300ms-x3-median-ms=\(sessions.quantile(0.5).whole) "
        + "p99-ms=\(sessions.quantile(0.99).whole) then='\(words)'"
}
