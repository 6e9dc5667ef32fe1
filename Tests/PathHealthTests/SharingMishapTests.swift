// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathSimulation
import Testing

@testable import PathHealth

/// Paths that carry together, when more happens to them than one death: what is left of them, and when.
struct SharingMishapTests {
    static let names: [PathName] = ["p0", "p1", "p2", "p3"].map(World.name)
    static let all: @Sendable (PathName, Target, Instant) -> Duration? = { _, _, _ in .milliseconds(20) }

    static func candidate(
        _ path: PathName,
        _ priority: Int?,
        _ verdict: Verdict,
        since: Instant,
        damped: Instant? = nil,
        _ reasons: [Reason] = []
    ) -> Candidate {
        Candidate(
            path: path,
            priority: priority,
            verdict: verdict,
            reasons: reasons,
            since: since,
            dampedUntil: damped,
            recovery: .milliseconds(900)
        )
    }

    /// Three of one priority: one that was left 20 s ago comes back when the lead dies, though another carries on.
    @Test(arguments: [Failback.automatic(after: .seconds(60)), .manual])
    func leadDiesWhileAnotherCarries(failback: Failback) {
        let (a, b, c) = (Self.names[0], Self.names[1], Self.names[2])
        var world = World(World.policy(paths: [a, b, c], priorities: [a: 1, b: 1, c: 1], failback: failback))
        world.run(for: .seconds(5))
        #expect(world.outcome.carriers == [a, b, c])
        world.answers = { path, _, _ in path == a ? nil : .milliseconds(20) }
        world.run(for: .seconds(10))
        #expect(world.outcome.carriers == [b, c])
        world.answers = Self.all
        world.run(for: .seconds(10))
        #expect(world.outcome.carriers == [b, c])
        world.answers = { path, _, _ in path == b ? nil : .milliseconds(20) }
        world.run(for: .seconds(3))
        #expect(world.outcome.carriers == [c], "\(world.outcome)")
    }

    /// A better path within its hold takes all when the lead of two dies, and none when the other does.
    @Test(arguments: [1, 2])
    func betterPathWithinHold(victim: Int) {
        let (x, a, b) = (Self.names[0], Self.names[1], Self.names[2])
        var world = World(World.policy(paths: [x, a, b], priorities: [a: 2, b: 2]))
        world.run(for: .seconds(5))
        world.answers = { path, _, _ in path == x ? nil : .milliseconds(20) }
        world.run(for: .seconds(10))
        #expect(world.outcome.carriers == [a, b])
        world.answers = Self.all
        world.run(for: .seconds(10))
        world.answers = { path, _, _ in path == Self.names[victim] ? nil : .milliseconds(20) }
        world.run(for: .seconds(3))
        #expect(world.outcome.carriers == [victim == 1 ? b : a], "\(world.outcome)")
    }

    /// Lead .starting after a reload with other targets: a sibling that is known dead goes on carrying.
    @Test func siblingDiesWhileLeadStarts() {
        let (a, b) = (Self.names[0], Self.names[1])
        func policy(_ targets: [Target]) -> NetworkPolicy {
            World.policy(paths: [a, b], priorities: [a: 1, b: 1], targets: targets)
        }
        let slow = Target.tls(
            SocketEndpoint(address: .v4(IPv4Address(bits: 0x0a14_0004)), port: 443),
            name: DomainName("a.example.net")!,
            every: .seconds(30)
        )
        var world = World(policy([slow]))
        world.observe(.handshakes(true))
        world.run(for: .seconds(40))
        #expect(world.outcome.carriers == [a, b])
        world.observe(.handshakes(false))
        world.run(for: .seconds(200))
        world.observe(.condition(b, .unusable(.noAssociation)))
        world.run(for: .seconds(60))
        #expect(world.verdict(a) == .starting)
        #expect(world.outcome.carriers == [a], "\(world.outcome) \(String(describing: world.verdict(b)))")
    }

    /// A restart under manual failback brings back the one that was left.
    @Test func manualRestart() {
        let (a, b) = (Self.names[0], Self.names[1])
        let adopted = Decision(
            network: World.site,
            generation: 7,
            outcome: .active(a, standby: b),
            reasons: [],
            since: Instant(nanoseconds: 0),
            provisional: true
        )
        var world = World(
            World.policy(paths: [a, b], priorities: [a: 1, b: 1], failback: .manual),
            adopting: [World.site: adopted]
        )
        world.run(for: .seconds(5))
        #expect(world.outcome.carriers == [a], "\(world.outcome)")
    }

