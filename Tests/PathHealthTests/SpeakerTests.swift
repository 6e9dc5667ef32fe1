// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import PathSimulation
import Testing

/// Where one answer is enough, two of many targets are asked closely and the others rest.
struct SpeakerTests {
    private static let targets = (1...8).map { Target.icmp(.v4(IPv4Address(bits: 0x0a14_0000 + $0))) }

    private static func world(
        _ roundTrip: Duration = .milliseconds(20),
        need: TargetNeed = .any,
        targets: [Target] = targets,
        degraded: QualityLimits = QualityLimits()
    ) -> World {
        var world = World(
            World.policy(paths: [World.first, World.second], targets: targets, need: need, degraded: degraded),
            answers: { _, _, _ in roundTrip }
        )
        world.run(for: .seconds(30))
        return world
    }

    /// Questions a second to each target, through the first path.
    private static func rates(_ world: inout World, over time: Duration = .seconds(60)) -> [Double] {
        let start = world.now
        world.run(for: time)
        return targets.map { target in
            let asked = world.asked.count {
                $0.at > start && $0.probe.subject.target == target && $0.probe.subject.path == World.first
            }
            return Double(asked) / time.inSeconds
        }
    }

    @Test func theFirstTwoSpeakForAll() {
        var world = Self.world()
        let rates = Self.rates(&world)
        #expect(rates.prefix(2).allSatisfy { (3.3...3.6).contains($0) }, "\(rates)")
        #expect(rates.dropFirst(2).allSatisfy { (0.38...0.47).contains($0) }, "\(rates)")
    }

    @Test(arguments: [TargetNeed.all, .count(2)])
    func whereMoreAreNeededNoneRests(need: TargetNeed) {
        var world = Self.world(need: need)
        let rates = Self.rates(&world)
        #expect(rates.allSatisfy { $0 >= 3.3 }, "\(rates)")
    }

