// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import PathSimulation
import Testing

/// Whether the simulation, and the bound that it is held against, are what they say.
struct SimulationTests {
    private static let promise = DetectionPromise(within: .seconds(1))

    /// One target given up in the fast simulation is one path down and left by the whole core, at the same nanosecond.
    @Test func aTargetThatIsGivenUpIsASwitch() {
        let kind = SimulatedPath(
            "",
            LossKind(good: 20_000, bad: 2_000, lossInGood: 0.02),
            RoundTripKind(jitter: 30)
        )
        var path = ProbedPath(Self.promise)
        var channel = Channel(kind, seed: 1)
        var alarms: [Double] = []
        while path.time < 120_000 {
            if path.step(&channel, isCut: false) { alarms.append(path.time) }
        }
        var network = ProbedNetwork(kind, Self.promise, hold: .seconds(1), seed: 1)
        network.run(until: 120_000)
        let down = network.verdicts.filter { $0.verdict == .down }
        let left = zip(network.moves, network.moves.dropFirst()).filter { $0.0.to == ProbedNetwork.first }
            .map(\.1.at)
        #expect(alarms.count > 3 && left.count > 1)
        #expect(Set(alarms).isSubset(of: down.map(\.at)))
        #expect(Set(left).isSubset(of: alarms))
    }

    /// Also where the path's own losses come right before the outage, or right after it: they make it look longer.
    @Test(arguments: [
        SimulatedPath("1% lost, 200 to 240 ms", LossKind(lossInGood: 0.01), RoundTripKind(base: 200, jitter: 40)),
        SimulatedPath("5% lost, 120 ms", LossKind(lossInGood: 0.05), RoundTripKind(base: 120)),
    ])
    func noOutageOfThreeTenthsOfASecondIsASwitchOnALossyLongPath(_ kind: SimulatedPath) {
        var network = ProbedNetwork(kind, Self.promise, seed: 11)
        network.run(until: 300_000)
        var dice = Dice(seed: 5)
        for _ in 0..<300 {
            var trial = network
            let start = trial.time + 1_000 * dice.roll()
            trial.fault = ProbedNetwork.Fault(start: start, lasting: 300)
            trial.clearHistory()
            trial.run(until: start + 1_500)
            #expect(trial.moves.isEmpty, "from \(start) ms")
            network.run(until: network.time + 1_000)
        }
    }

    @Test func aRunIsAsLongAsItsTrials() {
        let test = OptimalTest(low: 0.02, weight: 12)
        for share in [test.low, test.high] {
            var dice = Dice(seed: 8)
            var total = 0
            for _ in 0..<2_000 {
                var evidence = 0
                while evidence < 40 {
                    evidence = max(0, evidence + (dice.roll() < share ? 12 : -1))
                    total += 1
                }
            }
            let length = test.runLength(threshold: 40, share: share)
            #expect(abs(Double(total) / 2_000 / length - 1) < 0.08)
        }
        #expect(test.runLength(threshold: 1, share: 0.25) == 4)
        #expect(test.runLength(threshold: 40, share: 1) == 4)
    }

    /// As the walk on whole numbers wants it: a loss weighs what twelve answers do.
    @Test func aLossWeighsAWholeNumberOfAnswers() {
        let test = OptimalTest(low: 0.02, weight: 12)
        var product = test.high / test.low
        for _ in 0..<12 { product *= (1 - test.high) / (1 - test.low) }
        #expect(abs(product - 1) < 1e-9 && test.high > 0.1)
    }

    @Test func errsNoMoreOftenThanItIsAllowedTo() {
        let test = OptimalTest(low: 0.02, weight: 12)
        #expect(test.leastDelay(alarmEvery: 1e4) < test.leastDelay(alarmEvery: 1e8))
        #expect(test.leastDelay(alarmEvery: 1e8) < 60)
    }
}
