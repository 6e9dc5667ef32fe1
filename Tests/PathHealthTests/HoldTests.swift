// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import PathSimulation
import Testing

/// Whatever the paths do, traffic that may stay where it is does not go back within the hold to a path that it left.
/// What is dead is left at once, and is no choice.
struct HoldTests {
    /// What is done to a path, by somebody who sees where the traffic is.
    enum Attack: CaseIterable {
        case slow, unsteady, lossy, dead

        func answer(_ dice: inout Dice) -> Duration? {
            switch self {
            case .slow: .milliseconds(200)
            case .unsteady: .milliseconds(dice.roll() < 0.5 ? 20 : 140)
            case .lossy: dice.roll() < 0.6 ? nil : .milliseconds(20)
            case .dead: nil
            }
        }
    }

    private static let hold = Duration.seconds(60)

    /// The moves that were too soon, as seconds after the path was left.
    private static func hastyReturns(_ world: World) -> [Double] {
        var left: [PathName: Instant] = [:]
        var held: PathName?
        var hasty: [Double] = []
        for (at, decision) in world.decided {
            let path = decision.outcome.path
            defer { held = path }
            guard path != held, let before = held else { continue }
            left[before] = at
            let verdict = world.judged.last { $0.path == before && $0.at <= at }?.verdict
            guard let path, let gone = left[path], verdict?.isUsable == true else { continue }
            if at - gone < hold { hasty.append((at - gone).inSeconds) }
        }
        return hasty
    }

    private static func world(_ failback: Failback) -> World {
        let limits = QualityLimits(loss: 0.1, roundTrip: .milliseconds(150), jitter: .milliseconds(50))
        return World(World.policy(degraded: limits, failback: failback))
    }

    /// The traffic's own path is always the bad one, and the other one is always good.
    @Test(arguments: Attack.allCases, [Failback.automatic(after: hold), .manual])
    func isKeptAgainstWhoFollowsTheTraffic(attack: Attack, failback: Failback) {
        var world = Self.world(failback)
        world.run(for: .seconds(1))
        for slot in 0..<160 {
            let victim = world.outcome.path
            var dice = Dice(seed: UInt64(slot))
            world.answers = { path, _, _ in path == victim ? attack.answer(&dice) : .milliseconds(20) }
            world.run(for: .milliseconds(500))
        }
        #expect(Self.hastyReturns(world).isEmpty)
        #expect(world.decided.count > 2, "the attack moved nothing")
    }

    /// Hill climbing over attacks: what each path suffers in each slot of two seconds. The goal is the most moves.
    @Test func isKeptAgainstTheWorstThatASearchFinds() {
        var dice = Dice(seed: 4)
        func random(_ count: Int) -> Int { Int(dice.roll() * Double(count)) }
        func outcome(of plan: [[Attack?]]) -> World {
            var world = Self.world(.automatic(after: Self.hold))
            for (slot, attacks) in plan.enumerated() {
                var dice = Dice(seed: UInt64(slot))
                world.answers = { path, _, _ in
                    let attack = attacks[path == World.first ? 0 : 1]
                    return attack.map { $0.answer(&dice) } ?? .milliseconds(20)
                }
                world.run(for: .seconds(2))
            }
            return world
        }
        var best = (0..<25).map { $0 / 4 % 2 == 0 ? [Attack.slow, nil] : [nil, .slow] }
        var moves = 0
        for _ in 0..<10 {
            var plan = best
            if moves > 0 {
                for _ in 0..<3 {
                    plan[random(plan.count)][random(2)] = random(3) > 0 ? Attack.allCases[random(4)] : nil
                }
            }
            let world = outcome(of: plan)
            #expect(Self.hastyReturns(world).isEmpty)
            if world.decided.count >= moves { (best, moves) = (plan, world.decided.count) }
        }
    }
}