    /// The decider alone, on random candidates: a deadline in the past must change something when it is met.
    @Test(arguments: 0..<400)
    func noPastDeadline(seed: Int) {
        var dice = Dice(seed: UInt64(seed))
        func pick<T>(_ list: [T]) -> T { list[min(Int(dice.roll() * Double(list.count)), list.count - 1)] }
        let t0 = Instant(nanoseconds: 1_000_000_000_000)
        let failback = pick([Failback.automatic(after: .seconds(60)), .automatic(after: .zero), .manual])
        let priorities: [Int?] = pick([
            [1, 1, 2, 2], [1, 1, 1, nil], [nil, 2, 2, nil], [1, 1, 1, 1], [nil, nil, nil, nil],
        ])
        var decider = NetworkDecision(
            failback: failback,
            whenDown: .block,
            current: Decision(
                network: World.site,
                generation: 1,
                outcome: pick([.blocked, .active(Self.names[1], beside: [Self.names[2]], standby: Self.names[0])]),
                reasons: [],
                since: t0,
                provisional: true
            )
        )
        var now = t0
        var list = zip(Self.names, priorities).map { Self.candidate($0, $1, .starting, since: t0) }
        for step in 0..<300 {
            now = now + .milliseconds(Int64(dice.roll() * 30_000))
            let index = Int(dice.roll() * 3.999)
            let verdict = pick([Verdict.up, .up, .up, .degraded, .down, .starting, .drained, .unknown])
            var reasons: [Reason] = []
            if verdict == .down, dice.roll() < 0.6 {
                reasons =
                    dice.roll() < 0.5
                    ? [.answersElsewhere(pick(Self.names))]
                    : [.recovering(World.target, answers: 1, of: 3)]
            }
            let damped = dice.roll() < 0.15 ? now + .seconds(Int64(dice.roll() * 100)) : nil
            let since = verdict == list[index].verdict ? list[index].since : now
            list[index] = Self.candidate(
                Self.names[index],
                priorities[index],
                verdict,
                since: since,
                damped: damped,
                reasons
            )
            for place in list.indices where list[place].dampedUntil.map({ $0 <= now }) ?? false {
                let old = list[place]
                list[place] = Self.candidate(old.path, old.priority, old.verdict, since: old.since, old.reasons)
            }
            let roll = dice.roll()
            if roll < 0.05 { decider.wish = Wish(preference: Preference(pick(Self.names), .movedByHand)) }
            if roll > 0.05, roll < 0.12 { decider.wish = nil }
            if roll > 0.12, roll < 0.15 { decider.drill = Wish(preference: Preference(pick(Self.names), .drill)) }
            if roll > 0.15, roll < 0.2 { decider.drill = nil }
            if roll > 0.2, roll < 0.3 { decider.isReturnOpen.toggle() }
            _ = decider.decide(among: list, at: now)
            var rounds = 0
            while let next = decider.nextDeadline(list), next <= now, rounds < 10 {
                _ = decider.decide(among: list, at: now)
                rounds += 1
            }
            if rounds == 10 {
                Issue.record(
                    "seed \(seed) step \(step) \(failback) open \(decider.isReturnOpen) now \(now) next \(String(describing: decider.nextDeadline(list))) wish \(String(describing: decider.wish)) drill \(String(describing: decider.drill)) outcome \(decider.current.outcome) candidates \(list.map { "\($0.path) \(String(describing: $0.priority)) \($0.verdict) since \($0.since) damped \(String(describing: $0.dampedUntil)) \($0.reasons)" })"
                )
                return
            }
            let lead = list.first { $0.path == decider.current.outcome.path }
            let carriers = decider.current.outcome.carriers
            if Set(carriers).count != carriers.count
                || carriers.contains(where: { $0 == decider.current.outcome.standby })
            {
                Issue.record("seed \(seed) \(decider.current.outcome)")
            }
            if lead?.verdict == .up, list.contains(where: { carriers.contains($0.path) && $0.verdict == .down }) {
                Issue.record("seed \(seed) a dead one carries: \(decider.current.outcome)")
            }
        }
    }
}
