// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import PathHealth

/// Targets that are asked at their own pace, by TLS.
struct PacedTests {
    private static let interval = Duration.seconds(15)
    private static let server = Target.tls(
        SocketEndpoint(address: .v4(IPv4Address(bits: 0x0a14_0004)), port: 443),
        name: .root,
        every: interval
    )

    /// A world with a close target and this one, and somebody who can ask it.
    private func world(
        _ need: TargetNeed = .any,
        paths: [PathName] = [World.first],
        metered: Set<PathName> = [],
        hasHandshakes: Bool = true,
        answers: @escaping (PathName, Target, Instant) -> Duration? = { _, _, _ in .milliseconds(20) }
    ) -> World {
        let policy = World.policy(paths: paths, targets: [World.target, Self.server], need: need, metered: metered)
        var world = World(policy, answers: answers)
        if hasHandshakes { world.observe(.handshakes(true)) }
        return world
    }

    private func questions(_ world: World, on path: PathName = World.first) -> [Instant] {
        world.asked.filter { $0.probe.subject.target == Self.server && $0.probe.subject.path == path }.map(\.at)
    }

    @Test func isAskedAtItsPaceAndNeverFaster() {
        var world = world(paths: [World.first, World.second], metered: [World.second])
        let start = world.now
        world.answers = { path, target, _ in target == Self.server && path == World.first ? nil : .milliseconds(20) }
        world.failures = { _, target, now in
            // Whatever it says, and be it nothing, it is asked no sooner for that.
            target == Self.server && now.nanoseconds % 2 == 0 ? (.milliseconds(50), .refused) : nil
        }
        world.run(for: .seconds(1_200))
        for (path, interval) in [(World.first, Self.interval), (World.second, Self.interval * 10)] {
            let times = questions(world, on: path)
            let gaps = zip(times, times.dropFirst()).map { $1 - $0 }
            #expect(times[0] - start <= .seconds(2))
            #expect(gaps[0] >= interval && gaps[0] < interval * 2)
            #expect(gaps.dropFirst().allSatisfy { $0 == interval })
        }
    }

    @Test func isNotAskedMoreOftenThoughThePathComesAndGoes() {
        var world = world()
        for _ in 0..<200 {
            world.run(for: .seconds(3))
            world.observe(.condition(World.first, .unusable(.refused("gone"))))
            world.run(for: .seconds(1))
            world.observe(.condition(World.first, .ready))
            world.observe(.handshakes(false))
            world.observe(.handshakes(true))
        }
        let times = questions(world)
        #expect(zip(times, times.dropFirst()).allSatisfy { $1 - $0 >= Self.interval })
        #expect(times.count > 5)
    }

    @Test func twoFailuresGiveItUpAndOneAnswerBringsItBack() throws {
        var world = world(.all)
        world.run(for: .seconds(60))
        #expect(world.verdict(World.first) == .up)
        world.fail(Self.server, .expired(days: 3))
        let start = world.now
        world.run(for: .seconds(60))
        let down = try #require(world.judged.last)
        #expect(down.verdict == .down && down.at - start > Self.interval && down.at - start < .seconds(35))
        #expect(world.reasons(World.first) == ["tls 10.20.0.4:443 as .: its certificate expired 3 days ago"])
        #expect(world.core.report[0].paths[0].targets.last?.isAnswering == false)
        world.failures = { _, _, _ in nil }
        world.answers = { _, _, _ in .milliseconds(20) }
        world.run(for: Self.interval + .seconds(1))
        #expect(world.verdict(World.first) == .up)
    }

    @Test func oneFailureIsRiddenThrough() {
        var world = world(.all)
        world.run(for: .seconds(60))
        world.fail(Self.server, .hungUp)
        world.run(for: Self.interval)
        world.failures = { _, _, _ in nil }
        world.answers = { _, _, _ in .milliseconds(20) }
        world.run(for: .seconds(60))
        #expect(world.judged.count { $0.verdict == .down } == 0)
    }

