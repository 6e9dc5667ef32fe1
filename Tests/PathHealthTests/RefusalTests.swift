// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathSimulation
import Testing

@testable import PathHealth

/// What refused packets explain, and that they do no more.
struct RefusalTests {
    private static let forged = PacketRefusals(areForged: true)
    private static let replayed = PacketRefusals(areReplayed: true)

    private func reasons(_ world: World, _ path: PathName = World.first) -> [Reason] {
        world.core.report[0].paths.first { $0.path == path }?.reasons ?? []
    }

    @Test func aPathThatCarriesIsUpWhateverIsRefused() {
        var world = World()
        world.run(for: .seconds(5))
        let (decided, judged) = (world.decided.count, world.judged.count)
        world.observe(.refusals(World.first, PacketRefusals(areForged: true, areReplayed: true)))
        world.run(for: .seconds(60))
        #expect(world.verdict(World.first) == .up && reasons(world) == [])
        #expect(world.decided.count == decided && world.judged.count == judged)
    }

    @Test func explainsSilence() {
        var world = World { path, _, _ in path == World.first ? nil : .milliseconds(20) }
        world.run(for: .seconds(5))
        let before = reasons(world)
        world.observe(.refusals(World.first, PacketRefusals(areForged: true, areReplayed: true)))
        #expect(reasons(world) == [.packetsForged, .packetsReplayed] + before)
        #expect(reasons(world, World.second) == [])
        world.observe(.refusals(World.first, Self.replayed))
        #expect(reasons(world) == [.packetsReplayed] + before)
        world.observe(.refusals(World.first, PacketRefusals()))
        #expect(reasons(world) == before)
    }

    /// What is refused is not counted as received.
    @Test(arguments: [forged, replayed]) func aFarEndWhosePacketsAreRefusedIsNotSilent(refusals: PacketRefusals) {
        var world = World { path, _, _ in path == World.first ? nil : .milliseconds(20) }
        world.run(for: .seconds(5))
        world.observe(.peer(World.first, .silent))
        #expect(reasons(world).contains(.peerSilent))
        world.observe(.refusals(World.first, refusals))
        #expect(!reasons(world).contains(.peerSilent))
        world.observe(.peer(World.first, .heard))
        #expect(reasons(world).starts(with: [.peerHeard] + refusals.reasons))
    }

    @Test func explainsLosses() {
        var count = 0
        var world = World(World.policy(degraded: QualityLimits(loss: 0.05))) { path, _, _ in
            guard path == World.first else { return .milliseconds(20) }
            count += 1
            return count % 4 == 0 ? nil : .milliseconds(20)
        }
        world.observe(.refusals(World.first, Self.replayed))
        world.run(for: .seconds(60))
        #expect(world.verdict(World.first) == .degraded)
        #expect(reasons(world).last == .packetsReplayed && reasons(world).count == 2)
    }

    @Test func saysNothingOfAPathWithoutATunnel() {
        var world = World()
        world.run(for: .seconds(5))
        world.observe(.refusals(World.first, Self.forged))
        world.observe(.condition(World.first, .unusable(.noAssociation)))
        #expect(reasons(world) == [.noAssociation])
    }

    /// Whoever sends such packets has no say in where traffic goes: every verdict comes at the same time as without them.
    @Test func changesNoVerdictAndNoDecision() {
        var dice = Dice(seed: 4)
        for _ in 0..<20 {
            let seed = UInt64(dice.roll() * 1e9)
            let (clean, attacked) = (Self.run(seed, isAttacked: false), Self.run(seed, isAttacked: true))
            #expect(clean.judged.map(\.at) == attacked.judged.map(\.at))
            #expect(clean.judged.map(\.verdict) == attacked.judged.map(\.verdict))
            #expect(clean.decided.map(\.at) == attacked.decided.map(\.at))
            #expect(clean.decided.map(\.decision.outcome) == attacked.decided.map(\.decision.outcome))
            #expect(clean.decided.map(\.decision.generation) == attacked.decided.map(\.decision.generation))
        }
    }

    /// Ten minutes of paths that are cut and lose, with or without packets that are refused.
    private static func run(_ seed: UInt64, isAttacked: Bool) -> World {
        var (fate, attacker) = (Dice(seed: seed), Dice(seed: seed + 1))
        var cut: [PathName: Bool] = [:]
        var losses = Dice(seed: seed + 2)
        var world = World(World.policy(degraded: QualityLimits(loss: 0.05)))
        for _ in 0..<120 {
            for path in [World.first, World.second] { cut[path] = fate.roll() < 0.15 }
            let share = fate.roll() < 0.3 ? 0.3 : 0
            world.answers = { path, _, _ in
                cut[path] == true || losses.roll() < share ? nil : .milliseconds(20)
            }
            for path in [World.first, World.second] where isAttacked {
                let refusals = PacketRefusals(areForged: attacker.roll() < 0.5, areReplayed: attacker.roll() < 0.5)
                world.observe(.refusals(path, refusals))
            }
            world.run(for: .seconds(5))
        }
        return world
    }
}
