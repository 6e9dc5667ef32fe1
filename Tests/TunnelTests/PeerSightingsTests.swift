// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import Tunnel

struct PeerSightingsTests {
    private static let home = Sample.endpoint("198.51.100.1:51820")
    private static let elsewhere = Sample.endpoint("192.0.2.99:1")
    private static let key = Sample.publicKey(1)

    /// An interface that is looked at every second.
    private struct Second {
        var sightings = PeerSightings()
        var peer = WireGuardDevice.Peer(publicKey: key, endpoint: home)
        var others: [WireGuardDevice.Peer] = []
        var now = Instant(nanoseconds: 0)

        /// What happens until the next look, and then who is astray.
        mutating func then(
            at endpoint: SocketEndpoint? = nil,
            hears octets: UInt64 = 0,
            calls: Bool = true,
            after time: Duration = .seconds(1)
        ) -> [WireGuardPublicKey: SocketEndpoint] {
            peer.endpoint = endpoint ?? peer.endpoint
            peer.received += octets
            if calls { peer.sent += 100 }
            now = now + time
            sightings.look(at: WireGuardDevice(peers: [peer] + others), now)
            return sightings.strays
        }

        /// A peer that answers every second.
        static var lively: Second {
            var second = Second()
            for _ in 0..<7 { _ = second.then(hears: 100) }
            return second
        }
    }

    @Test func anEndpointThatChangesInSilenceIsAForeignHands() {
        var second = Second()
        #expect(second.then() == [:])
        #expect(second.then(at: Self.elsewhere) == [Self.key: Self.home])
        #expect(second.then(after: .milliseconds(1)) == [Self.key: Self.home], "until it is put back")
        second.sightings.told(WireGuardChange(putting: Self.home))
        #expect(second.sightings.strays == [:])
        #expect(second.then(at: Self.home) == [:])
    }

    @Test func whatWasThereBeforeTheFirstLookIsBelieved() {
        var second = Second()
        #expect(second.then(at: Self.elsewhere) == [:])
        #expect(second.then() == [:])
    }

    @Test func aPeerThatRoamsIsHeardFromThere() {
        var second = Second.lively
        #expect(second.then(at: Self.elsewhere, hears: 100) == [:])
        #expect(second.then(hears: 100) == [:])
        for _ in 0..<20 { #expect(second.then() == [:]) }
    }

    /// Its answers up to then are counted in the same second.
    @Test func aLivelyPeerThatIsSentElsewhereFallsSilent() {
        var second = Second.lively
        #expect(second.then(at: Self.elsewhere, hears: 100) == [:])
        #expect(second.then(after: .milliseconds(1_400)) == [:], "an answer takes its time")
        #expect(second.then(after: .milliseconds(100)) == [Self.key: Self.home])
    }

    /// One that answers every other second is given three seconds.
    @Test func silenceIsJudgedByWhatIsUsual() {
        var second = Second()
        for _ in 0..<6 {
            _ = second.then()
            _ = second.then(hears: 100)
        }
        #expect(second.then(at: Self.elsewhere, hears: 100) == [:])
        for _ in 0..<2 { #expect(second.then() == [:]) }
        #expect(second.then() == [Self.key: Self.home])
    }

    /// Called back in error, a peer that roamed is not heard where it was, and is believed as soon as it speaks.
    @Test func aPeerIsTakenForAstrayOnce() {
        var second = Second.lively
        _ = second.then(at: Self.elsewhere, hears: 100)
        #expect(second.then(after: .milliseconds(1_500)) == [Self.key: Self.home])
        second.sightings.told(WireGuardChange(putting: Self.home))
        #expect(second.then(at: Self.home) == [:])
        #expect(second.then(at: Self.elsewhere, hears: 100) == [:])
        for _ in 0..<5 { #expect(second.then() == [:]) }
    }

    @Test func silenceSaysNothingOfAQuietPeer() {
        var quiet = Second()
        _ = quiet.then()
        #expect(quiet.then(at: Self.elsewhere, hears: 100) == [:])
        for _ in 0..<20 { #expect(quiet.then() == [:]) }
    }

    /// Four times what is usual; at the most until it should have said that it got what was sent.
    @Test(arguments: [(1, 4), (2, 8), (5, 11)])
    func oneAmongManyIsGivenMoreTime(usual: Int, seconds: Int) {
        var many = Second()
        many.others = [WireGuardDevice.Peer(publicKey: Sample.publicKey(2))]
        for _ in 0..<7 { _ = many.then(hears: 100, after: .seconds(usual)) }
        #expect(many.then(at: Self.elsewhere, hears: 100) == [:])
        for _ in 1..<seconds { #expect(many.then() == [:]) }
        #expect(many.then() == [Self.key: Self.home])
    }

    @Test func whatWeSayIsNoForeignHands() {
        var second = Second.lively
        second.sightings.told(WireGuardChange(putting: Self.elsewhere))
        #expect(second.then(at: Self.elsewhere) == [:])
        #expect(second.then(at: Self.home) == [Self.key: Self.elsewhere])
    }

    /// A peer that somebody took out and put in again counts from zero.
    @Test func aPeerPutInAnewElsewhereIsAstray() {
        var second = Second.lively
        second.peer.received = 0
        #expect(second.then(at: Self.elsewhere) == [Self.key: Self.home])
    }

    @Test func theChangeCallsAStrayHomeButNotAgainstTheFile() {
        var device = WireGuardDevice(privateKey: Sample.secret(1).clamped, peers: [])
        device.peers = [WireGuardDevice.Peer(publicKey: Self.key, endpoint: Self.elsewhere)]
        func endpoint(_ wanted: SocketEndpoint, told: SocketEndpoint, home: SocketEndpoint) -> SocketEndpoint? {
            let peer = WireGuardSettings.Peer(
                publicKey: Self.key,
                presharedKey: nil,
                endpoint: wanted,
                keepalive: 0,
                allowedIPs: []
            )
            return WireGuardChange(
                from: device,
                to: WireGuardSettings(privateKey: Sample.secret(1), listenPort: nil, mark: 0, peers: [peer]),
                toldBefore: [Self.key: told],
                strays: [Self.key: home]
            ).peers.first?.endpoint
        }
        let (roamed, fresh) = (Sample.endpoint("203.0.113.9:9"), Sample.endpoint("198.51.100.2:51820"))
        #expect(endpoint(Self.home, told: Self.home, home: Self.home) == Self.home)
        #expect(endpoint(Self.home, told: Self.home, home: roamed) == roamed)
        #expect(endpoint(fresh, told: Self.home, home: roamed) == fresh)
        #expect(endpoint(Self.elsewhere, told: Self.elsewhere, home: roamed) == nil, "where the file wants it")
    }
}

extension WireGuardChange {
    fileprivate init(putting endpoint: SocketEndpoint) {
        self.init(from: WireGuardDevice(), to: .made(peers: 0), toldBefore: [:])
        peers = [Peer(publicKey: Sample.publicKey(1), endpoint: endpoint)]
    }
}
