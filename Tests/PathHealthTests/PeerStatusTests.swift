// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import PathHealth

struct PeerStatusTests {
    private static func status(_ heard: Int64?, _ handshake: Int64?, at seconds: Int64) -> PeerStatus {
        func instant(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }
        return PeerStatus(
            since: instant(100),
            heard: heard.map(instant),
            handshake: handshake.map(instant),
            now: instant(seconds)
        )
    }

    /// Seconds: something was received last, a handshake was done last, and it is now; the targets fell silent at 100.
    @Test(
        arguments: [
            (99, 50, 101, .unknown), (99, 50, 111, .unknown), (99, 50, 112, .silent), (nil, nil, 112, .silent),
            (101, 50, 101, .heard), (101, 50, 131, .heard), (101, 50, 132, .silent), (101, 101, 101, .shakesHands),
            (99, 101, 101, .shakesHands), (101, 101, 281, .shakesHands), (101, 101, 282, .silent),
            (100, 100, 111, .unknown),
        ] as [(Int64?, Int64?, Int64, PeerStatus)]
    )
    func saysWhatHappenedSinceTheTargetsFellSilent(heard: Int64?, handshake: Int64?, now: Int64, status: PeerStatus) {
        #expect(Self.status(heard, handshake, at: now) == status)
    }

    @Test(arguments: [
        (PeerStatus.silent, Reason.peerSilent), (.heard, .peerHeard), (.shakesHands, .peerAnswers),
    ])
    func saysOfSilentTargetsWhereTheFaultIs(status: PeerStatus, reason: Reason) throws {
        var world = World { path, _, _ in path == World.first ? nil : .milliseconds(20) }
        func reasons(_ path: PathName) -> [Reason]? { world.core.report[0].paths.first { $0.path == path }?.reasons }
        #expect(world.core.silence(of: World.first) == nil)
        world.run(for: .seconds(5))
        #expect(world.verdict(World.first) == .down)
        #expect(world.core.silence(of: World.first) != nil && world.core.silence(of: World.second) == nil)
        let before = try #require(reasons(World.first))
        world.observe(.peer(World.first, status))
        world.observe(.peer(World.second, status))
        #expect(reasons(World.first) == [reason] + before)
        #expect(reasons(World.second) == [])
        world.observe(.peer(World.first, .unknown))
        #expect(reasons(World.first) == before)
    }

    @Test func whereOneTargetAnswersThePathCarries() throws {
        let dead = Target.icmp(.v4(IPv4Address(bits: 7)))
        var world = World(World.policy(targets: [World.target, dead], need: .all)) { _, target, _ in
            target == dead ? nil : .milliseconds(20)
        }
        world.run(for: .seconds(5))
        #expect(world.verdict(World.first) == .down)
        #expect(world.core.silence(of: World.first) == nil)
        world.observe(.peer(World.first, .silent))
        #expect(try #require(world.reasons(World.first)).allSatisfy { $0.contains("\(dead)") })
    }
}
