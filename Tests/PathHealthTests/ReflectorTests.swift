// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import Testing

/// What a path's STAMP session means for its networks.
struct ReflectorTests {
    private static func answering(there: Int = 0, back: Int = 0, of: Int = 300) -> Evidence {
        let loss = OneWayLoss(there: LossShare(lost: there, of: of), back: LossShare(lost: back, of: of))
        return .reflector(World.first, .answering(loss))
    }

    private static func world(loss: Double?) -> World {
        var world = World(World.policy(degraded: QualityLimits(loss: loss)))
        world.run(for: .seconds(5))
        return world
    }

    @Test func aWayThatLosesTooMuchIsNamed() {
        var world = Self.world(loss: 0.05)
        world.observe(Self.answering(there: 36))
        #expect(world.verdict(World.first) == .degraded)
        #expect(
            world.reasons(World.first) == [
                "by STAMP it loses 12.0% towards the far end and 0.0% on the way back, more than 5.0%"
            ]
        )
        world.run(for: .seconds(1))
        #expect(world.outcome.path == World.second)
        world.observe(Self.answering(there: 30))
        #expect(world.reasons(World.first)?.first?.contains("12.0%") == true, "a fault keeps its figures")
        world.observe(Self.answering(there: 8))
        #expect(world.verdict(World.first) == .degraded, "above half the limit")
        world.observe(Self.answering(there: 7, back: 60))
        #expect(
            world.reasons(World.first) == [
                "by STAMP it loses 2.3% towards the far end and 20.0% on the way back, more than 5.0%"
            ]
        )
        world.observe(Self.answering(back: 7))
        #expect(world.verdict(World.first) == .up)
    }

    @Test func onlyForNetworksThatAskAndNotByChance() {
        var careless = Self.world(loss: nil)
        careless.observe(Self.answering(there: 200))
        #expect(careless.verdict(World.first) == .up)
        var world = Self.world(loss: 0.05)
        for lost in [1, 15, 25] {
            world.observe(Self.answering(there: lost))
            #expect(world.verdict(World.first) == .up, "\(lost) of 300 may be chance")
        }
        world.observe(.reflector(World.first, .answering(OneWayLoss(there: LossShare(lost: 4, of: 10)))))
        #expect(world.verdict(World.first) == .up, "a handful")
        world.observe(Self.answering(there: 36))
        #expect(world.verdict(World.first) == .degraded)
        world.reload(World.policy(degraded: QualityLimits(loss: 0.2)))
        #expect(world.verdict(World.first) == .up)
        world.reload(World.policy(degraded: QualityLimits(loss: 0.05)))
        #expect(world.verdict(World.first) == .degraded)
        world.observe(.reflector(World.first, .unknown))
        #expect(world.verdict(World.first) == .up, "a file without the session")
    }

    @Test(arguments: [ReflectorStatus.silent, .answering(OneWayLoss()), .unknown])
    func byItselfItTakesNothingDown(status: ReflectorStatus) {
        var world = Self.world(loss: nil)
        world.observe(.reflector(World.first, status))
        world.run(for: .seconds(30))
        #expect(world.verdict(World.first) == .up && world.outcome.path == World.first)
        world.answers = { path, _, _ in path == World.first ? nil : .milliseconds(20) }
        world.run(for: .seconds(5))
        #expect(world.verdict(World.first) == .down)
        let expected: String? =
            switch status {
            case .silent: "the far end does not answer by STAMP either: it is the way that is broken, or the far end"
            case .answering: "the far end answers by STAMP: what lies behind it does not answer"
            case .unknown: nil
            }
        let reasons = world.reasons(World.first) ?? []
        #expect(reasons.count == (expected == nil ? 1 : 2) && (expected == nil || reasons.first == expected))
    }
}
