// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import Testing

struct DecisionTests {
    let first = World.first
    let second = World.second

    @Test func choosesTheFirstPathAndKeepsTheSecondReady() {
        var world = World()
        #expect(world.outcome == .blocked)
        world.run(for: .seconds(2))
        #expect(world.outcome == .active(first, standby: second))
        #expect(world.decided.last?.decision.generation == 2)
    }

    @Test func waitsForTheBetterPathToShowItself() {
        var world = World(answers: { path, _, _ in path == World.first ? .milliseconds(200) : .milliseconds(1) })
        world.run(for: .milliseconds(100))
        #expect(world.outcome == .blocked)
        world.run(for: .seconds(1))
        #expect(world.decided.map(\.decision.outcome.path) == [first])
    }

    @Test func takesTheSecondPathWhenTheFirstNeverAnswers() {
        var world = World(answers: { path, _, _ in path == World.first ? nil : .milliseconds(20) })
        world.run(for: .milliseconds(1100))
        #expect(world.outcome == .active(second, standby: nil))
        #expect(world.verdict(first) == .down)
    }

    @Test func blocksWhenNothingAnswersFromTheStart() {
        var world = World(answers: { _, _, _ in nil })
        world.run(for: .seconds(2))
        #expect(world.outcome == .blocked)
        #expect(!world.decision.provisional)
        #expect(world.decision.generation == 1)
        #expect(world.decision.reasons.count == 2)
        #expect(!world.decision.reasons.contains(.notYetProbed), "why it is blocked, not why nothing was known")
    }

    @Test(arguments: [1, 20, 60])
    func leavesASilentPathWithinThePromise(roundTrip: Int) throws {
        for phase in stride(from: 0, to: 300, by: 7) {
            var world = World()
            world.answers = { _, _, _ in .milliseconds(roundTrip) }
            world.run(for: .seconds(10) + .milliseconds(phase))
            let cut = world.now
            world.answers = { path, _, _ in path == World.first ? nil : .milliseconds(roundTrip) }
            world.run(for: .seconds(3))
            let switched = try #require(world.decided.last)
            #expect(switched.decision.outcome == .active(second, standby: nil))
            #expect(switched.at - cut <= .seconds(1), "phase \(phase) ms")
            #expect(switched.decision.generation == 2, "names stay between private paths")
        }
    }

