// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import Testing

/// What the core says of itself, for `pnetctl explain`.
struct ExplanationTests {
    private func path(_ name: PathName, in world: World) throws -> NetworkHealth.Path {
        try #require(world.core.report[0].paths.first { $0.path == name })
    }

    @Test func saysWhenTrafficComesBack() throws {
        var world = World()
        world.run(for: .seconds(5))
        #expect(try path(World.first, in: world).returns == nil, "it is there")
        #expect(try path(World.second, in: world).returns == nil, "it is no better")
        world.answers = { path, _, _ in path == World.first ? nil : .milliseconds(20) }
        world.run(for: .seconds(5))
        #expect(try path(World.first, in: world).returns == nil, "it is down")
        world.answers = { _, _, _ in .milliseconds(20) }
        world.run(for: .seconds(10))
        let first = try path(World.first, in: world)
        let returns = try #require(first.returns)
        #expect(returns == first.since + .seconds(60) && returns > world.now)
        world.run(for: returns - world.now)
        #expect(world.outcome.path == World.first && world.decided.last?.at == returns)
    }

    @Test func saysNoTimeWhereNothingComesBackByItself() throws {
        var world = World(World.policy(failback: .manual))
        world.run(for: .seconds(5))
        world.answers = { path, _, _ in path == World.first ? nil : .milliseconds(20) }
        world.run(for: .seconds(5))
        world.answers = { _, _, _ in .milliseconds(20) }
        world.run(for: .seconds(100))
        #expect(world.outcome.path == World.second)
        #expect(try path(World.first, in: world).returns == nil)
    }

    @Test func saysHowATargetIsAskedAndWhatItsSilenceComesTo() throws {
        var world = World()
        let starting = try path(World.first, in: world).targets[0]
        #expect(!starting.isAnswering && starting.statements[0] == "no answer yet")
        world.run(for: .seconds(60))
        let answering = try path(World.first, in: world).targets[0]
        #expect(answering.target == World.target && answering.isAnswering)
        #expect(answering.statements[0].hasPrefix("it answers after 20ms, give or take "))
        #expect(answering.statements[1].hasPrefix("asked every ") && answering.statements.count == 3)
        #expect(answering.statements[2].hasPrefix("a failure is known within "))
        world.answers = { _, _, _ in nil }
        world.run(for: .seconds(5))
        let silent = try path(World.first, in: world).targets[0]
        #expect(!silent.isAnswering && silent.statements.count == 2)
        #expect(silent.statements[0].hasSuffix("when it was given up; 3 answers in a row bring it back"))
        #expect(silent.statements[1] == "asked every 300ms")
    }
}
