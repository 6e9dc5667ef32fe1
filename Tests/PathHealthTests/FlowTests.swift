// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import NetworkTypes
import PathSimulation
import Testing

@testable import PathHealth

/// What this host's own connections hasten and explain, and that they do no more.
struct FlowTests {
    private static let stalled = FlowStatus.stalled(connections: 2, of: 3, hosts: 2)

    private func reasons(_ world: World, _ path: PathName = World.first) -> [Reason] {
        world.core.report[0].paths.first { $0.path == path }?.reasons ?? []
    }

    private static func told(_ status: FlowStatus, of path: PathName = World.first) -> Evidence {
        .flows(World.site, path, status)
    }

    private static var patient: NetworkPolicy { World.policy(promise: DetectionPromise(within: .seconds(10))) }

    /// Cut at some moment of an interval, and stalled 700 ms later.
    @Test(arguments: 0..<30) func aDeadPathIsKnownSooner(phase: Int) throws {
        func detection(isTold: Bool) throws -> Duration {
            var world = World(Self.patient)
            world.run(for: .seconds(60) + .milliseconds(Int64(phase) * 97))
            world.answers = { path, _, _ in path == World.first ? nil : .milliseconds(20) }
            let cut = world.now
            world.run(for: .milliseconds(700))
            if isTold { world.observe(Self.told(Self.stalled)) }
            world.run(for: .seconds(20))
            let down = try #require(world.judged.first { $0.verdict == .down })
            #expect(reasons(world).contains(.connectionsStall) == isTold)
            return down.at - cut
        }
        let (alone, told) = (try detection(isTold: false), try detection(isTold: true))
        #expect(told <= alone)
        // The burst outlasts what is to be ridden through, and no question is waited for.
        #expect(told <= .milliseconds(700) + .seconds(5), "\(told) against \(alone)")
    }

    @Test func aLivingPathIsAskedOnceAndIsUp() {
        var world = World(Self.patient)
        world.run(for: .seconds(61))
        let before = (world.asked.count, world.decided.count, world.judged.count)
        world.observe(Self.told(Self.stalled))
        world.observe(Self.told(Self.stalled, of: World.second))
        #expect(world.asked.count == before.0 + 2)
        world.run(for: .milliseconds(500))
        #expect(world.asked.count == before.0 + 2, "the first answer ends it")
        world.run(for: .seconds(60))
        #expect(world.decided.count == before.1 && world.judged.count == before.2 && reasons(world) == [])
    }

    @Test func asksNoMoreOftenThanTheRest() {
        var world = World()
        world.run(for: .seconds(60))
        let quiet = world.asked.count
        world.run(for: .seconds(60))
        let usual = world.asked.count - quiet
        for count in 0..<6_000 {
            world.observe(Self.told(count % 2 == 0 ? .stalled(connections: count + 1, of: 9, hosts: 2) : .advancing))
            world.run(for: .milliseconds(10))
        }
        #expect(world.asked.count - quiet - usual <= usual + 60 / 5 + 1)
        #expect(world.judged.filter { $0.verdict != .up }.isEmpty)
    }

    /// Where many targets are asked, one is about to be at any moment.
    @Test func asksManyTargetsAsEver() {
        let targets = (0..<40).map { Target.icmp(.v4(IPv4Address(bits: 0x0a14_0004 + UInt32($0)))) }
        var world = World(World.policy(targets: targets))
        world.run(for: .seconds(60))
        let before = world.asked.count
        world.observe(Self.told(Self.stalled))
        #expect(world.asked.count - before <= 1)
    }

    @Test func explainsSilenceAndLossesAndNothingElse() {
        var world = World()
        world.run(for: .seconds(5))
        world.observe(Self.told(Self.stalled))
        world.run(for: .seconds(5))
        #expect(world.verdict(World.first) == .up && reasons(world) == [])
        world.answers = { path, _, _ in path == World.first ? nil : .milliseconds(20) }
        world.run(for: .seconds(5))
        #expect(reasons(world).first == .connectionsStall && reasons(world).count == 2)
        let judged = world.judged.count
        world.observe(Self.told(.stalled(connections: 9, of: 9, hosts: 3)))
        #expect(world.judged.count == judged && reasons(world).first == .connectionsStall)
        world.observe(Self.told(.advancing))
        #expect(!reasons(world).contains(.connectionsStall))
        world.observe(Self.told(Self.stalled))
        world.observe(.condition(World.first, .unusable(.noAssociation)))
        #expect(reasons(world) == [.noAssociation])
    }

