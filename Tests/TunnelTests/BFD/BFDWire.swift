// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth

@testable import Tunnel

/// Two sessions and what lies between them, on a clock that moves as told.
final class BFDWire {
    enum End: Hashable {
        case near
        case far
    }

    /// What happens to packets on their way from one end.
    struct Fate {
        var isCut = false
        /// Of a hundred packets.
        var loss = 0
        /// Milliseconds; a wide range reorders.
        var delay: ClosedRange<Int> = 5...5
    }

    struct Sent {
        let at: Instant
        let from: End
        let packet: BFDPacket
    }

    static let nearAddress = IPAddress.v4(IPv4Address(bits: 0x0a63_0002))
    static let farAddress = IPAddress.v4(IPv4Address(bits: 0x0a63_0001))

    var near: BFDSession
    var far: BFDSession
    var fates: [End: Fate] = [.near: Fate(), .far: Fate()]
    private(set) var now = Instant(nanoseconds: 1_000_000_000_000)
    private(set) var sent: [Sent] = []
    private(set) var refused: [BFDRefusal] = []
    private var inFlight: [(at: Instant, to: End, octets: [UInt8])] = []
    private var generator: Seeded

    /// A small linear generator: the same seed gives the same run.
    struct Seeded: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ state >> 29
        }
    }

    init(
        near: BFDSession.Parameters = .init(interval: .milliseconds(300), multiplier: 3),
        far: BFDSession.Parameters = .init(interval: .milliseconds(300), multiplier: 3),
        seed: UInt64 = 1
    ) {
        generator = Seeded(state: seed)
        self.near = BFDSession(peer: Self.farAddress, near, discriminator: 0x11, seed: seed, at: now)
        self.far = BFDSession(peer: Self.nearAddress, far, discriminator: 0x22, seed: seed &+ 1, at: now)
    }

    /// Carries out what an end's session wants.
    func take(_ action: BFDSession.Action, from end: End) {
        switch action {
        case .none: break
        case .refused(let refusal): refused.append(refusal)
        case .send(let packet):
            sent.append(Sent(at: now, from: end, packet: packet))
            guard let fate = fates[end], !fate.isCut, Int.random(in: 0..<100, using: &generator) >= fate.loss else {
                return
            }
            let delay = Duration.milliseconds(Int.random(in: fate.delay, using: &generator))
            inFlight.append((now + delay, end == .near ? .far : .near, packet.octets))
        }
    }

    /// What a stranger, or the past, puts before an end.
    func inject(_ octets: [UInt8], to end: End) {
        do throws(BFDRefusal) {
            let packet = try BFDPacket(octets[...])
            let action = end == .near ? near.receive(packet, at: now) : far.receive(packet, at: now)
            take(action, from: end)
        } catch {
            refused.append(error)
        }
    }

    func run(for duration: Duration) {
        let end = now + duration
        while let next = [near.nextDeadline, far.nextDeadline, inFlight.map(\.at).min()].compactMap({ $0 }).min(),
            next <= end
        {
            now = max(now, next)
            let due = inFlight.filter { $0.at <= now }
            inFlight.removeAll { $0.at <= now }
            for (_, to, octets) in due { inject(octets, to: to) }
            take(near.advance(to: now), from: .near)
            take(far.advance(to: now), from: .far)
        }
        now = end
    }

    /// The times between an end's packets since an instant, in milliseconds.
    func gaps(of end: End, since start: Instant) -> [Int64] {
        let times = sent.filter { $0.from == end && $0.at >= start && !$0.packet.final }.map(\.at)
        return zip(times.dropFirst(), times).map { ($0 - $1).nanoseconds / 1_000_000 }
    }
}
