// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import PathHealth
import SystemIO
import Testing

@testable import Tunnel

/// A session and a reflector over real sockets, both on one loopback interface.
@Suite(.enabled(if: getuid() == 0, "network namespaces need root"))
struct STAMPSocketTests {
    private static func turn(_ loop: EventLoop, for limit: Duration, until isDone: () -> Bool = { false }) throws {
        let end = loop.now + limit
        while !isDone(), loop.now < end { try loop.turn(waiting: .milliseconds(10)) }
    }

    @Test(arguments: [["127.0.0.1", "127.0.0.2"], ["fd00::1", "fd00::2"]])
    func asksAndAnswers(addresses: [String]) throws {
        let near = try #require(IPAddress(addresses[0]))
        let far = try #require(IPAddress(addresses[1]))
        let lo = try #require(InterfaceName("lo"))
        try inFreshNamespace {
            for address in ["fd00::1/128", "fd00::2/128"] {
                try run("/sbin/ip", "address", "add", address, "dev", "lo", "nodad")
            }
            let loop = try EventLoop()
            let endpoint = SocketEndpoint(address: far, port: 862)
            let responder = STAMPResponder(
                STAMPResponder.Place(local: endpoint, allowed: [IPPrefix(host: near)]),
                on: loop,
                clock: SystemClock()
            )
            try responder.attach(to: lo)
            var told: [ReflectorStatus] = []
            let prober = STAMPProber(
                STAMPProber.Place(peer: endpoint, local: near),
                every: .milliseconds(20),
                on: loop,
                clock: SystemClock()
            ) { told.append($0) }
            try prober.attach(to: lo)
            try Self.turn(loop, for: .seconds(5)) { told == [.answering(OneWayLoss())] }
            #expect(told == [.answering(OneWayLoss())])
            #expect(prober.counts.refused == [:] && responder.counts.refused == [:])
            #expect(responder.counts.answered >= 40 && responder.sessionCount == 1)
            #expect(prober.inspect { $0.numbering } == .own)
            let trip = prober.inspect { $0.roundTrips.smoothed } ?? .zero
            #expect(trip > .zero && trip < .milliseconds(5))
            responder.detach()
            try Self.turn(loop, for: .seconds(5)) { told.last == .silent }
            #expect(told.last == .silent)
        }
    }

    /// What comes from elsewhere, is too short, or would go on for ever.
    @Test func answersNobodyElse() throws {
        let local = try #require(SocketEndpoint("127.0.0.1:862"))
        let friend = try #require(IPPrefix("127.0.0.2/32"))
        let lo = try #require(InterfaceName("lo"))
        try inFreshNamespace {
            let loop = try EventLoop()
            let responder = STAMPResponder(
                STAMPResponder.Place(local: local, allowed: [friend]),
                on: loop,
                clock: SystemClock()
            )
            try responder.attach(to: lo)
            for (source, size) in [
                ("127.0.0.3", 44), ("127.0.0.2:862", 44), ("127.0.0.2", 43), ("127.0.0.2", 9_001), ("127.0.0.2", 44),
            ] {
                let target = "UDP4-DATAGRAM:127.0.0.1:862,bind=\(source)"
                try run("/bin/sh", "-c", "head -c \(size) /dev/zero | socat -b 16384 -u - \(target)")
            }
            try Self.turn(loop, for: .milliseconds(200))
            #expect(responder.counts.refused == [.source: 2, .truncated: 1, .oversized: 1])
            #expect(responder.counts.answered == 1)
        }
    }
}