    @Test func isKnownToACoreThatIsToldAllThatHolds() throws {
        var world = World()
        world.run(for: .seconds(5))
        for status in [Self.stalled, .advancing] {
            world.observe(Self.told(status))
            #expect(world.core.standing.contains(Self.told(status)))
            let text = try JSONEncoder().encode(Self.told(status))
            #expect(try JSONDecoder().decode(Evidence.self, from: text) == Self.told(status))
        }
        world.observe(.flows(World.name("nobody"), World.first, Self.stalled))
        world.observe(.flows(World.site, World.name("none"), Self.stalled))
        #expect(world.core.flows(to: World.site, through: World.first) == .advancing)
        #expect(world.core.flows(to: World.name("nobody"), through: World.first) == .unknown)
        world.reload(World.policy(paths: [World.second]))
        #expect(world.core.flows(to: World.site, through: World.first) == .unknown)
        #expect(!world.core.standing.contains { if case .flows = $0 { true } else { false } })
    }

    /// Whoever can make connections wait has no say in where traffic goes: what is up stays up, whatever is told.
    @Test func noSequenceOfHintsChangesAVerdict() {
        for seed in UInt64(0)..<40 {
            var dice = Dice(seed: seed)
            let delay = Duration.milliseconds(Int64(1 + dice.roll() * 200))
            let within = Duration.milliseconds(Int64(300 + dice.roll() * 9_000))
            let promise = DetectionPromise(within: within)
            var world = World(World.policy(promise: promise, degraded: QualityLimits(loss: 0.05))) { _, _, _ in delay }
            world.run(for: .seconds(30))
            let (decided, judged) = (world.decided.count, world.judged.count)
            for _ in 0..<400 {
                world.observe(Self.told(Self.any(&dice), of: dice.roll() < 0.5 ? World.first : World.second))
                world.run(for: .milliseconds(Int64(dice.roll() * 3_000)))
            }
            #expect(world.decided.count == decided && world.judged.count == judged, "seed \(seed)")
        }
    }

    /// Among real outages and losses: a path goes down only while it is cut, and never later than without hints, but for
    /// what else the questions' moments change.
    @Test func hintsMoveAVerdictToNoWorseTime() {
        for seed in UInt64(0)..<20 {
            let (clean, hinted) = (Self.outages(seed, isHinted: false), Self.outages(seed, isHinted: true))
            #expect(clean.downs.count == hinted.downs.count, "seed \(seed)")
            #expect(hinted.falseAlarms == 0, "seed \(seed)")
            for delay in hinted.downs { #expect(delay <= .seconds(1), "seed \(seed)") }
        }
    }

    /// Ten cuts of ten seconds, a minute apart, with hints at random; how long after each cut the path went down.
    private static func outages(_ seed: UInt64, isHinted: Bool) -> (downs: [Duration], falseAlarms: Int) {
        var (fate, attacker, losses) = (Dice(seed: seed), Dice(seed: seed + 1), Dice(seed: seed + 2))
        var world = World(World.policy(damping: false)) { _, _, _ in .milliseconds(20) }
        var (downs, falseAlarms) = ([Duration](), 0)
        func run(_ duration: Duration) {
            let end = world.now + duration
            while world.now < end {
                if isHinted { world.observe(told(any(&attacker))) }
                world.run(for: min(.milliseconds(Int64(1 + attacker.roll() * 2_000)), end - world.now))
            }
        }
        for _ in 0..<10 {
            world.answers = { _, _, _ in losses.roll() < 0.01 ? nil : .milliseconds(20) }
            let before = world.judged.count
            run(.seconds(60) + .milliseconds(Int64(fate.roll() * 300)))
            falseAlarms += world.judged[before...].count { $0.path == World.first && $0.verdict == .down }
            world.answers = { path, _, _ in path == World.first ? nil : .milliseconds(20) }
            let cut = world.now
            run(.seconds(10))
            downs += world.judged.filter { $0.at > cut && $0.path == World.first && $0.verdict == .down }
                .map { $0.at - cut }
        }
        return (downs, falseAlarms)
    }

    private static func any(_ dice: inout Dice) -> FlowStatus {
        let number = Int(dice.roll() * 12) - 2
        switch number {
        case -2: return .unknown
        case -1: return .advancing
        default: return .stalled(connections: number, of: number - 3, hosts: number % 4)
        }
    }
}