    @Test func isNamedWhileOthersAnswer() {
        var world = world()
        world.run(for: .seconds(60))
        world.fail(Self.server, .wrongName)
        world.run(for: .seconds(60))
        #expect(world.verdict(World.first) == .up)
        #expect(world.core.report[0].paths[0].failures == [.failing(Self.server, .wrongName)])
        #expect(world.core.report[0].paths[0].silentTargets == [])
    }

    /// Its first packet is large: where small ones get through, that may be why.
    @Test func silenceBesideAnswersMayBeABlackHole() throws {
        let hint = "; small packets get through, large ones may be lost on the way (an MTU black hole)"
        for need in [TargetNeed.any, .all] {
            var world = world(need)
            world.run(for: .seconds(60))
            world.fail(Self.server, .silent)
            world.run(for: .seconds(60))
            let path = world.core.report[0].paths[0]
            #expect(path.failures == (need == .any ? [.silentToLarge(Self.server)] : []))
            #expect(
                world.reasons(World.first) == (need == .any ? [] : ["\(Self.server): \(TargetFailure.silent)\(hint)"])
            )
            #expect(path.targets.last?.statements.first == "\(TargetFailure.silent)\(hint)")
            // Where nothing gets through, it is not why.
            world.answers = { _, _, _ in nil }
            world.run(for: .seconds(60))
            #expect(world.core.report[0].paths[0].targets.last?.statements.first == TargetFailure.silent.description)
            #expect(world.reasons(World.first)?.last == "\(Self.server): \(TargetFailure.silent)")
        }
    }

    /// Its last answer is up to fifteen seconds old: it does not hold traffic on a dead path.
    @Test func doesNotSpeakForAPathThatFellSilent() {
        var world = world(paths: [World.first, World.second])
        world.run(for: .seconds(120))
        let cut = world.now
        world.answers = { path, _, _ in path == World.first ? nil : .milliseconds(20) }
        world.run(for: .seconds(1))
        #expect(world.outcome == .active(World.second, standby: nil))
        #expect(world.judged.allSatisfy { $0.verdict != .down || $0.at - cut <= .seconds(1) })
        #expect(
            world.reasons(World.first)?.last
                == "\(Self.server): it served before the others fell silent, and was not asked since"
        )
    }

    /// It has failed once, and is asked again in a while: the silence of the others does not wait for it.
    @Test func keepsNoVerdictOpenBeyondItsFirstOutcome() throws {
        var world = world(paths: [World.first, World.second])
        world.answers = { path, target, _ in path == World.first && target == Self.server ? nil : .milliseconds(20) }
        world.failures = { path, target, _ in
            path == World.first && target == Self.server ? (.milliseconds(20), .refused) : nil
        }
        world.run(for: .seconds(3))
        #expect(world.outcome.path == World.first)
        world.answers = { path, _, _ in path == World.first ? nil : .milliseconds(20) }
        world.run(for: .seconds(1))
        #expect(world.outcome == .active(World.second, standby: nil))
    }

    /// It alone serves: an agent that starts anew does not take the traffic away before it was asked.
    @Test func isWaitedForAtItsBeginning() throws {
        var world = world { _, target, _ in target == Self.server ? .milliseconds(20) : nil }
        world.run(for: .seconds(5))
        #expect(world.judged.map(\.verdict) == [.up])

        // But not for long, and not where nobody can ask.
        var deaf = self.world(hasHandshakes: false) { _, _, _ in nil }
        let start = deaf.now
        deaf.run(for: .seconds(60))
        #expect(deaf.judged.map(\.verdict) == [.down])
        #expect(try #require(deaf.judged.first).at - start <= .seconds(7))
    }

    /// The other target's host died: once it is asked, it speaks for the path alone.
    @Test func speaksForAPathOnceItAnswersAfterTheSilence() {
        var world = world()
        world.run(for: .seconds(120))
        world.answers = { _, target, _ in target == Self.server ? .milliseconds(20) : nil }
        world.run(for: .seconds(1))
        #expect(world.verdict(World.first) == .down)
        world.run(for: Self.interval)
        #expect(world.verdict(World.first) == .up)
        world.run(for: .seconds(600))
        #expect(world.judged.count { $0.verdict == .down } == 1)
    }

    /// Without anybody who can ask it is neither up nor down: the others decide.
    @Test(arguments: [TargetNeed.all, .any, .count(2)])
    func countsNeitherWayWhereItCannotBeAsked(need: TargetNeed) {
        var world = world(need, hasHandshakes: false)
        world.run(for: .seconds(60))
        #expect(questions(world).isEmpty)
        #expect(world.verdict(World.first) == .up)
        world.answers = { _, _, _ in nil }
        world.run(for: .seconds(5))
        #expect(world.verdict(World.first) == .down)
    }

    /// Who asks may be away for a moment; what a target said before holds for two of its questions.
    @Test func holdsWhatItSaidWhileNobodyCanAsk() {
        var world = world(.all)
        world.run(for: .seconds(60))
        world.fail(Self.server, .untrusted)
        world.run(for: .seconds(60))
        #expect(world.verdict(World.first) == .down)
        world.observe(.handshakes(false))
        world.run(for: .seconds(15))
        #expect(world.verdict(World.first) == .down)
        world.run(for: .seconds(25))
        #expect(world.verdict(World.first) == .up)
        world.observe(.handshakes(true))
        world.run(for: .seconds(60))
        #expect(world.verdict(World.first) == .down)
    }

    @Test func provesItselfAnewOnAPathThatWasLost() {
        var world = world()
        world.run(for: .seconds(60))
        world.observe(.condition(World.first, .unusable(.refused("gone"))))
        world.answers = { _, _, _ in nil }
        world.run(for: .seconds(60))
        world.observe(.condition(World.first, .ready))
        world.run(for: .seconds(30))
        #expect(world.verdict(World.first) == .down)
        #expect(world.judged.count { $0.verdict == .down } == 1)
    }

    @Test func takesNoOutcomeTwiceAndNoneOfAnotherQuestion() {
        var liveness = PacedLiveness(every: Self.interval, seed: "", now: Instant(nanoseconds: 0))
        let now = Instant(nanoseconds: 10_000_000_000)
        #expect(liveness.advance(to: now, mayAsk: true) == 1)
        liveness.answered(1, at: now)
        let later = now + Self.interval * 2
        #expect(liveness.advance(to: later, mayAsk: true) == 2)
        liveness.failed(1, .refused, at: later)
        liveness.failed(2, .refused, at: later)
        liveness.failed(2, .refused, at: later)
        liveness.answered(2, at: later)
        #expect(liveness.state == .answering(now))
    }

    @Test func oneThatNeverServedIsGivenUpAtOnce() {
        var liveness = PacedLiveness(every: Self.interval, seed: "", now: Instant(nanoseconds: 0))
        let now = Instant(nanoseconds: 10_000_000_000)
        #expect(liveness.advance(to: now, mayAsk: true) == 1)
        liveness.failed(1, .refused, at: now)
        #expect(liveness.state == .failing(.refused))
    }

    /// However seldom it is asked, and though all are needed.
    @Test(arguments: [15, 3_600])
    func nothingWaitsLongForATargetOfWhichNothingIsTold(seconds: Int) {
        let server = SocketEndpoint(address: .v4(IPv4Address(bits: 0x0a14_0004)), port: 443)
        let tls = Target.tls(server, name: .root, every: .seconds(seconds))
        var world = World(World.policy(targets: [World.target, tls], need: .all)) { _, target, _ in
            target == tls ? nil : .milliseconds(20)
        }
        world.observe(.handshakes(true))
        world.run(for: .seconds(8))
        #expect(world.core.decision(of: World.site)?.outcome.path == World.first)
    }
}
