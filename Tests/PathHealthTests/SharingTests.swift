// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import PathSimulation
import Testing

/// Paths of one priority carry together; a third one stands behind them.
struct SharingTests {
    private static let (a, b, last): (PathName, PathName, PathName) = (
        World.first, World.second, World.name("leased")
    )
    private static let together = Outcome.active(a, beside: [b], standby: last)

    private static func policy(
        failback: Failback = .automatic(after: .seconds(60)),
        degraded: QualityLimits = QualityLimits(),
        damping: Bool = true
    ) -> NetworkPolicy {
        World.policy(
            paths: [a, b, last],
            priorities: [a: 1, b: 1],
            degraded: degraded,
            failback: failback,
            damping: damping
        )
    }

    private static func world(_ policy: NetworkPolicy = policy()) -> World {
        var world = World(policy)
        world.run(for: .seconds(5))
        return world
    }

    /// Answers through all paths but one.
    private static func silent(_ path: PathName) -> (PathName, Target, Instant) -> Duration? {
        { asked, _, _ in asked == path ? nil : .milliseconds(20) }
    }

    private static let all: @Sendable (PathName, Target, Instant) -> Duration? = { _, _, _ in .milliseconds(20) }

    @Test func carryTogetherFromTheStart() {
        let world = Self.world()
        #expect(world.outcome == Self.together)
        #expect(world.decision.generation == 2)
    }

    @Test(arguments: [a, b])
    func oneThatFallsSilentIsLeftAndTakesPartAgainAfterTheHold(victim: PathName) throws {
        var world = Self.world()
        let other = victim == Self.a ? Self.b : Self.a
        let cut = world.now
        world.answers = Self.silent(victim)
        world.run(for: .seconds(2))
        #expect(world.outcome == .active(other, standby: Self.last))
        #expect(try #require(world.decided.last).at - cut <= .seconds(1))
        #expect(world.decision.reasons.map(\.description).contains { $0.contains("without answer") })
        world.answers = Self.all
        world.run(for: .seconds(5))
        let up = try #require(world.judged.last { $0.path == victim && $0.verdict == .up })
        #expect(world.outcome == .active(other, standby: victim))
        let returns = world.core.report[0].paths.first { $0.path == victim }?.returns
        #expect(returns == up.at + .seconds(60))
        world.run(for: .seconds(60))
        // Who leads goes on to lead: that one takes part again moves no name and no question.
        #expect(world.outcome == .active(other, beside: [victim], standby: Self.last))
        #expect(try #require(world.decided.last).at - up.at == .seconds(60))
        #expect(world.decision.generation == 2)
    }

    @Test func theNextPriorityCarriesOnlyWhenAllAreDown() {
        var world = Self.world()
        world.answers = { path, _, _ in path == Self.last ? .milliseconds(20) : nil }
        world.run(for: .seconds(2))
        #expect(world.outcome == .active(Self.last, standby: nil))
        world.answers = Self.silent(Self.b)
        world.run(for: .seconds(70))
        #expect(world.outcome == .active(Self.a, standby: Self.last))
        world.answers = Self.all
        world.run(for: .seconds(70))
        #expect(world.outcome == Self.together)
    }

    @Test func oneThatIsDegradedIsLeftForTheOthers() {
        var world = Self.world(Self.policy(degraded: QualityLimits(roundTrip: .milliseconds(100))))
        world.answers = { path, _, _ in .milliseconds(path == Self.a ? 150 : 20) }
        world.run(for: .seconds(30))
        #expect(world.outcome == .active(Self.b, standby: Self.last))
        // Where all of them are bad, they carry as before until one is better.
        var both = Self.world(Self.policy(degraded: QualityLimits(roundTrip: .milliseconds(100))))
        both.answers = { _, _, _ in .milliseconds(150) }
        both.run(for: .seconds(30))
        #expect(both.outcome.carriers.isEmpty == false)
        #expect(both.verdict(Self.a) == .degraded)
    }

    @Test func aPathThatIsWantedCarriesAloneUntilTheChoiceIsGivenBack() {
        var world = Self.world()
        world.observe(.preferred(World.site, Preference(Self.b, .movedByHand)))
        #expect(world.outcome == .active(Self.b, standby: Self.a))
        world.run(for: .seconds(120))
        #expect(world.outcome == .active(Self.b, standby: Self.a))
        world.observe(.preferred(World.site, nil))
        #expect(world.outcome == .active(Self.b, beside: [Self.a], standby: Self.last))
    }

