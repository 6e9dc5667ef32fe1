// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import Testing

struct LivenessTests {
    /// Every packet through it costs: a tenth of the probes, and ten times as long until its silence is known.
    @Test func aMeteredPathIsProbedAtATenthOfThePace() throws {
        var world = World(World.policy(metered: [World.second]))
        world.run(for: .seconds(60))
        let counts = [World.first, World.second].map { path in world.sent.count { $0.path == path } }
        #expect((9...11).contains(Double(counts[0]) / Double(counts[1])))
        let cut = world.now
        world.answers = { path, _, _ in path == World.second ? nil : .milliseconds(20) }
        world.run(for: .seconds(20))
        let down = try #require(world.judged.last)
        #expect(down.path == World.second && down.verdict == .down)
        #expect((.seconds(3) ... .seconds(10)).contains(down.at - cut))
        #expect(world.outcome == .active(World.first, standby: nil))

        // It begins to cost in the middle: only this path is looked at anew.
        world.reload(World.policy(metered: [World.first, World.second]))
        #expect(world.verdict(World.first) == .starting)
        #expect(world.verdict(World.second) == .down)
        #expect(world.outcome == .active(World.first, standby: nil))
    }

    @Test func ridesThroughAnyOneLoss() {
        for lost in 0..<40 {
            var world = World()
            var count = 0
            world.answers = { path, _, _ in
                guard path == World.first else { return .milliseconds(20) }
                count += 1
                return count == lost + 5 ? nil : .milliseconds(20)
            }
            world.run(for: .seconds(20))
            #expect(world.verdict(World.first) == .up)
            #expect(world.judged.count { $0.verdict == .down } == 0)
        }
    }

    @Test(arguments: [5, 10, 20])
    func ridesThroughIndependentLoss(percent: Int) {
        var world = World()
        var seed: UInt64 = 42
        world.answers = { _, _, _ in
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return seed >> 33 % 100 < percent ? nil : .milliseconds(20)
        }
        world.run(for: .seconds(3600))
        #expect(world.judged.count { $0.verdict == .down } == 0)
    }

    @Test func confirmsWithABurst() {
        var world = World(World.policy(paths: [World.first]))
        world.run(for: .seconds(10))
        world.answers = { _, _, _ in nil }
        let cut = world.now
        world.run(for: .seconds(1))
        let times = world.sent.filter { $0.at >= cut }.map { ($0.at - cut).nanoseconds / 1_000_000 }
        let gaps = zip(times, times.dropFirst()).map { $1 - $0 }
        #expect((8...14).contains(gaps.count { $0 == 40 }), "a burst of 8 to 13")
    }

    @Test func asksASilentTargetAtTheSteadyPaceOnly() {
        var world = World(World.policy(paths: [World.first]), answers: { _, _, _ in nil })
        world.run(for: .seconds(10))
        let before = world.sent.count
        world.run(for: .seconds(30))
        #expect((99...101).contains(world.sent.count - before))
    }

    @Test func needsThreeAnswersInARowToComeBack() {
        var world = World(World.policy(paths: [World.first]))
        world.run(for: .seconds(5))
        world.answers = { _, _, _ in nil }
        world.run(for: .seconds(5))
        #expect(world.verdict(World.first) == .down)
        var count = 0
        world.answers = { _, _, _ in
            count += 1
            return count % 3 == 0 ? nil : .milliseconds(20)
        }
        world.run(for: .seconds(20))
        #expect(world.verdict(World.first) == .down)
        world.answers = { _, _, _ in .milliseconds(20) }
        world.run(for: .seconds(2))
        #expect(world.verdict(World.first) == .up)
    }

    @Test func livesWithARoundTripLongerThanTheInterval() {
        var world = World(World.policy(paths: [World.first]), answers: { _, _, _ in .milliseconds(390) })
        world.run(for: .seconds(60))
        #expect(world.verdict(World.first) == .up)
        #expect(world.judged.count { $0.verdict == .down } == 0)
    }

    @Test func saysWhyInWords() throws {
        var world = World(World.policy(paths: [World.first]))
        world.run(for: .seconds(5))
        world.answers = { _, _, _ in nil }
        world.run(for: .seconds(2))
        let reason = try #require(world.reasons(World.first)?.first)
        #expect(reason.hasPrefix("icmp 10.20.0.4: 14 probes in a row without answer for "))
    }