    @Test func leavesAPathWithoutCarrierAtOnce() throws {
        var world = World()
        world.run(for: .seconds(5))
        world.observe(.condition(first, .unusable(.underlayDown(try #require(InterfaceName("eth0"))))))
        #expect(world.outcome == .active(second, standby: nil))
        #expect(world.decided.last?.at == world.now)
        #expect(world.reasons(first) == ["underlay eth0 is down or has no carrier"])
        #expect(world.decision.reasons.map(\.description) == ["underlay eth0 is down or has no carrier"])
    }

    @Test func leavesADrainedPathAtOnceAndProbesItOn() {
        var world = World()
        world.run(for: .seconds(5))
        world.observe(.drained(first, .keyRotation))
        #expect(world.outcome == .active(second, standby: nil))
        #expect(world.verdict(first) == .drained)
        #expect(world.reasons(first) == ["its private key is being rotated"])
        #expect(world.decision.generation == 2, "names stay between private paths")
        world.run(for: .seconds(5))
        #expect(world.core.answered(through: first) == [World.site])
        world.answers = { path, _, _ in path == World.first ? nil : .milliseconds(20) }
        world.run(for: .seconds(5))
        #expect(world.core.answered(through: first) == [])
        #expect(world.verdict(first) == .down, "what does not answer is worse than drained")
        world.answers = { _, _, _ in .milliseconds(20) }
        world.run(for: .seconds(5))
        world.observe(.drained(first, nil))
        #expect(world.outcome == .active(second, standby: first), "it comes back after the hold")
        world.run(for: .seconds(61))
        #expect(world.outcome == .active(first, standby: second))
    }

    @Test func aDrainedPathCarriesNothingEvenAlone() {
        var world = World(World.policy(paths: [World.first]))
        world.run(for: .seconds(5))
        world.observe(.drained(first, .keyRotation))
        #expect(world.outcome == .blocked)
        world.observe(.drained(first, nil))
        #expect(world.outcome == .active(first, standby: nil))
    }

    @Test func comesBackAfterTheHoldAndNotBefore() throws {
        var world = World()
        world.run(for: .seconds(5))
        world.answers = { path, _, _ in path == World.first ? nil : .milliseconds(20) }
        world.run(for: .seconds(5))
        world.answers = { _, _, _ in .milliseconds(20) }
        world.run(for: .seconds(5))
        #expect(world.outcome == .active(second, standby: first))
        let up = try #require(world.judged.last { $0.path == first && $0.verdict == .up })
        world.run(for: .seconds(120))
        let back = try #require(world.decided.last)
        #expect(back.decision.outcome == .active(first, standby: second))
        #expect(back.at - up.at == .seconds(60))
    }

    @Test func startsTheHoldAnewWhenThePathFailsAgain() {
        var world = World()
        world.run(for: .seconds(5))
        world.answers = { path, _, _ in path == World.first ? nil : .milliseconds(20) }
        world.run(for: .seconds(5))
        world.answers = { _, _, _ in .milliseconds(20) }
        world.run(for: .seconds(50))
        world.answers = { path, _, _ in path == World.first ? nil : .milliseconds(20) }
        world.run(for: .seconds(5))
        world.answers = { _, _, _ in .milliseconds(20) }
        world.run(for: .seconds(50))
        #expect(world.outcome == .active(second, standby: first))
        world.run(for: .seconds(15))
        #expect(world.outcome == .active(first, standby: second))
    }

    @Test func staysWhereItIsWhenFailbackIsManual() {
        var world = World(World.policy(failback: .manual))
        world.run(for: .seconds(5))
        world.answers = { path, _, _ in path == World.first ? nil : .milliseconds(20) }
        world.run(for: .seconds(5))
        world.answers = { _, _, _ in .milliseconds(20) }
        world.run(for: .seconds(7200))
        #expect(world.outcome == .active(second, standby: first))
        world.answers = { path, _, _ in path == World.second ? nil : .milliseconds(20) }
        world.run(for: .seconds(2))
        #expect(world.outcome == .active(first, standby: nil))
    }

    @Test(arguments: [(WhenDown.block, Outcome.blocked), (.public, .public)])
    func fallsAsTheFileSaysWhenAllPathsAreDown(whenDown: WhenDown, outcome: Outcome) {
        var world = World(World.policy(whenDown: whenDown))
        world.run(for: .seconds(5))
        #expect(world.decision.generation == 2)
        world.answers = { _, _, _ in nil }
        world.run(for: .seconds(2))
        #expect(world.outcome == outcome)
        #expect(world.decision.generation == 3)
        #expect(world.decision.reasons.count == 2)
        world.answers = { _, _, _ in .milliseconds(20) }
        world.run(for: .seconds(2))
        #expect(world.outcome.path != nil)
        #expect(world.decision.generation == 4)
    }

    /// What is dead is left at any time; coming back waits for its window, and then for no second hold.
    @Test func failbackWaitsForItsWindow() {
        var world = World(World.policy(failback: .automatic(after: .seconds(10)))) { path, _, _ in
            path == World.first ? nil : .milliseconds(20)
        }
        world.observe(.failback(World.site, isOpen: false))
        world.run(for: .seconds(30))
        #expect(world.core.decision(of: World.site)?.outcome.path == World.second)
        world.answers = { _, _, _ in .milliseconds(20) }
        world.run(for: .seconds(300))
        #expect(world.core.decision(of: World.site)?.outcome.path == World.second)
        #expect(world.core.report[0].paths.allSatisfy { $0.returns == nil })
        #expect(world.core.nextDeadline.map { $0 > world.now } ?? false, "nothing is due that cannot be done")
        world.reload(World.policy(failback: .automatic(after: .seconds(10))))
        world.run(for: .seconds(30))
        #expect(world.core.decision(of: World.site)?.outcome.path == World.second, "a new file does not open it")
        world.observe(.failback(World.site, isOpen: true))
        #expect(world.core.decision(of: World.site)?.outcome.path == World.first)
    }

    @Test func changesTheStandbyWithoutANewGenerationOrTime() {
        var world = World()
        world.run(for: .seconds(5))
        let since = world.decision.since
        world.answers = { path, _, _ in path == World.second ? nil : .milliseconds(20) }
        world.run(for: .seconds(5))
        #expect(world.outcome == .active(first, standby: nil))
        #expect(world.decision.generation == 2)
        #expect(world.decision.since == since)
    }

    @Test func holdsWhatAnEarlierRunLeft() {
        let left = Decision(
            network: World.site,
            generation: 9,
            outcome: .active(second, standby: first),
            reasons: [.notYetProbed],
            since: Instant(nanoseconds: 5),
            provisional: true
        )
        var world = World(adopting: [World.site: left])
        #expect(world.outcome == left.outcome)
        world.run(for: .seconds(10))
        #expect(world.outcome == .active(second, standby: first))
        #expect(world.decision.reasons == [])
        #expect(world.decision.generation == 9)
        #expect(world.decision.since == Instant(nanoseconds: 5))
        world.run(for: .seconds(60))
        #expect(world.outcome == .active(first, standby: second))
    }

    @Test func keepsTheStandbyUntilItHasShownItself() {
        let left = Decision(
            network: World.site,
            generation: 9,
            outcome: .active(first, standby: second),
            reasons: [],
            since: Instant(nanoseconds: 5),
            provisional: true
        )
        var world = World(adopting: [World.site: left]) { path, _, _ in
            path == World.first ? .milliseconds(1) : .milliseconds(300)
        }
        world.run(for: .seconds(5))
        #expect(Set(world.decided.map(\.decision.outcome)) == [left.outcome])
    }

    @Test func leavesAnAdoptedPathThatIsDead() {
        let left = Decision(
            network: World.site,
            generation: 9,
            outcome: .active(first, standby: second),
            reasons: [],
            since: Instant(nanoseconds: 5),
            provisional: true
        )
        var world = World(
            adopting: [World.site: left],
            answers: { path, _, _ in path == World.first ? nil : .milliseconds(20) }
        )
        world.run(for: .milliseconds(1100))
        #expect(world.outcome == .active(second, standby: nil))
        #expect(world.decision.generation == 9)
    }

    @Test func goesOnUndisturbedOverAReloadOfSomethingElse() {
        var world = World()
        world.run(for: .seconds(5))
        let before = world.decided.count
        world.reload(World.policy(failback: .automatic(after: .seconds(5))))
        world.run(for: .seconds(5))
        #expect(world.decided.count == before)
        #expect(world.outcome == .active(first, standby: second))
    }

    @Test func leavesAPathThatTheFileNoLongerNames() {
        var world = World()
        world.run(for: .seconds(5))
        world.reload(World.policy(paths: [second]))
        #expect(world.outcome == .active(second, standby: nil))
    }
}
