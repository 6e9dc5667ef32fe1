// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import Testing

/// What a path's BFD session means for its networks.
struct SessionTests {
    static let peer = IPAddress.v4(IPv4Address(bits: 0x0a63_0001))
    static let loss = BFDLoss(
        peer: peer,
        diagnostic: .controlDetectionTimeExpired,
        remoteDiagnostic: .none,
        detectionTime: .milliseconds(900)
    )

    struct Case: Sendable {
        let status: BFDStatus
        let verdict: Verdict
        let reasons: [String]
        let path: PathName
    }

    static let cases = [
        Case(status: .silent, verdict: .up, reasons: [], path: World.first),
        Case(status: .up, verdict: .up, reasons: [], path: World.first),
        Case(
            status: .lost(loss),
            verdict: .down,
            reasons: ["BFD with 10.99.0.1: no packet for 900ms (control detection time expired)"],
            path: World.second
        ),
        Case(
            status: .drainedByFarEnd(peer),
            verdict: .degraded,
            reasons: ["BFD with 10.99.0.1: the far end took it out by hand (administratively down)"],
            path: World.second
        ),
    ]

    @Test(arguments: cases)
    func meansAtOnce(_ expected: Case) {
        var world = World()
        world.run(for: .seconds(5))
        world.observe(.session(World.first, expected.status))
        #expect(world.verdict(World.first) == expected.verdict)
        #expect(world.reasons(World.first) == expected.reasons)
        #expect(world.outcome.path == expected.path)
        #expect(world.verdict(World.second) == .up)
    }

    @Test func aPathWhoseSessionIsBackIsUpAtOnceSinceItWasProbedOn() {
        var world = World()
        world.run(for: .seconds(5))
        world.observe(.session(World.first, .lost(Self.loss)))
        world.run(for: .seconds(5))
        #expect(world.verdict(World.first) == .down)
        world.observe(.session(World.first, .up))
        #expect(world.verdict(World.first) == .up)
        #expect(world.outcome.path == World.second, "traffic returns after the hold")
        world.run(for: .seconds(61))
        #expect(world.outcome.path == World.first)
    }

    @Test func aSessionThatIsUpDoesNotHideWhatProbesAndInterfacesShow() throws {
        var world = World()
        world.observe(.session(World.first, .up))
        world.run(for: .seconds(5))
        world.answers = { path, _, _ in path == World.first ? nil : .milliseconds(20) }
        world.run(for: .seconds(2))
        #expect(world.verdict(World.first) == .down)
        let underlay = try #require(InterfaceName("eth0"))
        world.observe(.condition(World.first, .unusable(.underlayDown(underlay))))
        world.observe(.session(World.first, .lost(Self.loss)))
        #expect(
            world.reasons(World.first) == ["underlay eth0 is down or has no carrier"],
            "what the kernel says is nearer"
        )
    }

    @Test func drainedByHandGoesBeforeDrainedByTheFarEnd() {
        var world = World()
        world.run(for: .seconds(5))
        world.observe(.session(World.first, .drainedByFarEnd(Self.peer)))
        world.observe(.drained(World.first, .keyRotation))
        #expect(world.reasons(World.first) == ["its private key is being rotated"])
        world.observe(.drained(World.first, nil))
        #expect(world.verdict(World.first) == .degraded)
    }

    /// AdminDown is no failure (RFC 5882 section 3.2).
    @Test func theOnlyPathCarriesOnWhereTheFarEndTakesItOut() {
        var world = World()
        world.run(for: .seconds(5))
        world.answers = { path, _, _ in path == World.second ? nil : .milliseconds(20) }
        world.run(for: .seconds(5))
        world.observe(.session(World.first, .drainedByFarEnd(Self.peer)))
        #expect(world.outcome == .active(World.first, standby: nil))
        world.answers = { _, _, _ in .milliseconds(20) }
        world.run(for: .seconds(5))
        #expect(world.outcome == .active(World.second, standby: World.first))
    }

    @Test func itHoldsForAllNetworksOfThePath() throws {
        var other = World.policy()
        other.network = try #require(NetworkName("aws"))
        var world = World(beside: [other])
        world.run(for: .seconds(5))
        world.observe(.session(World.first, .lost(Self.loss)))
        #expect(world.core.report.map(\.decision.outcome.path) == [World.second, World.second])
    }
}