    @Test func aDrillLeadsOverOnePathAndBackToAll() {
        var world = Self.world()
        world.observe(.drilled(World.site, Preference(Self.last, .drill)))
        #expect(world.outcome == .active(Self.last, standby: Self.a))
        world.run(for: .seconds(10))
        world.observe(.drilled(World.site, Preference(Self.a, .drillOver)))
        #expect(world.outcome.carriers == [Self.a])
        world.observe(.drilled(World.site, nil))
        #expect(world.outcome == Self.together)
    }

    @Test func withManualFailbackOneThatWasLeftWaitsForTheOperator() {
        var world = Self.world(Self.policy(failback: .manual))
        world.answers = Self.silent(Self.b)
        world.run(for: .seconds(5))
        world.answers = Self.all
        world.run(for: .seconds(3_600))
        #expect(world.outcome == .active(Self.a, standby: Self.b))
        world.observe(.preferred(World.site, Preference(Self.a, .movedByHand)))
        world.observe(.preferred(World.site, nil))
        #expect(world.outcome == Self.together)
    }

    @Test func oneThatIsDrainedIsLeftAtOnceAndTheOthersCarryOn() {
        var world = Self.world()
        world.observe(.drained(Self.a, .byHand))
        #expect(world.outcome == .active(Self.b, standby: Self.last))
        world.observe(.drained(Self.a, nil))
        #expect(world.outcome == .active(Self.b, standby: Self.a), "it takes part again after the hold")
        world.run(for: .seconds(61))
        #expect(world.outcome == .active(Self.b, beside: [Self.a], standby: Self.last))
    }

    @Test func aFileThatTakesThePriorityAwayLeavesTheLeadWhereItIs() {
        var world = Self.world()
        world.reload(World.policy(paths: [Self.a, Self.b, Self.last]))
        #expect(world.outcome == .active(Self.a, standby: Self.b))
        world.reload(Self.policy())
        world.run(for: .seconds(1))
        #expect(world.outcome.path == Self.a)
        world.run(for: .seconds(61))
        #expect(world.outcome == Self.together)
    }

    @Test func whatAnEarlierRunLeftGoesOn() {
        let adopted = Decision(
            network: World.site,
            generation: 7,
            outcome: Self.together,
            reasons: [.notYetProbed],
            since: Instant(nanoseconds: 0),
            provisional: true
        )
        var world = World(Self.policy(), adopting: [World.site: adopted])
        world.run(for: .seconds(5))
        #expect(world.decided.allSatisfy { $0.decision.outcome.carriers == [Self.a, Self.b] })
        #expect(world.outcome == Self.together)
        #expect(world.decision.generation == 7)
    }

    /// Whatever happens to the paths, one that was left does not take part again within the hold while another one of its
    /// priority carries.
    @Test(arguments: 0..<4)
    func noneComesBackWithinTheHold(seed: Int) {
        var dice = Dice(seed: UInt64(seed))
        var world = Self.world(Self.policy(degraded: QualityLimits(roundTrip: .milliseconds(150)), damping: false))
        for _ in 0..<300 {
            var fates: [PathName: Duration?] = [:]
            for path in [Self.a, Self.b] {
                let roll = dice.roll()
                fates[path] = roll < 0.05 ? .some(nil) : .milliseconds(roll < 0.1 ? 200 : 20)
            }
            world.answers = { path, _, _ in fates[path] ?? .milliseconds(20) }
            world.run(for: .milliseconds(Int64(500 + dice.roll() * 8_000)))
        }
        var left: [PathName: Instant] = [:]
        var before: [PathName] = []
        var moves = 0
        for (at, decision) in world.decided {
            let now = decision.outcome.carriers
            for path in before where !now.contains(path) { left[path] = at }
            for path in now where !before.contains(path) {
                moves += 1
                // It came beside one that carried on: nothing made that necessary.
                guard let gone = left[path], let lead = before.first, now.first == lead else { continue }
                #expect(at - gone >= .seconds(60), "\(path) after \((at - gone).inSeconds) s")
            }
            before = now
        }
        #expect(moves > 4)
    }
}
