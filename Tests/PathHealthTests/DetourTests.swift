// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import NetworkTypes
import PathSimulation
import Testing

@testable import PathHealth

/// What it explains that answers come in by another path, and that it does no more.
struct DetourTests {
    private func reasons(_ world: World, _ path: PathName = World.first) -> [Reason] {
        world.core.report[0].paths.first { $0.path == path }?.reasons ?? []
    }

    /// The first path is not answered on itself.
    private static var silent: World {
        World { path, _, _ in path == World.first ? nil : .milliseconds(20) }
    }

    @Test func explainsSilence() {
        var world = Self.silent
        world.run(for: .seconds(5))
        let before = reasons(world)
        world.observe(.detour(World.first, by: World.second))
        #expect(world.core.detour(of: World.first) == World.second)
        #expect(reasons(world) == [.answersElsewhere(World.second)] + before)
        #expect(reasons(world, World.second) == [] && world.outcome.path == World.second)
        world.observe(.detour(World.first, by: nil))
        #expect(reasons(world) == before && world.core.detour(of: World.first) == nil)
    }

    /// What was asked arrived: whatever the counters of the tunnel say of its far end, that is not it.
    @Test(arguments: [PeerStatus.silent, .heard, .shakesHands])
    func takesThePlaceOfWhatWasGuessedOfTheWay(peer: PeerStatus) {
        var world = Self.silent
        world.run(for: .seconds(5))
        let before = reasons(world)
        world.observe(.peer(World.first, peer))
        world.observe(.reflector(World.first, .silent))
        #expect(reasons(world).count > before.count)
        world.observe(.detour(World.first, by: World.second))
        #expect(reasons(world) == [.answersElsewhere(World.second)] + before)
    }

    @Test func saysNothingOfAPathThatCarriesOrCannot() {
        var world = World()
        world.run(for: .seconds(5))
        world.observe(.detour(World.first, by: World.second))
        world.run(for: .seconds(60))
        #expect(world.verdict(World.first) == .up && reasons(world) == [])
        world.observe(.condition(World.first, .unusable(.noAssociation)))
        #expect(reasons(world) == [.noAssociation])
    }

    @Test func explainsLosses() {
        var count = 0
        var world = World(World.policy(degraded: QualityLimits(loss: 0.05))) { path, _, _ in
            guard path == World.first else { return .milliseconds(20) }
            count += 1
            return count % 4 == 0 ? nil : .milliseconds(20)
        }
        world.observe(.detour(World.first, by: World.second))
        world.run(for: .seconds(60))
        #expect(world.verdict(World.first) == .degraded)
        #expect(reasons(world).last == .answersElsewhere(World.second) && reasons(world).count == 2)
    }

    @Test func isKnownToACoreThatIsToldAllThatHolds() throws {
        var world = Self.silent
        world.run(for: .seconds(5))
        world.observe(.detour(World.first, by: World.second))
        #expect(world.core.standing.contains(.detour(World.first, by: World.second)))
        for evidence in [Evidence.detour(World.first, by: World.second), .detour(World.first, by: nil)] {
            let text = try JSONEncoder().encode(evidence)
            #expect(try JSONDecoder().decode(Evidence.self, from: text) == evidence)
        }
        world.reload(World.policy(paths: [World.second]))
        #expect(world.core.detour(of: World.first) == nil)
    }

    /// The other side takes its other tunnel: what is asked by the first is answered by the second from then on. Whenever that
    /// is, traffic and names stay where they are until the second has shown itself.
    @Test func trafficFollowsTheOtherSideWithoutAGap() {
        for phase in 0..<40 {
            var world = World { path, _, _ in path == World.first ? .milliseconds(20) : nil }
            world.run(for: .seconds(5) + .milliseconds(Int64(phase) * 17))
            world.observe(.detour(World.second, by: World.first))
            let (generation, decided) = (world.decision.generation, world.decided.count)
            world.answers = { path, _, _ in path == World.second ? .milliseconds(20) : nil }
            world.observe(.detour(World.first, by: World.second))
            world.run(for: .seconds(3))
            #expect(world.verdict(World.first) == .down && world.outcome.path == World.second)
            #expect(world.decision.generation == generation)
            #expect(!world.decided.dropFirst(decided).contains { $0.decision.outcome == .blocked })
        }
    }

    /// What does not show itself holds nothing up.
    @Test func trafficIsNotHeldForAPathThatNeverComesUp() {
        var world = World { path, _, _ in path == World.first ? .milliseconds(20) : nil }
        world.run(for: .seconds(5))
        var count = 0
        world.answers = { path, _, _ in
            guard path == World.second else { return nil }
            count += 1
            return count % 2 == 0 ? .milliseconds(20) : nil
        }
        world.observe(.detour(World.first, by: World.second))
        world.run(for: .seconds(2))
        #expect(world.outcome == .blocked)
    }

    /// Nor is traffic held on a path that cannot carry, or for a path of which nothing came.
    @Test func trafficIsHeldOnlyWhereItArrives() {
        for isCut in [true, false] {
            var world = World { path, _, _ in path == World.first ? .milliseconds(20) : nil }
            world.run(for: .seconds(5))
            world.answers = { path, _, _ in isCut && path == World.second ? .milliseconds(20) : nil }
            world.observe(.detour(World.first, by: World.second))
            world.run(for: .milliseconds(isCut ? 400 : 1_500))
            if isCut { world.observe(.condition(World.first, .unusable(.noAssociation))) }
            #expect(world.outcome == .blocked)
        }
    }

    /// Wherever answers come in, every verdict comes at the same time as if they had been lost.
    @Test func changesNoVerdict() {
        var dice = Dice(seed: 5)
        for _ in 0..<20 {
            let seed = UInt64(dice.roll() * 1e9)
            let (lost, strayed) = (Self.run(seed, isTold: false), Self.run(seed, isTold: true))
            #expect(lost.judged.map(\.at) == strayed.judged.map(\.at))
            #expect(lost.judged.map(\.verdict) == strayed.judged.map(\.verdict))
        }
    }

    /// Ten minutes of paths that are answered on themselves or not.
    private static func run(_ seed: UInt64, isTold: Bool) -> World {
        var (fate, stranger) = (Dice(seed: seed), Dice(seed: seed + 1))
        var cut: [PathName: Bool] = [:]
        var world = World(World.policy(degraded: QualityLimits(loss: 0.05)))
        for _ in 0..<120 {
            for path in [World.first, World.second] { cut[path] = fate.roll() < 0.2 }
            world.answers = { path, _, _ in cut[path] == true ? nil : .milliseconds(20) }
            for (path, other) in [(World.first, World.second), (World.second, World.first)] where isTold {
                world.observe(.detour(path, by: stranger.roll() < 0.5 ? other : nil))
            }
            world.run(for: .seconds(5))
        }
        return world
    }
}
