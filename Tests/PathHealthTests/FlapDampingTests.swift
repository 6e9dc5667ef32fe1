// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import Testing

/// Paths that come and go, and traffic that does not follow each time.
struct FlapDampingTests {
    /// Dead for ten seconds of every two minutes.
    private static func flaps(_ path: PathName, _ now: Instant) -> Duration? {
        path == World.first && now.nanoseconds % 120_000_000_000 < 10_000_000_000 ? nil : .milliseconds(20)
    }

    @Test func keepsTrafficOffAPathThatFlaps() throws {
        var world = World(answers: { path, _, now in Self.flaps(path, now) })
        world.run(for: .seconds(3_600))
        let moves = world.decided.filter { $0.decision.outcome.path == World.first }
        #expect(moves.count < 8, "of 30 chances to come back")
        #expect(world.outcome == .active(World.second, standby: World.first))
        let reason = try #require(world.reasons(World.first)?.last)
        #expect(reason.hasPrefix("it went down ") && reason.contains("times of late"))

        // Mended, it is trusted again after half an hour at the most, without anything else happening.
        world.answers = { _, _, _ in .milliseconds(20) }
        let mended = world.now
        world.run(for: .seconds(3_600))
        let back = try #require(world.decided.last)
        #expect(back.decision.outcome.path == World.first)
        #expect((.seconds(60) ... .seconds(2_000)).contains(back.at - mended))
        #expect(world.reasons(World.first) == [])
    }

    @Test func followsEachTimeWhereTheFileDoesNotWantThat() {
        var world = World(World.policy(damping: false), answers: { path, _, now in Self.flaps(path, now) })
        world.run(for: .seconds(3_600))
        #expect(world.decided.count { $0.decision.outcome.path == World.first } > 20)
    }

    @Test func usesAFlappingPathWhereThereIsNoOther() {
        var world = World(
            World.policy(paths: [World.first]),
            answers: { path, _, now in Self.flaps(path, now) }
        )
        world.run(for: .seconds(3_600 + 60))
        #expect(world.outcome == .active(World.first, standby: nil))
    }

    /// Whatever the paths do, traffic does not come back to the better one before it was good for the hold.
    @Test(arguments: 0..<5)
    func neverComesBackBeforeTheHold(seed: Int) {
        var state = UInt64(seed) &* 0x9e37_79b9_7f4a_7c15 | 1
        func random(_ limit: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % limit
        }
        var world = World(World.policy(degraded: QualityLimits(loss: 0.1, roundTrip: .milliseconds(150))))
        for _ in 0..<20 {
            let mode = random(6)
            let share = random(100)
            let slow = random(4) == 0
            let victim = random(2) == 0 ? World.first : World.second
            world.answers = { path, _, _ in
                guard path == victim || mode == 0 else { return .milliseconds(20) }
                if mode < 3 { return nil }
                return random(100) < share ? nil : .milliseconds(slow ? 200 : 30)
            }
            world.run(for: .milliseconds(Int(1 + random(45_000))))
        }
        var lastOnFirst: Instant?
        var before: PathName?
        for (at, decision) in world.decided {
            let path = decision.outcome.path
            // Back from a second path that was still usable: by choice, not by need.
            if path == World.first, before == World.second, let left = lastOnFirst {
                let second = world.judged.last { $0.path == World.second && $0.at <= at }
                if second?.verdict == .up { #expect(at - left >= .seconds(60), "seed \(seed)") }
            }
            if before == World.first, path != World.first { lastOnFirst = at }
            before = path
        }
    }
}