    /// Whenever it is cut, and however long the way: as soon as one of the two misses a question, all are in doubt.
    @Test(arguments: [20, 240])
    func aDeadPathIsKnownAsSoonAsByOneTarget(roundTrip: Int) throws {
        func slowest(_ targets: [Target]) throws -> Duration {
            try stride(from: 0, to: 2_400, by: 53).map { phase in
                var world = Self.world(.milliseconds(roundTrip), targets: targets)
                world.run(for: .milliseconds(phase))
                let cut = world.now
                world.answers = { path, _, _ in path == World.first ? nil : .milliseconds(roundTrip) }
                world.run(for: .seconds(3))
                return try #require(world.judged.first { $0.at > cut && $0.verdict == .down }).at - cut
            }.max() ?? .zero
        }
        let (many, one) = (try slowest(Self.targets), try slowest([Self.targets[0]]))
        // Who was asked less has seen less of the path: his burst may be a question longer.
        #expect(many - one <= .milliseconds(45), "\(many.inSeconds) and \(one.inSeconds)")
        if roundTrip == 20 { #expect(many <= .seconds(1)) }
    }

    @Test func anotherOneSpeaksForOneThatFallsSilent() {
        var world = Self.world()
        world.answers = { _, target, _ in target == Self.targets[0] ? nil : .milliseconds(20) }
        world.run(for: .seconds(5))
        #expect(world.verdict(World.first) == .up)
        #expect(world.core.report[0].paths[0].silentTargets == [Self.targets[0]])
        let rates = Self.rates(&world)
        #expect(rates[1] > 3.3 && rates[2] > 3.3 && rates[3] < 0.5, "\(rates)")
    }

    @Test func oneThatRestsAndDiesIsKnownAfterItsNextQuestion() {
        var world = Self.world()
        world.answers = { _, target, _ in target == Self.targets[7] ? nil : .milliseconds(20) }
        world.run(for: .seconds(4))
        #expect(world.core.report[0].paths[0].silentTargets == [Self.targets[7]])
        world.answers = { _, _, _ in .milliseconds(20) }
        world.run(for: .seconds(2))
        #expect(world.core.report[0].paths[0].silentTargets == [])
    }

    /// Two far hosts are no bad path: while the two that speak are bad, all are asked.
    @Test func twoThatAreFarDoNotDegradeThePath() {
        var world = Self.world(degraded: QualityLimits(roundTrip: .milliseconds(100)))
        world.answers = { _, target, _ in .milliseconds(Self.targets.prefix(2).contains(target) ? 150 : 20) }
        world.run(for: .seconds(60))
        #expect(world.verdict(World.first) == .up)
        #expect(Self.rates(&world).allSatisfy { $0 > 3 })
        world.answers = { path, _, _ in .milliseconds(path == World.first ? 150 : 20) }
        world.run(for: .seconds(60))
        #expect(world.verdict(World.first) == .degraded)
        #expect(world.outcome.path == World.second)
    }

    /// Two hundred and fifty through each of two paths that lose 1 %: no false alarm, and few questions.
    @Test func manyOnALossyPathAreStillFewQuestions() {
        let many = (0..<250).map { Target.icmp(.v4(IPv4Address(bits: 0x0a14_0100 + $0))) }
        var dice = Dice(seed: 9)
        var world = Self.world(targets: many)
        world.answers = { _, _, _ in dice.roll() < 0.01 ? nil : .milliseconds(20) }
        let before = world.asked.count
        world.run(for: .seconds(60))
        let rate = Double(world.asked.count - before) / 60
        #expect(rate < 400, "\(rate) a second through two paths")
        #expect(world.judged.count { $0.verdict == .down } == 0)
    }

    /// A reload that takes the limit away: those that were awake for a fault rest again.
    @Test func reloadEndsFaults() {
        func policy(_ limits: QualityLimits) -> NetworkPolicy { World.policy(targets: Self.targets, degraded: limits) }
        var world = World(policy(QualityLimits(roundTrip: .milliseconds(100))))
        world.run(for: .seconds(30))
        world.answers = { _, target, _ in .milliseconds(target == Self.targets[0] ? 150 : 20) }
        world.run(for: .seconds(60))
        world.reload(policy(QualityLimits(roundTrip: .milliseconds(400))))
        world.run(for: .seconds(60))
        let start = world.now
        world.run(for: .seconds(60))
        let asked = world.asked.count {
            $0.at > start && $0.probe.subject.target == Self.targets[7] && $0.probe.subject.path == World.first
        }
        #expect(asked < 60, "\(asked) in 60 s")
    }

    /// How many questions leave at one instant when one is lost.
    @Test(arguments: [20, 240])
    func volley(roundTrip: Int) {
        let many = (0..<1000).map { Target.icmp(.v4(IPv4Address(bits: 0x0a14_0100 + $0))) }
        var world = World(
            World.policy(paths: [World.first], targets: many),
            answers: { _, _, _ in .milliseconds(roundTrip) }
        )
        world.run(for: .seconds(40))
        var lost = false
        world.answers = { _, target, _ in
            if !lost, target == many[0] { lost = true; return nil }
            return .milliseconds(roundTrip)
        }
        let start = world.now
        world.run(for: .seconds(3))
        var counts: [Instant: Int] = [:]
        for (at, _) in world.asked where at > start { counts[at, default: 0] += 1 }
        let total = counts.values.reduce(0, +)
        #expect((counts.values.max() ?? 0) < 100, "\(counts.values.max() ?? 0) at once, \(total) in 3 s")
    }

    /// What explain says of one that rests.
    @Test func restingTargetsStatement() {
        var world = World(World.policy(targets: Self.targets))
        world.run(for: .seconds(60))
        let last = world.core.report[0].paths[0].targets[7].statements
        #expect(last.contains { $0.hasPrefix("asked every 2.4s while two others speak for it") }, "\(last)")
    }
}
