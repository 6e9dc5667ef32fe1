// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import Testing

@testable import Tunnel

struct BFDSessionTests {
    private func pace(_ milliseconds: Int, _ multiplier: UInt8 = 3) -> BFDSession.Parameters {
        BFDSession.Parameters(interval: .milliseconds(milliseconds), multiplier: multiplier)
    }

    @Test func comesUpSlowlyAndThenKeepsThePace() {
        let wire = BFDWire()
        wire.run(for: .milliseconds(900))
        #expect(wire.near.state == .up && wire.far.state == .up, "both begin at once, and each change of state is told")
        #expect(wire.near.status == .up)
        #expect(wire.near.detectionTime == .milliseconds(900))
        #expect(wire.near.transmitInterval == .milliseconds(300))
        wire.run(for: .seconds(2))
        let settled = wire.now
        wire.run(for: .seconds(60))
        let gaps = wire.gaps(of: .near, since: settled)
        #expect(gaps.allSatisfy { (225...300).contains($0) })
        #expect((gaps.min() ?? 0) < 240 && (gaps.max() ?? 0) > 285, "jitter over the whole range")
        let polls = wire.sent.filter { $0.packet.poll && $0.at > settled }
        #expect(polls.isEmpty, "every Poll Sequence has ended")
        #expect(wire.near.ups == 1 && wire.near.downs == 0)
        #expect(wire.refused == [])
    }

    @Test func sendsOnceASecondWhileNobodyIsHeard() {
        let wire = BFDWire()
        wire.fates[.far]?.isCut = true
        let start = wire.now
        wire.run(for: .seconds(30))
        #expect(wire.near.state == .down)
        #expect(wire.near.status == .silent, "what was never up says nothing")
        #expect(wire.gaps(of: .near, since: start).allSatisfy { (750...1_000).contains($0) })
        #expect(wire.far.state == .`init`, "it hears, and is not heard")
        #expect(wire.far.status == .silent)
    }

    /// RFC 5880 section 6.8.7: with a multiplier of 1 at most 90 % of the interval.
    @Test func leavesRoomWhereOneLostPacketIsTheEnd() {
        let wire = BFDWire(near: pace(100, 1), far: pace(100, 1))
        wire.run(for: .seconds(3))
        let settled = wire.now
        wire.run(for: .seconds(60))
        #expect(wire.gaps(of: .near, since: settled).allSatisfy { (75...90).contains($0) })
        #expect(wire.near.downs == 0)
    }

    @Test func theSlowerEndDecides() {
        let wire = BFDWire(near: pace(50, 5), far: pace(400, 2))
        wire.run(for: .seconds(3))
        #expect(wire.near.transmitInterval == .milliseconds(400))
        #expect(wire.far.transmitInterval == .milliseconds(400))
        #expect(wire.near.detectionTime == .milliseconds(800), "the far end's multiplier")
        #expect(wire.far.detectionTime == .milliseconds(2_000))
    }

    @Test func noticesACut() {
        for seed in 1...200 {
            let wire = BFDWire(seed: UInt64(seed))
            wire.run(for: .seconds(5) + .milliseconds(seed * 7))
            let cut = wire.now
            wire.fates = [.near: .init(isCut: true), .far: .init(isCut: true)]
            wire.run(for: .milliseconds(594))
            #expect(wire.near.state == .up, "two lost packets are no end")
            wire.run(for: .milliseconds(312))
            #expect(wire.near.state == .down && wire.far.state == .down)
            #expect(wire.near.since - cut <= .milliseconds(905))
            #expect(wire.near.diagnostic == .controlDetectionTimeExpired)
            let text = "BFD with 10.99.0.1: no packet for 900ms (control detection time expired)"
            guard case .lost(let loss) = wire.near.status else { Issue.record("not lost"); continue }
            #expect(loss.description == text)
            wire.fates = [.near: .init(), .far: .init()]
            wire.run(for: .seconds(3))
            #expect(wire.near.status == .up && wire.far.status == .up)
            #expect(wire.near.ups == 2 && wire.near.downs == 1)
        }
    }

