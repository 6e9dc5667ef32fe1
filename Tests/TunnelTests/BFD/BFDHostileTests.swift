// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import Testing

@testable import Tunnel

/// What the network does to a session, and what strangers try.
struct BFDHostileTests {
    /// All of a session that a packet could move.
    private struct Picture: Equatable {
        var states: [BFDState]
        var diagnostics: [BFDDiagnostic]
        var remoteDiscriminator: UInt32
        var times: [Duration?]
        var deadline: Instant?
        var counts: [UInt64]
    }

    private func picture(_ session: borrowing BFDSession) -> Picture {
        Picture(
            states: [session.state, session.remoteState],
            diagnostics: [session.diagnostic, session.remoteDiagnostic],
            remoteDiscriminator: session.remoteDiscriminator,
            times: [session.detectionTime, session.transmitInterval],
            deadline: session.nextDeadline,
            counts: [session.ups, session.downs]
        )
    }

    @Test(arguments: 1...100 as ClosedRange<UInt64>)
    func livesThroughABadChannelAndComesBackAfterAWorseOne(seed: UInt64) {
        let wire = BFDWire(seed: seed)
        wire.run(for: .seconds(3))
        let bad = BFDWire.Fate(loss: 10, delay: 1...120)
        wire.fates = [.near: bad, .far: bad]
        wire.run(for: .seconds(20))
        #expect(wire.near.downs <= 3, "three in a row of ten in a hundred are rare")
        let worse = BFDWire.Fate(loss: 70, delay: 1...900)
        wire.fates = [.near: worse, .far: worse]
        wire.run(for: .seconds(60))
        #expect(wire.near.downs > 0)
        wire.fates = [.near: .init(), .far: .init()]
        wire.run(for: .seconds(5))
        #expect(wire.near.state == .up && wire.far.state == .up)
        #expect(wire.near.transmitInterval == .milliseconds(300))
        wire.fates = [.near: .init(isCut: true), .far: .init(isCut: true)]
        wire.run(for: .seconds(1))
        #expect(wire.near.state == .down && wire.far.state == .down)
    }

    @Test func whatIsRefusedMovesNothing() throws {
        let wire = BFDWire()
        wire.run(for: .seconds(5))
        let packet = try #require(wire.sent.last { $0.from == .far }).packet
        var forged: [(BFDPacket, BFDRefusal)] = []
        func forge(_ refusal: BFDRefusal, _ change: (inout BFDPacket) -> Void) {
            var copy = packet
            change(&copy)
            forged.append((copy, refusal))
        }
        for state in BFDState.allCases {
            forge(.yourDiscriminator) { ($0.yourDiscriminator, $0.state) = (0x1234_5678, state) }
            forge(.yourDiscriminator) { ($0.yourDiscriminator, $0.state, $0.final) = (0x22, state, true) }
            forge(.authentication) { ($0.authentication, $0.state) = (.init(type: 5, data: Array(1...26)), state) }
        }
        forge(.state) { ($0.yourDiscriminator, $0.state) = (0, .up) }
        forge(.state) { ($0.yourDiscriminator, $0.state) = (0, .`init`) }
        let before = picture(wire.near)
        for (packet, refusal) in forged {
            #expect(wire.near.receive(packet, at: wire.now + .milliseconds(1)) == .refused(refusal))
            #expect(picture(wire.near) == before)
        }
        for count in 0..<24 { wire.inject(Array(packet.octets.prefix(count)), to: .near) }
        wire.inject(packet.octets.enumerated().map { $0 == 3 ? 60 : $1 }, to: .near)
        #expect(picture(wire.near) == before)
        #expect(wire.refused.count == 25)
    }

    /// But for the very first ones, which name no session, as those of a far end that begins anew.
    @Test func packetsOfAnEarlierSessionMoveNothing() {
        let earlier = BFDWire()
        earlier.run(for: .seconds(5))
        earlier.fates[.far]?.isCut = true
        earlier.run(for: .seconds(5))
        let wire = BFDWire()
        wire.near = BFDSession(
            peer: BFDWire.farAddress,
            .init(interval: .milliseconds(300), multiplier: 3),
            discriminator: 0x33,
            seed: 7,
            at: wire.now
        )
        wire.run(for: .seconds(5))
        let before = picture(wire.near)
        let replayed = earlier.sent.filter { $0.from == .far && $0.packet.yourDiscriminator != 0 }
        #expect(Set(replayed.map(\.packet.state)) == [.down, .`init`, .up])
        for sent in replayed { wire.inject(sent.packet.octets, to: .near) }
        #expect(picture(wire.near) == before)
        #expect(wire.refused == Array(repeating: .yourDiscriminator, count: replayed.count))
    }

    @Test func noOctetsBringASessionOutOfItsRules() throws {
        var generator = BFDWire.Seeded(state: 42)
        let wire = BFDWire()
        wire.run(for: .seconds(5))
        let real = try #require(wire.sent.last { $0.from == .far }).packet.octets
        for round in 0..<20_000 {
            var octets = real
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let place = Int.random(in: 0..<octets.count, using: &generator)
                octets[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            }
            let (before, refused) = (picture(wire.near), wire.refused.count)
            wire.inject(octets, to: .near)
            if wire.refused.count > refused { #expect(picture(wire.near) == before) }
            // Time goes on whatever was taken in: no deadline stays in the past.
            if round % 100 == 0 { wire.run(for: .milliseconds(50)) }
        }
        #expect(wire.refused.count > 1_000)
        wire.run(for: .seconds(10))
    }
}
