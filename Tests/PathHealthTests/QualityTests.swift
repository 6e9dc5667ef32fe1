// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import Testing

/// Paths that carry traffic badly, and what becomes of it.
struct QualityTests {
    private let limits = QualityLimits(loss: 0.05, roundTrip: .milliseconds(150), jitter: .milliseconds(30))

    private struct Dice {
        var seed: UInt64

        mutating func roll() -> Double {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(seed >> 11) / 9_007_199_254_740_992
        }
    }

    /// Loses that share through the first path from a time on.
    private func lossy(_ share: Double, seed: UInt64 = 1) -> (PathName, Target, Instant) -> Duration? {
        var dice = Dice(seed: seed)
        return { path, _, _ in path == World.first && dice.roll() < share ? nil : .milliseconds(20) }
    }

    @Test(arguments: [(0.10, 300), (0.2, 90), (0.5, 30)])
    func leavesALossyPathForAGoodOne(share: Double, seconds: Int) throws {
        var world = World(World.policy(degraded: limits))
        world.run(for: .seconds(60))
        let start = world.now
        world.answers = lossy(share)
        world.run(for: .seconds(seconds))
        let degraded = try #require(world.judged.last)
        #expect(degraded.path == World.first && degraded.verdict == .degraded)
        #expect(world.outcome == .active(World.second, standby: World.first))
        #expect(world.decided.last?.at == degraded.at && degraded.at > start)
        #expect(world.decision.generation == 2, "names stay between private paths")
        let reason = try #require(world.reasons(World.first)?.first)
        #expect(reason.hasPrefix("icmp 10.20.0.4: ") && reason.hasSuffix(" of the probes lost, more than 5.0%"))

        // Back again, once it is good and has been so for the hold.
        world.answers = { _, _, _ in .milliseconds(20) }
        let mended = world.now
        world.run(for: .seconds(180))
        #expect(world.outcome == .active(World.first, standby: World.second))
        #expect(try #require(world.decided.last).at - mended >= .seconds(60))
    }

    /// What an outage took was down, and is no share of what the path loses while it lives.
    @Test(arguments: [2, 10, 60])
    func isAsGoodAsBeforeAfterAnOutage(seconds: Int) {
        var world = World(World.policy(degraded: limits))
        for before in [2, 1_200] {
            world.answers = { _, _, _ in .milliseconds(20) }
            world.run(for: .seconds(before))
            world.answers = { path, _, _ in path == World.first ? nil : .milliseconds(20) }
            world.run(for: .seconds(seconds))
            world.answers = { _, _, _ in .milliseconds(20) }
            world.run(for: .seconds(30))
            #expect(world.judged.suffix(2).map(\.verdict) == [.down, .up])
        }
    }

    /// Half of the limit for twenty minutes.
    @Test func bearsLessThanTheLimit() {
        var world = World(World.policy(degraded: limits))
        world.answers = lossy(0.025)
        world.run(for: .seconds(1_200))
        #expect(world.judged.map(\.verdict) == [.up, .up])
    }

    @Test func leavesASlowPath() throws {
        var world = World(World.policy(degraded: limits))
        world.run(for: .seconds(60))
        world.answers = { path, _, _ in .milliseconds(path == World.first ? 200 : 20) }
        world.run(for: .seconds(20))
        #expect(world.outcome == .active(World.second, standby: World.first))
        #expect(world.reasons(World.first) == ["icmp 10.20.0.4: round trips of 200ms, longer than 150ms"])
    }

    @Test func leavesAnUnsteadyPath() throws {
        var world = World(World.policy(degraded: limits))
        world.run(for: .seconds(60))
        var count = 0
        world.answers = { path, _, _ in
            guard path == World.first else { return .milliseconds(20) }
            count += 1
            // By and by, so that none is late: what comes after a later question's answer counts as lost.
            return .milliseconds(count % 2 == 0 ? 20 : min(20 + count, 100))
        }
        world.run(for: .seconds(60))
        #expect(world.outcome == .active(World.second, standby: World.first))
        let reasons = try #require(world.reasons(World.first))
        #expect(reasons == ["icmp 10.20.0.4: round trips that differ by 49ms, more than 30ms"])
    }

    /// Degraded, and the best there is.
    @Test func staysOnTheBestOfTheBad() {
        var world = World(World.policy(degraded: limits))
        world.run(for: .seconds(60))
        world.answers = { _, _, _ in .milliseconds(200) }
        world.run(for: .seconds(600))
        #expect(world.outcome == .active(World.first, standby: World.second))
        #expect(world.decided.allSatisfy { world.now - $0.at > .seconds(500) }, "to and fro for nothing")
        #expect(world.verdict(World.first) == .degraded && world.verdict(World.second) == .degraded)
        // A bad path is better than a dead one.
        world.answers = { path, _, _ in path == World.first ? nil : .milliseconds(200) }
        world.run(for: .seconds(10))
        #expect(world.outcome == .active(World.second, standby: nil))
    }

    @Test func measuresByNewLimitsWithoutBeginningAnew() {
        var world = World(World.policy())
        world.answers = { path, _, _ in .milliseconds(path == World.first ? 200 : 20) }
        world.run(for: .seconds(60))
        world.reload(World.policy(degraded: limits))
        #expect(world.verdict(World.first) == .up)
        world.run(for: .seconds(20))
        #expect(world.verdict(World.first) == .degraded)
        world.reload(World.policy())
        world.run(for: .seconds(1))
        #expect(world.verdict(World.first) == .up)
    }

    /// One network's targets answer through the path, the other's do not: it is not the path.
    @Test func tellsThePathFromWhatLiesBehindIt() throws {
        let other = Target.icmp(.v4(IPv4Address(bits: 0x0a1e_0004)))
        var beside = World.policy(targets: [other])
        beside.network = World.name("aws")
        var world = World(World.policy(), beside: [beside])
        world.run(for: .seconds(10))
        world.answers = { _, target, _ in target == World.target ? nil : .milliseconds(20) }
        world.run(for: .seconds(3))
        let reasons = try #require(world.reasons(World.first))
        #expect(reasons.first == "the path carries other networks: what lies behind it for this one does not answer")
        world.answers = { _, _, _ in nil }
        world.run(for: .seconds(10))
        #expect(try #require(world.reasons(World.first)).allSatisfy { $0.hasPrefix("icmp 10.20.0.4: ") })
    }

    @Test func namesTheSilentTargetsOfAPathThatIsUp() throws {
        let other = Target.icmp(.v4(IPv4Address(bits: 0x0a14_0005)))
        var world = World(World.policy(targets: [World.target, other]))
        world.run(for: .seconds(10))
        world.answers = { _, target, _ in target == other ? nil : .milliseconds(20) }
        world.run(for: .seconds(3))
        #expect(world.core.report[0].paths[0].silentTargets == [other])
        #expect(world.verdict(World.first) == .up)
    }
}