    @Test func oneWayLossIsToldByTheOtherEnd() {
        let wire = BFDWire()
        wire.run(for: .seconds(5))
        wire.fates[.near]?.isCut = true
        wire.run(for: .milliseconds(920))
        #expect(wire.far.diagnostic == .controlDetectionTimeExpired)
        #expect(wire.near.state == .down)
        #expect(wire.near.diagnostic == .neighborSignaledSessionDown)
        #expect(wire.near.remoteDiagnostic == .controlDetectionTimeExpired)
        guard case .lost(let loss) = wire.near.status else {
            Issue.record("not lost")
            return
        }
        #expect(
            loss.description == "BFD with 10.99.0.1: its session went down (neighbor signaled session down, "
                + "for it: control detection time expired)"
        )
        wire.run(for: .seconds(10))
        #expect(wire.near.state == .`init` && wire.far.state == .down)
        #expect(wire.near.status == .lost(loss), "until it is up again")
    }

    @Test func takenOutByHandAtTheFarEndIsNoFailure() {
        let wire = BFDWire()
        wire.run(for: .seconds(5))
        wire.take(wire.far.setAdminDown(true, at: wire.now), from: .far)
        wire.run(for: .milliseconds(10))
        #expect(wire.near.state == .down && wire.near.remoteState == .adminDown)
        #expect(wire.near.remoteDiagnostic == .administrativelyDown)
        #expect(wire.near.status == .drainedByFarEnd(BFDWire.farAddress))
        #expect(wire.far.status == .silent)
        wire.run(for: .seconds(30))
        #expect(wire.near.status == .drainedByFarEnd(BFDWire.farAddress))
        wire.take(wire.far.setAdminDown(false, at: wire.now), from: .far)
        wire.run(for: .milliseconds(1_100))
        #expect(wire.near.status == .up && wire.far.status == .up)
    }

    @Test func takenOutByHandAtOurEndSaysNothing() {
        let wire = BFDWire()
        wire.run(for: .seconds(5))
        wire.take(wire.near.setAdminDown(true, at: wire.now), from: .near)
        #expect(wire.near.state == .adminDown && wire.near.diagnostic == .administrativelyDown)
        #expect(wire.near.setAdminDown(true, at: wire.now) == .none)
        wire.run(for: .seconds(5))
        #expect(wire.near.status == .silent)
        #expect(wire.near.state == .adminDown, "whatever the far end sends")
        wire.take(wire.near.setAdminDown(false, at: wire.now), from: .near)
        wire.run(for: .milliseconds(2_200))
        #expect(wire.near.status == .up)
    }

    /// A far end that is out by hand since before we began.
    @Test func aFarEndThatWasOutByHandFromTheStartIsDrained() {
        let wire = BFDWire()
        wire.take(wire.far.setAdminDown(true, at: wire.now), from: .far)
        wire.run(for: .seconds(3))
        #expect(wire.near.status == .drainedByFarEnd(BFDWire.farAddress))
    }

    /// RFC 5880 section 6.8.3: slower only after the far end has said that it knows.
    @Test func slowsDownAfterAPollSequence() throws {
        let wire = BFDWire(near: pace(100), far: pace(100))
        wire.run(for: .seconds(3))
        wire.fates[.far] = BFDWire.Fate(loss: 0, delay: 150...150)
        wire.near.change(to: pace(500))
        let changed = wire.now
        #expect(wire.near.transmitInterval == .milliseconds(100), "not yet")
        #expect(wire.near.detectionTime == .milliseconds(1_500), "more patience harms nobody")
        wire.run(for: .milliseconds(140))
        #expect(wire.near.transmitInterval == .milliseconds(100))
        wire.run(for: .seconds(2))
        let packets = wire.sent.filter { $0.at >= changed }
        let poll = try #require(packets.first { $0.from == .near && $0.packet.poll })
        let final = try #require(packets.first { $0.from == .far && $0.packet.final })
        #expect(poll.at < final.at)
        #expect(!packets.contains { $0.packet.poll && $0.packet.final })
        #expect(poll.packet.desiredMinTxInterval == 500_000)
        #expect(wire.near.transmitInterval == .milliseconds(500) && wire.far.transmitInterval == .milliseconds(500))
        #expect(wire.far.detectionTime == .milliseconds(1_500))
        #expect(wire.near.downs == 0 && wire.far.downs == 0)
        wire.run(for: .seconds(2))
        let settled = wire.now
        wire.run(for: .seconds(10))
        #expect(!wire.sent.contains { $0.at > settled && $0.packet.poll })
    }

    @Test func hurriesAtOnceAndExpectsItOnlyAfterAPollSequence() {
        let wire = BFDWire(near: pace(1_000), far: pace(50))
        wire.run(for: .seconds(5))
        wire.fates[.far] = BFDWire.Fate(loss: 0, delay: 100...100)
        wire.near.change(to: pace(50))
        #expect(wire.near.detectionTime == .milliseconds(3_000), "the far end does not know yet")
        wire.run(for: .seconds(2))
        #expect(wire.near.detectionTime == .milliseconds(150))
        #expect(wire.far.transmitInterval == .milliseconds(50))
        #expect(wire.near.downs == 0 && wire.far.downs == 0)
    }

    @Test func aSecondChangeDuringAPollSequenceGetsItsOwn() {
        let wire = BFDWire(near: pace(100), far: pace(100))
        wire.run(for: .seconds(3))
        wire.fates[.far] = BFDWire.Fate(loss: 0, delay: 80...80)
        wire.near.change(to: pace(400))
        wire.run(for: .milliseconds(20))
        wire.near.change(to: pace(800))
        wire.run(for: .seconds(10))
        #expect(wire.near.transmitInterval == .milliseconds(800))
        #expect(wire.near.downs == 0 && wire.far.downs == 0)
    }

    @Test func aFarEndThatWantsNoPacketsGetsNone() {
        let wire = BFDWire()
        var packet = BFDPacket()
        packet.myDiscriminator = 0x22
        packet.desiredMinTxInterval = 1_000_000
        packet.requiredMinRxInterval = 0
        _ = wire.near.receive(packet, at: wire.now)
        #expect(wire.near.transmitInterval == nil)
        packet.poll = true
        guard case .send(let answer) = wire.near.receive(packet, at: wire.now) else {
            Issue.record("a poll is answered all the same")
            return
        }
        #expect(answer.final && !answer.poll)
    }

    @Test func aFarEndInDemandModeGetsAnswersOnly() throws {
        let wire = BFDWire()
        wire.run(for: .seconds(5))
        var packet = try #require(wire.sent.last { $0.from == .far }).packet
        packet.demand = true
        _ = wire.near.receive(packet, at: wire.now)
        #expect(wire.near.nextDeadline == wire.now + .milliseconds(900), "nothing to send, and still to be heard from")
        wire.near.change(to: pace(500))
        #expect(wire.near.nextDeadline.map { $0 <= wire.now + .milliseconds(300) } == true, "but a poll")
    }

    @Test func theLongestTimersDoNotOverflow() {
        let wire = BFDWire(near: pace(10_000, 255))
        var packet = BFDPacket()
        (packet.myDiscriminator, packet.detectMultiplier) = (0x22, 255)
        (packet.desiredMinTxInterval, packet.requiredMinRxInterval) = (.max, .max)
        _ = wire.near.receive(packet, at: wire.now)
        #expect(wire.near.detectionTime == .microseconds(Int64(UInt32.max) * 255))
        #expect(wire.near.transmitInterval == .microseconds(Int64(UInt32.max)))
        #expect(wire.near.nextDeadline.map { $0 > wire.now } == true)
    }
}
