// SPDX-License-Identifier: Apache-2.0
// Fuzzes what the far end of a path, or whoever passes for it, can send to a BFD session.

import NetworkTypes
import PathHealth

@testable import Tunnel

/// The input is cut into packets and what is left of them, for a session without a key and for one with it. Of each other
/// packet to the latter the digest is made right, or nothing would come behind it.
@c(LLVMFuzzerTestOneInput)
public func fuzzBFD(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    fuzz(input, every: 24, key: nil)
    for algorithm in BFDKey.Algorithm.allCases {
        fuzz(input, every: 52, key: BFDKey(algorithm, id: 1, secret: [1, 2, 3]))
    }
    return 0
}

/// Time goes by between the packets.
private func fuzz(_ input: [UInt8], every size: Int, key: BFDKey?) {
    var now = Instant(nanoseconds: 1 << 40)
    var session = BFDSession(
        peer: .v4(IPv4Address(bits: 0x0a63_0001)),
        BFDSession.Parameters(interval: .milliseconds(300), multiplier: 3, key: key),
        discriminator: 1,
        seed: 1,
        at: now
    )
    for start in stride(from: 0, to: input.count, by: size) {
        guard var packet = try? BFDPacket(input[start...]) else { continue }
        let again = try? BFDPacket(packet.octets[...])
        precondition(again == packet, "what was understood is written as it was")
        if let key, start / size % 2 == 0 {
            var sender = BFDAuthentication(key, firstSequence: UInt32(start / size))
            sender.sign(&packet)
        }
        check(session.receive(packet, at: now), of: session)
        now = now + .milliseconds(100)
        // One thing a turn and no more: a deadline that stays in the past would keep the agent from all else.
        for _ in 0..<3 { check(session.advance(to: now), of: session) }
        precondition(session.nextDeadline.map { $0 > now } ?? true)
    }
}

private func check(_ action: BFDSession.Action, of session: borrowing BFDSession) {
    guard case .send(let packet) = action else { return }
    precondition(!(packet.poll && packet.final))
    precondition(packet.state == session.state && packet.myDiscriminator == 1)
    precondition((packet.authentication != nil) == (session.parameters.key != nil))
    let again = try? BFDPacket(packet.octets[...])
    precondition(again == packet)
}
