// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import PathHealth
import SystemIO
import Testing

@testable import Tunnel

/// Sessions over real sockets, both ends on one loopback interface.
@Suite(.enabled(if: getuid() == 0, "network namespaces need root"))
struct BFDEndpointTests {
    private static func endpoint(
        _ local: IPAddress,
        _ peer: IPAddress,
        multihopTTL: Int? = nil,
        _ loop: EventLoop,
        _ told: @escaping (BFDStatus) -> Void = { _ in }
    ) -> BFDEndpoint {
        BFDEndpoint(
            BFDEndpoint.Place(peer: peer, local: local, multihopTTL: multihopTTL),
            BFDSession.Parameters(interval: .milliseconds(50), multiplier: 3),
            discriminator: .random(in: 1 ... .max),
            on: loop,
            onChange: told
        )
    }

    private static func turn(_ loop: EventLoop, for limit: Duration, until isDone: () -> Bool = { false }) throws {
        let end = loop.now + limit
        while !isDone(), loop.now < end { try loop.turn(waiting: .milliseconds(10)) }
    }

    @Test(arguments: [["127.0.0.1", "127.0.0.2"], ["fd00::1", "fd00::2"]], [nil, 255])
    func comesUpAndTellsOfItsEnd(addresses: [String], multihopTTL: Int?) throws {
        let near = try #require(IPAddress(addresses[0]))
        let far = try #require(IPAddress(addresses[1]))
        let lo = try #require(InterfaceName("lo"))
        try inFreshNamespace {
            for address in ["fd00::1/128", "fd00::2/128"] {
                try run("/sbin/ip", "address", "add", address, "dev", "lo", "nodad")
            }
            let loop = try EventLoop()
            var told: [BFDStatus] = []
            let ours = Self.endpoint(near, far, multihopTTL: multihopTTL, loop) { told.append($0) }
            let theirs = Self.endpoint(far, near, multihopTTL: multihopTTL, loop)
            try ours.attach(to: lo)
            try theirs.attach(to: lo)
            try Self.turn(loop, for: .seconds(5)) { told == [.up] && theirs.inspect { $0.state == .up } }
            #expect(told == [.up])
            try Self.turn(loop, for: .milliseconds(500))
            #expect(ours.inspect { $0.detectionTime } == .milliseconds(150))
            #expect(ours.counts.refused == [:] && ours.counts.received > 5)
            theirs.detach()
            try Self.turn(loop, for: .seconds(2)) { told.count == 2 }
            guard case .lost(let loss) = told.last else {
                Issue.record("not lost: \(told)")
                return
            }
            #expect(loss.diagnostic == .controlDetectionTimeExpired)
            try theirs.attach(to: lo)
            try Self.turn(loop, for: .seconds(5)) { told.count == 3 }
            theirs.setAdminDown(true)
            try Self.turn(loop, for: .seconds(1)) { told.count == 4 }
            #expect(told.suffix(2) == [.up, .drainedByFarEnd(far)])
        }
    }

    @Test func refusesWhatComesFromElsewhereOrFromFarAway() throws {
        let near = try #require(IPAddress("127.0.0.1"))
        let far = try #require(IPAddress("127.0.0.2"))
        let lo = try #require(InterfaceName("lo"))
        try inFreshNamespace {
            let loop = try EventLoop()
            let ours = Self.endpoint(near, far, loop)
            try ours.attach(to: lo)
            let octets = String(repeating: "x", count: 24)
            for (source, ttl) in [("127.0.0.3", 255), ("127.0.0.2", 254), ("127.0.0.2", 255)] {
                let target = "UDP4-DATAGRAM:127.0.0.1:3784,bind=\(source),ttl=\(ttl)"
                try run("/bin/sh", "-c", "printf '%s' \(octets) | socat -u - \(target)")
            }
            try Self.turn(loop, for: .milliseconds(200))
            #expect(ours.counts.refused == [.source: 1, .ttl: 1, .version: 1])
            #expect(ours.counts.received == 0)
        }
    }

    @Test func saysWhatKeepsItFromBeginning() throws {
        let near = try #require(IPAddress("127.0.0.1"))
        let absent = try #require(IPAddress("10.99.0.2"))
        let lo = try #require(InterfaceName("lo"))
        try inFreshNamespace {
            let loop = try EventLoop()
            #expect(throws: SystemError(operation: "bind 10.99.0.2:3784 on lo", code: EADDRNOTAVAIL)) {
                try Self.endpoint(absent, near, loop).attach(to: lo)
            }
            let first = Self.endpoint(near, absent, loop)
            try first.attach(to: lo)
            #expect(throws: SystemError(operation: "bind 127.0.0.1:3784 on lo", code: EADDRINUSE)) {
                try Self.endpoint(near, absent, loop).attach(to: lo)
            }
            #expect(throws: SystemError(operation: "bind a UDP socket to nowhere", code: ENODEV)) {
                try first.attach(to: #require(InterfaceName("nowhere")))
            }
        }
    }
}
