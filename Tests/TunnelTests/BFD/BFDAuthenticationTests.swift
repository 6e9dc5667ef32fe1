// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import Testing

@testable import Tunnel

/// Sessions that sign their packets (RFC 5880 section 6.7.4), and who has not the key.
struct BFDAuthenticationTests {
    private static func key(
        _ algorithm: BFDKey.Algorithm = .meticulousKeyedSHA1,
        id: UInt8 = 7,
        secret: String = "open sesame"
    ) throws -> BFDKey {
        try #require(BFDKey(algorithm, id: id, secret: Array(secret.utf8)))
    }

    private static func parameters(_ key: BFDKey?) -> BFDSession.Parameters {
        BFDSession.Parameters(interval: .milliseconds(300), multiplier: 3, key: key)
    }

    private static func wire(_ near: BFDKey?, _ far: BFDKey?) -> BFDWire {
        BFDWire(near: parameters(near), far: parameters(far))
    }

    private static func plainPacket() -> BFDPacket {
        var packet = BFDPacket()
        packet.state = .up
        (packet.myDiscriminator, packet.yourDiscriminator) = (0x11, 0x22)
        (packet.desiredMinTxInterval, packet.requiredMinRxInterval) = (300_000, 300_000)
        return packet
    }

    private static func signed(sequence: UInt32, _ key: BFDKey) -> BFDPacket {
        var (packet, sender) = (plainPacket(), BFDAuthentication(key, firstSequence: sequence))
        sender.sign(&packet)
        return packet
    }

    private static func refusal(_ receiver: inout BFDAuthentication, _ packet: BFDPacket) -> BFDRefusal? {
        do throws(BFDRefusal) {
            try receiver.admit(packet)
            return nil
        } catch {
            return error
        }
    }

    @Test func signsAsTheRFCSays() throws {
        let head: [UInt8] = [
            0x20, 0xc4, 0x03, 52,  // version 1; Up, authentication; Detect Mult; Length
            0x00, 0x00, 0x00, 0x11, 0x00, 0x00, 0x00, 0x22,  // the discriminators
            0x00, 0x04, 0x93, 0xe0, 0x00, 0x04, 0x93, 0xe0, 0x00, 0x00, 0x00, 0x00,  // the intervals
            0x05, 28, 0x07, 0x00,  // Meticulous Keyed SHA1, Auth Len, Auth Key ID, reserved
            0x01, 0x02, 0x03, 0x04,  // Sequence Number
        ]
        // Of the above and the key, filled up with zeros to 20 octets; by Python's hashlib.
        let digest: [UInt8] = [
            0xa9, 0xb4, 0x72, 0x78, 0x58, 0xbe, 0xa9, 0x83, 0x86, 0xed,
            0x3f, 0x12, 0x1e, 0xb9, 0xed, 0xc8, 0x36, 0x70, 0x42, 0x62,
        ]
        let packet = Self.signed(sequence: 0x0102_0304, try Self.key())
        #expect(packet.octets == head + digest)
        var receiver = BFDAuthentication(try Self.key(), firstSequence: 0)
        try receiver.admit(BFDPacket((head + digest)[...]))
        #expect(receiver.lastReceived == 0x0102_0304)
    }

    @Test(arguments: BFDKey.Algorithm.allCases, [1, 20])
    func comesUpAndStaysUp(algorithm: BFDKey.Algorithm, size: Int) throws {
        let key = try Self.key(algorithm, secret: String(repeating: "k", count: size))
        let wire = Self.wire(key, key)
        wire.run(for: .seconds(60))
        #expect(wire.near.state == .up && wire.far.state == .up && wire.near.downs == 0)
        #expect(wire.refused == [])
        #expect(wire.sent.allSatisfy { $0.packet.authentication != nil })
    }

    @Test func doesNotComeUpWithAnotherKey() throws {
        let key = try Self.key()
        let others: [(BFDKey?, near: BFDRefusal, far: BFDRefusal)] = [
            (try Self.key(secret: "open sesamE"), .digest, .digest),
            (try Self.key(id: 8), .keyID, .keyID),
            (try Self.key(.keyedSHA1), .authenticationType, .authenticationType),
            (nil, .unauthenticated, .authentication),
        ]
        for (other, near, far) in others {
            let wire = Self.wire(key, other)
            wire.run(for: .seconds(10))
            #expect(wire.near.state == .down && wire.far.state == .down && wire.near.status == .silent)
            #expect(Set(wire.refused) == [near, far])
        }
    }

    /// In front of a window of three times Detect Mult, around the end of the numbers as well.
    @Test(arguments: [0, 1_000, UInt32.max - 4, .max])
    func takesWhatIsDue(last: UInt32) throws {
        for algorithm in BFDKey.Algorithm.allCases {
            let key = try Self.key(algorithm)
            for (ahead, isDue) in [(-1, false), (0, algorithm == .keyedSHA1), (1, true), (9, true), (10, false)] {
                var receiver = BFDAuthentication(key, firstSequence: 0)
                try receiver.admit(Self.signed(sequence: last, key))
                let next = last &+ UInt32(bitPattern: Int32(ahead))
                #expect(Self.refusal(&receiver, Self.signed(sequence: next, key)) == (isDue ? nil : .sequence))
                #expect(receiver.lastReceived == (isDue ? next : last))
            }
        }
    }