    @Test(arguments: [
        (TargetNeed.any, Verdict.up), (.all, .down), (.count(2), .down), (.count(1), .up),
    ])
    func asksForAsManyTargetsAsTheFileSays(need: TargetNeed, verdict: Verdict) {
        let other = Target.icmp(.v4(IPv4Address(bits: 0x0a14_0005)))
        var world = World(
            World.policy(paths: [World.first], targets: [World.target, other], need: need),
            answers: { _, target, _ in target == World.target ? .milliseconds(20) : nil }
        )
        world.run(for: .seconds(5))
        #expect(world.verdict(World.first) == verdict)
    }

    @Test func probesNothingOnAPathThatCannotCarry() throws {
        var world = World(ready: [World.second])
        let eth0 = try #require(InterfaceName("eth0"))
        world.observe(.condition(World.first, .unusable(.underlayMissing(eth0))))
        world.run(for: .seconds(10))
        #expect(world.sent.allSatisfy { $0.path == World.second })
        #expect(world.outcome == .active(World.second, standby: nil))
        #expect(world.reasons(World.first) == ["underlay eth0 does not exist"])
    }

    @Test func takesNoAnswerForAProbeThatItNeverSent() {
        var world = World(World.policy(paths: [World.first]), answers: { _, _, _ in nil })
        world.run(for: .seconds(3))
        for sequence in UInt16(500)...UInt16(600) {
            let subject = ProbeSubject(network: World.site, path: World.first, target: World.target)
            world.observe(.answer(Probe(subject: subject, sequence: sequence)))
        }
        #expect(world.verdict(World.first) == .down)
    }

    @Test func isTheSameForTheSameEvidence() {
        func history() -> [String] {
            var world = World()
            world.answers = { path, _, now in
                (now.nanoseconds / 3_000_000_000 + (path == World.first ? 0 : 1)) % 3 == 0 ? nil : .milliseconds(30)
            }
            world.run(for: .seconds(120))
            return world.decided.map { "\($0.at.nanoseconds) \($0.decision.outcome)" }
        }
        #expect(history() == history())
    }
}

/// What is learnt of an outage.
struct OutageTests {
    /// How long the cuts after so many outages take to be known, at the most.
    private func detection(after outage: Duration) -> Duration {
        var isCut = false
        var world = World(World.policy(paths: [World.first], damping: false)) { _, _, _ in .milliseconds(20) }
        func set(_ world: inout World, _ cut: Bool) {
            isCut = cut
            let answer: Duration? = isCut ? nil : .milliseconds(20)
            world.answers = { _, _, _ in answer }
        }
        world.run(for: .seconds(30))
        for _ in 0..<10 {
            set(&world, true)
            world.run(for: outage)
            set(&world, false)
            world.run(for: .seconds(30))
        }
        let begin = world.now
        set(&world, true)
        world.run(for: .seconds(10))
        return (world.judged.last { $0.verdict == .down }?.at ?? world.now) - begin
    }

    @Test(arguments: [1_300, 1_500, 2_000, 5_000])
    func oneThatIsLongerThanThePromiseTeachesNothing(outage: Int) {
        #expect(detection(after: .milliseconds(outage)) <= .seconds(1))
    }
}

/// Few targets are asked together, so that the host wakes once for all of them.
struct VolleyTests {
    private func instants(targets count: Int) -> (instants: Int, probes: Int) {
        let targets = (1...count).map { Target.icmp(.v4(IPv4Address(bits: UInt32($0)))) }
        // Each has a round trip of its own, and so an interval of its own.
        var world = World(World.policy(paths: [World.first], targets: targets, need: .all)) { _, target, now in
            .microseconds(15_000 + Int64(now.nanoseconds / 1_000_000) % 7 * 300 + Int64(target.hashValue & 7) * 400)
        }
        world.run(for: .seconds(60))
        let late = world.asked.drop { $0.at < world.now + .seconds(-30) }
        return (Set(late.map(\.at)).count, late.count)
    }

    @Test func eightLeaveTogether() {
        let (instants, probes) = instants(targets: 8)
        #expect(instants * 7 <= probes)
    }
}
