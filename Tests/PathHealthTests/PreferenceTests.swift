// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import Testing

/// What an operator, or a drill, wants before the file's order.
struct PreferenceTests {
    private let first = World.first
    private let second = World.second
    private static let byHand = Preference(World.second, .movedByHand)

    private static func silence(_ path: PathName) -> (PathName, Target, Instant) -> Duration? {
        { asked, _, _ in asked == path ? nil : .milliseconds(20) }
    }

    @Test(arguments: [Failback.automatic(after: .seconds(60)), .manual])
    func movesAtOnceAndStays(failback: Failback) {
        var world = World(World.policy(failback: failback))
        world.run(for: .seconds(5))
        world.observe(.preferred(World.site, Self.byHand))
        #expect(world.outcome == .active(second, standby: first))
        #expect(world.decision.reasons == [.movedByHand])
        world.run(for: .seconds(600))
        #expect(world.outcome == .active(second, standby: first))
    }

    @Test func theOrderOfTheFileComesBackWithItsHold() {
        var world = World()
        world.run(for: .seconds(5))
        world.observe(.preferred(World.site, Self.byHand))
        world.run(for: .seconds(10))
        world.observe(.preferred(World.site, nil))
        #expect(world.outcome.path == second)
        world.run(for: .seconds(60))
        #expect(world.outcome == .active(first, standby: second))
    }

    @Test func isLeftWhenItGoesDownAndComesBackAfterTheHold() throws {
        var world = World()
        world.run(for: .seconds(5))
        world.observe(.preferred(World.site, Self.byHand))
        world.answers = Self.silence(second)
        world.run(for: .seconds(2))
        #expect(world.outcome == .active(first, standby: nil))
        world.answers = { _, _, _ in .milliseconds(20) }
        world.run(for: .seconds(120))
        let up = try #require(world.judged.last { $0.path == second && $0.verdict == .up })
        let back = try #require(world.decided.last)
        #expect(back.decision.outcome == .active(second, standby: first))
        #expect(back.at - up.at == .seconds(60))
    }

    /// One that carries nothing is waited for, and taken as soon as it is up; from then on it is as any other.
    @Test(arguments: [Failback.automatic(after: .seconds(60)), .manual])
    func aPathThatIsDownMovesNothingYet(failback: Failback) {
        var world = World(World.policy(failback: failback), answers: Self.silence(World.second))
        world.run(for: .seconds(5))
        world.observe(.preferred(World.site, Self.byHand))
        world.run(for: .seconds(5))
        #expect(world.outcome == .active(first, standby: nil))
        world.answers = { _, _, _ in .milliseconds(20) }
        world.run(for: .seconds(5))
        #expect(world.outcome == .active(second, standby: first))
    }

    /// What was wanted and left waits for its hold again, unless it is wanted anew.
    @Test func wantedOnceMoreMovesAtOnce() {
        var world = World(World.policy(failback: .manual))
        world.run(for: .seconds(5))
        world.observe(.preferred(World.site, Self.byHand))
        world.answers = Self.silence(second)
        world.run(for: .seconds(2))
        world.answers = { _, _, _ in .milliseconds(20) }
        world.run(for: .seconds(600))
        #expect(world.outcome.path == first)
        world.observe(.preferred(World.site, Self.byHand))
        #expect(world.outcome.path == second)
    }

    /// A drill's end gives an operator's wish back as it was: it skips no hold.
    @Test func aDrillLeavesTheOperatorsWishAsItWas() {
        var world = World(World.policy(failback: .manual))
        world.run(for: .seconds(5))
        world.observe(.preferred(World.site, Self.byHand))
        world.answers = Self.silence(second)
        world.run(for: .seconds(2))
        world.answers = { _, _, _ in .milliseconds(20) }
        world.run(for: .seconds(60))
        world.observe(.drilled(World.site, Preference(second, .drill)))
        #expect(world.outcome.path == second)
        world.observe(.drilled(World.site, Preference(first, .drillOver)))
        world.observe(.drilled(World.site, nil))
        world.run(for: .seconds(600))
        #expect(world.outcome == .active(first, standby: second))
        #expect(world.core.preference(of: World.site) == Self.byHand)
    }

    @Test func aDrillComesBackAtOnceAlsoWhereNothingElseDoes() {
        var world = World(World.policy(failback: .manual))
        world.run(for: .seconds(5))
        world.observe(.drilled(World.site, Preference(second, .drill)))
        world.run(for: .seconds(10))
        #expect(world.outcome.path == second)
        world.observe(.drilled(World.site, Preference(first, .drillOver)))
        #expect(world.outcome == .active(first, standby: second))
        world.observe(.drilled(World.site, nil))
        world.run(for: .seconds(600))
        #expect(world.outcome == .active(first, standby: second))
        #expect(world.decided.last?.decision.reasons == [.drillOver])
    }

    @Test func outlivesAReloadAsFarAsTheFileHasThePath() {
        var world = World()
        world.run(for: .seconds(5))
        world.observe(.preferred(World.site, Self.byHand))
        world.reload(World.policy(failback: .automatic(after: .seconds(1))))
        world.run(for: .seconds(60))
        #expect(world.outcome.path == second)
        #expect(world.core.standing.contains(.preferred(World.site, Self.byHand)))
        world.reload(World.policy(paths: [first]))
        #expect(world.core.preference(of: World.site) == nil)
        #expect(world.outcome == .active(first, standby: nil))
    }
}