    @Test func refusesASectionThatIsNotAsItShouldBe() throws {
        let key = try Self.key()
        var receiver = BFDAuthentication(key, firstSequence: 0)
        let good = Self.signed(sequence: 5, key)
        var short = good
        short.authentication?.data.removeLast()
        #expect(Self.refusal(&receiver, short) == .authenticationLength)
        #expect(Self.refusal(&receiver, Self.plainPacket()) == .unauthenticated)
        for (place, refusal) in [(0, BFDRefusal.keyID), (1, .digest), (5, .digest), (6, .digest), (25, .digest)] {
            var forged = good
            forged.authentication?.data[place] ^= 1
            #expect(Self.refusal(&receiver, forged) == refusal)
        }
        var changed = good
        changed.state = .adminDown
        #expect(Self.refusal(&receiver, changed) == .digest)
        #expect(receiver.lastReceived == nil, "who has not the key does not move the window")
        #expect(Self.refusal(&receiver, good) == nil)
    }

    @Test(arguments: BFDKey.Algorithm.allCases)
    func aReplayTakesNothingDown(algorithm: BFDKey.Algorithm) throws {
        let key = try Self.key(algorithm)
        let wire = Self.wire(key, key)
        wire.run(for: .seconds(5))
        wire.take(wire.far.setAdminDown(true, at: wire.now), from: .far)
        wire.run(for: .seconds(2))
        wire.take(wire.far.setAdminDown(false, at: wire.now), from: .far)
        wire.run(for: .seconds(30))
        #expect(wire.near.state == .up && wire.refused == [])
        let recorded = wire.sent.filter { $0.from == .far }.dropLast()
        #expect(Set(recorded.map(\.packet.state)) == Set(BFDState.allCases))
        let (before, deadline) = (wire.near.since, wire.near.nextDeadline)
        for sent in recorded { wire.inject(sent.packet.octets, to: .near) }
        #expect(wire.refused == Array(repeating: .sequence, count: recorded.count))
        #expect(wire.near.status == .up && wire.near.since == before && wire.near.nextDeadline == deadline)
    }

    @Test func whatIsForgedTakesNothingDown() throws {
        let key = try Self.key()
        let wire = Self.wire(key, key)
        wire.run(for: .seconds(5))
        var forged = try #require(wire.sent.last { $0.from == .far }).packet
        (forged.state, forged.diagnostic, forged.authentication) = (.adminDown, .administrativelyDown, nil)
        wire.inject(forged.octets, to: .near)
        var stranger = BFDAuthentication(
            try Self.key(secret: "guess"),
            firstSequence: (wire.sequence(of: .far) ?? 0) &+ 1
        )
        stranger.sign(&forged)
        wire.inject(forged.octets, to: .near)
        #expect(wire.refused == [.unauthenticated, .digest])
        wire.run(for: .seconds(5))
        #expect(wire.near.status == .up && wire.near.downs == 0)
    }

    /// Its numbers begin anywhere: they count once nothing was taken for twice the detection time.
    @Test func aFarEndThatBeginsAnewIsTakenAfterAWhile() throws {
        let key = try Self.key()
        let wire = Self.wire(key, key)
        wire.run(for: .seconds(5))
        wire.far = BFDSession(
            peer: BFDWire.nearAddress,
            Self.parameters(key),
            discriminator: 0x44,
            seed: 99,
            at: wire.now
        )
        wire.run(for: .milliseconds(1_500))
        #expect(wire.near.state == .down)
        #expect(wire.refused.contains(.sequence))
        wire.run(for: .seconds(5))
        #expect(wire.near.state == .up && wire.far.state == .up)
    }

    @Test func takesAnotherKeyWithoutGoingDown() throws {
        let old = try Self.key()
        let new = try Self.key(id: 8, secret: "another")
        let wire = Self.wire(old, old)
        wire.run(for: .seconds(5))
        wire.near.change(to: Self.parameters(new))
        wire.run(for: .milliseconds(500))
        wire.far.change(to: Self.parameters(new))
        wire.run(for: .seconds(10))
        #expect(wire.near.downs == 0 && wire.far.downs == 0 && wire.near.state == .up)
        #expect(Set(wire.refused) == [.keyID])
        let recorded = wire.sent.filter { $0.from == .far && $0.packet.authentication?.data.first == 8 }.dropLast()
        wire.near.change(to: Self.parameters(old))
        wire.near.change(to: Self.parameters(new))
        let before = wire.refused.count
        for sent in recorded { wire.inject(sent.packet.octets, to: .near) }
        #expect(wire.refused.dropFirst(before).allSatisfy { $0 == .sequence }, "numbers go on whatever the key")
    }

    @Test func showsNoSecret() throws {
        let session = Self.wire(try Self.key(), nil).near.parameters
        var dumped = ""
        dump(session, to: &dumped)
        for text in ["\(session)", String(reflecting: session), dumped] {
            #expect(!text.contains("111, 112") && !text.contains("open"))
        }
        #expect(try Self.key().description == "meticulous-keyed-sha1, key 7")
    }
}

extension BFDWire {
    /// The sequence number that an end signed last.
    fileprivate func sequence(of end: End) -> UInt32? {
        sent.last { $0.from == end }?.packet.authentication.map { UInt32(networkOrder: $0.data[2...]) }
    }
}
