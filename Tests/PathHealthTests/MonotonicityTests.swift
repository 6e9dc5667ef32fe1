// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import PathSimulation
import Testing

/// What more bad evidence may change, and what it may not.
struct MonotonicityTests {
    /// A loss in an answer's place never raises the chart later.
    @Test func moreLossesDegradeNoLater() {
        var dice = Dice(seed: 1)
        for _ in 0..<60 {
            let share = 0.1 + dice.roll() * 0.5
            var (few, many) = (
                ProportionChart(limit: 0.05, alarmEvery: 1e6), ProportionChart(limit: 0.05, alarmEvery: 1e6)
            )
            while many.raised == nil, few.raised == nil {
                let isLost = dice.roll() < share
                few.take(isLost)
                many.take(isLost || dice.roll() < 0.1)
            }
            #expect(many.raised != nil)
        }
    }

    /// While it is silent it is asked at one pace whatever it answers: fewer answers never bring it back sooner.
    @Test func fewerAnswersBringATargetBackNoSooner() {
        var dice = Dice(seed: 2)
        for _ in 0..<200 {
            var worlds = [Silence(), Silence()]
            while !worlds[0].isBack {
                let isAnswered = dice.roll() < 0.6
                worlds[0].ask(isAnswered)
                worlds[1].ask(isAnswered && dice.roll() < 0.9)
                #expect(worlds[0].isBack || !worlds[1].isBack)
            }
        }
    }

    /// A target that was given up, asked and answered or not.
    private struct Silence {
        var liveness = TargetLiveness(
            DetectionPromise(within: .seconds(1)),
            QualityLimits(),
            keepsStep: true,
            now: Instant(nanoseconds: 0)
        )
        var isBack: Bool { liveness.state == .answering }

        init() {
            while true {
                _ = liveness.advance(to: liveness.nextDeadline)
                if case .silent = liveness.state { return }
            }
        }

        mutating func ask(_ isAnswered: Bool) {
            while true {
                let now = liveness.nextDeadline
                guard let probe = liveness.advance(to: now) else { continue }
                if isAnswered { _ = liveness.answered(probe, at: now + .milliseconds(20)) }
                return
            }
        }
    }

    /// Losses before a cut move the questions and lengthen the burst, so the cut may be known later for them than
    /// without; but never later than was promised, whichever answers are taken away.
    @Test func lossesBeforeACutHideItNoLongerThanPromised() {
        var dice = Dice(seed: 3)
        for trial in 0..<60 {
            var channel = Channel(SimulatedPath("", LossKind(lossInGood: dice.roll() * 0.1)), seed: UInt64(trial))
            var path = ProbedPath(DetectionPromise(within: .seconds(1)))
            let cut = 20_000 + 1_000 * dice.roll()
            while path.time <= cut {
                var next = path
                _ = next.step(&channel, isCut: false)
                if next.time > cut { break }
                path = next
            }
            while !path.step(&channel, isCut: true) {}
            #expect(path.time - cut <= 1_000)
        }
    }

    /// The order ends with the first verdict: a degradation that ends makes the chart begin anew, where one that never
    /// came leaves it with what it had gathered. The path that lost one packet more is the better one then for a while.
    @Test func aLossMoreMayBeForgottenSooner() {
        var (few, many) = (ProportionChart(limit: 0.05, alarmEvery: 1e6), ProportionChart(limit: 0.05, alarmEvery: 1e6))
        var count = 0
        while many.raised == nil {
            many.take(count % 8 == 0)
            few.take(count % 8 == 0 && count > 0)
            count += 1
        }
        #expect(few.raised == nil)
        while many.raised != nil {
            many.take(false)
            few.take(false)
        }
        count = 0
        while few.raised == nil {
            many.take(count % 8 == 0)
            few.take(count % 8 == 0)
            count += 1
        }
        #expect(many.raised == nil)
    }
}
