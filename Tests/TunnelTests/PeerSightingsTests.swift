// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import Tunnel

struct PeerSightingsTests {
    private static let home = Sample.endpoint("198.51.100.1:51820")
    private static let elsewhere = Sample.endpoint("192.0.2.99:1")
    private static let key = Sample.publicKey(1)

    /// An interface that is looked at again and again.
    private struct Interface {
        var sightings = PeerSightings()
        var peer = WireGuardDevice.Peer(publicKey: key, endpoint: home)
        var others: [WireGuardDevice.Peer] = []
        /// What connection tracking says of the new place.
        var wasHeard: Bool?

        /// What happens until the next look, and then who is astray.
        mutating func then(
            at endpoint: SocketEndpoint? = nil,
            hears octets: UInt64 = 0
        ) -> [WireGuardPublicKey: SocketEndpoint] {
            peer.endpoint = endpoint ?? peer.endpoint
            peer.received += octets
            sightings.look(at: WireGuardDevice(peers: [peer] + others)) { $0 == elsewhere ? wasHeard : nil }
            return sightings.strays
        }

        /// One that was looked at before.
        static var known: Interface {
            var interface = Interface()
            _ = interface.then(hears: 100)
            return interface
        }
    }

    @Test func anEndpointThatChangesInSilenceIsAForeignHands() {
        var interface = Interface.known
        #expect(interface.then(at: Self.elsewhere) == [Self.key: Self.home])
        #expect(interface.then() == [Self.key: Self.home], "until it is put back")
        interface.sightings.told(WireGuardChange(putting: Self.home))
        #expect(interface.sightings.strays == [:])
        #expect(interface.then(at: Self.home) == [:])
    }

    @Test func whatWasThereBeforeTheFirstLookIsBelieved() {
        var interface = Interface(wasHeard: false)
        #expect(interface.then(at: Self.elsewhere) == [:])
        #expect(interface.then() == [:])
    }

    @Test func aPeerThatRoamsIsHeardFromThere() {
        var interface = Interface.known
        interface.wasHeard = true
        #expect(interface.then(at: Self.elsewhere, hears: 100) == [:])
        interface.wasHeard = false
        #expect(interface.then() == [:], "it is at home there now")
        #expect(interface.then(at: Self.home) == [Self.key: Self.elsewhere])
    }

    /// Its answers up to then are counted in the same while.
    @Test func aLivelyPeerThatIsSentElsewhereWasNotHeardThere() {
        var interface = Interface.known
        interface.wasHeard = false
        #expect(interface.then(at: Self.elsewhere, hears: 100) == [Self.key: Self.home])
    }

    @Test func whoIsHeardAtAnotherPeersPlaceIsTheOtherPeer() {
        var interface = Interface.known
        interface.others = [WireGuardDevice.Peer(publicKey: Sample.publicKey(2), endpoint: Self.elsewhere)]
        interface.wasHeard = true
        #expect(interface.then(at: Self.elsewhere, hears: 100) == [Self.key: Self.home])
    }

    /// It was looked at between the move and the count.
    @Test func aPeerThatWasHeardThereRoamedThoughItWasNotCountedYet() {
        var interface = Interface.known
        interface.wasHeard = true
        #expect(interface.then(at: Self.elsewhere) == [:])
        interface.wasHeard = nil
        #expect(interface.then(hears: 100) == [:])
    }

    @Test func whereNothingWasSentYetTheNextLookAsksAgain() {
        var interface = Interface.known
        #expect(interface.then(at: Self.elsewhere, hears: 100) == [:])
        #expect(interface.then() == [:])
        interface.wasHeard = false
        #expect(interface.then() == [Self.key: Self.home])
    }

    /// WireGuard calls a peer where its last packet came from.
    @Test func aPeerThatIsHeardAndStaysIsThere() {
        var interface = Interface.known
        #expect(interface.then(at: Self.elsewhere, hears: 100) == [:])
        #expect(interface.then(hears: 100) == [:])
        interface.wasHeard = false
        #expect(interface.then() == [:])
    }

    @Test func whatWeSayIsNoForeignHands() {
        var interface = Interface.known
        interface.sightings.told(WireGuardChange(putting: Self.elsewhere))
        #expect(interface.then(at: Self.elsewhere) == [:])
        #expect(interface.then(at: Self.home) == [Self.key: Self.elsewhere])
    }

    /// A peer that somebody took out and put in again counts from zero.
    @Test func aPeerPutInAnewElsewhereIsAstray() {
        var interface = Interface.known
        interface.peer.received = 0
        #expect(interface.then(at: Self.elsewhere) == [Self.key: Self.home])
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
