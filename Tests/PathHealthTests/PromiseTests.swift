// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import PathSimulation
import Testing

/// What is promised of a silence: how soon it is known, what is ridden through, and what gives way where both cannot be.
struct PromiseTests {
    private static func outlook(_ world: World) throws -> DetectionOutlook {
        try #require(world.core.report[0].paths[0].outlook)
    }

    /// Every phase of the probing against outages of up to three tenths of the promised time.
    @Test(arguments: [1, 20, 60])
    func ridesThroughAnOutageOfThreeTenthsOfASecond(roundTrip: Int) {
        for length in [50, 150, 300] {
            for phase in stride(from: 0, to: 300, by: 37) {
                var world = World(answers: { _, _, _ in .milliseconds(roundTrip) })
                world.run(for: .seconds(10) + .milliseconds(phase))
                let (from, to) = (world.now, world.now + .milliseconds(length))
                world.answers = { _, _, now in
                    // Neither the question nor the answer gets through.
                    let arrives = now + .milliseconds(roundTrip)
                    return arrives > from && now < to ? nil : .milliseconds(roundTrip)
                }
                world.run(for: .seconds(5))
                #expect(world.judged.allSatisfy { $0.verdict == .up }, "\(length) ms at phase \(phase) ms")
            }
        }
    }

    /// Also where losses were found to be single ones, so that a short burst would do against those, and where a long round
    /// trip lets an outage take questions that were asked before it.
    @Test(arguments: [20, 60, 120])
    func ridesThroughAnOutageThatSingleLossesDidNotPrepareItFor(roundTrip: Double) {
        let kind = SimulatedPath("", LossKind(lossInGood: 0.01), RoundTripKind(base: roundTrip))
        var channel = Channel(kind, seed: 12)
        var path = ProbedPath(DetectionPromise(within: .seconds(1)))
        while path.time < 1_200_000 { _ = path.step(&channel, isCut: false) }
        let lossless = Channel(SimulatedPath("", LossKind(lossInGood: 0), RoundTripKind(base: roundTrip)), seed: 1)
        for phase in 0..<100 {
            var (trial, copy) = (path, lossless)
            let cut = path.time + 1_000 + 7 * Double(phase)
            while trial.nextTime < cut { #expect(!trial.step(&copy, isCut: false)) }
            while trial.nextTime < cut + 300 { #expect(!trial.step(&copy, isCut: true)) }
            while trial.nextTime < cut + 2_000 { #expect(!trial.step(&copy, isCut: false), "phase \(phase)") }
            for _ in 0..<5 { _ = path.step(&channel, isCut: false) }
        }
    }

    @Test func isFastWhereTheRoundTripAllows() throws {
        let promise = DetectionPromise(within: .milliseconds(300))
        for phase in stride(from: 0, to: 90, by: 7) {
            var world = World(World.policy(promise: promise), answers: { _, _, _ in .milliseconds(15) })
            world.run(for: .seconds(60) + .milliseconds(phase))
            #expect(try Self.outlook(world).shortfall == nil)
            let cut = world.now
            world.answers = { path, _, _ in path == World.first ? nil : .milliseconds(15) }
            world.run(for: .seconds(2))
            #expect(try #require(world.decided.last).at - cut <= .milliseconds(300), "phase \(phase) ms")
        }
    }

    /// A round trip of seven tenths of the promised time: the time gives way, by as much as it says, and nothing flaps.
    @Test func saysThatTheTimeGivesWayToALongRoundTrip() throws {
        var world = World(answers: { _, _, _ in .milliseconds(700) })
        world.run(for: .seconds(600))
        let outlook = try Self.outlook(world)
        #expect(!outlook.keepsTime && outlook.keepsQuiet)
        let shortfall = try #require(outlook.shortfall)
        #expect(
            shortfall.hasPrefix("a failure is known within 1.") && shortfall.contains("not 1.0s, so that false alarms")
        )
        #expect((.milliseconds(1_100) ... .milliseconds(1_800)).contains(outlook.detection))
        #expect(world.judged.allSatisfy { $0.verdict == .up })
        let cut = world.now
        world.answers = { path, _, _ in path == World.first ? nil : .milliseconds(700) }
        world.run(for: .seconds(5))
        #expect(try #require(world.decided.last).at - cut <= outlook.detection + .milliseconds(700))
    }

    /// Losses that come in bursts make the confirming burst longer, losses that know nothing of each other do not.
    @Test func learnsWhetherLossesComeInBursts() throws {
        var seed: UInt64 = 7
        func random() -> Double {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(seed >> 11) / 9_007_199_254_740_992
        }
        var single = World(answers: { _, _, _ in random() < 0.03 ? nil : .milliseconds(20) })
        single.run(for: .seconds(900))
        var bad = Instant(nanoseconds: 0)
        var bursty = World(answers: { path, _, now in
            if random() < 0.01 { bad = max(bad, now + .milliseconds(400)) }
            return now < bad && random() < 0.7 ? nil : .milliseconds(20)
        })
        bursty.run(for: .seconds(900))
        let outlooks = (try Self.outlook(single), try Self.outlook(bursty))
        #expect((0.015...0.06).contains(outlooks.0.loss) && outlooks.0.lossAfterLoss < 0.15)
        #expect(outlooks.1.lossAfterLoss > 0.5)
        #expect(outlooks.0.keepsTime && outlooks.0.keepsQuiet)
        #expect(!outlooks.1.keepsTime, "a longer burst takes its time")
        #expect(outlooks.1.detection > outlooks.0.detection)
    }

    /// Where nothing helps, the number of false alarms is what gives way, and it is said.
    @Test func saysThatFalseAlarmsCannotBeRareOnAWretchedPath() throws {
        let strict = DetectionPromise(within: .milliseconds(300), falseAlarmsPerYear: 1)
        var seed: UInt64 = 3
        var world = World(
            World.policy(promise: strict),
            answers: { _, _, _ in
                seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return (seed >> 33) % 100 < 85 ? nil : .milliseconds(100)
            }
        )
        world.run(for: .seconds(300))
        let outlook = try Self.outlook(world)
        #expect(!outlook.keepsTime && !outlook.keepsQuiet)
        #expect(outlook.shortfall?.contains(" false alarms a year are to be expected") == true)
    }

    @Test func startsWithoutAFalseAlarm() {
        for roundTrip in [1, 100, 399, 900] {
            var world = World(answers: { _, _, _ in .milliseconds(roundTrip) })
            world.run(for: .seconds(60))
            #expect(world.judged.map(\.verdict) == [.up, .up], "round trip of \(roundTrip) ms")
        }
    }
}
