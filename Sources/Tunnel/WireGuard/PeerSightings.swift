// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// Where the peers of an interface were seen, look by look: tells a peer that roamed from one whose endpoint somebody set.
///
/// WireGuard moves an endpoint by itself only where it has received a packet from there, and connection tracking knows
/// whether one came. As long as that knows of nothing either way, nothing was sent there yet. An endpoint that changed
/// while WireGuard counted nothing received was set by a foreign hand then; where it counted something, that may have come
/// from the new place, and the peer is believed. (WireGuard counts a packet a moment after it has moved the endpoint.)
///
/// What nobody can tell: an endpoint that is set to where the peer itself was heard within the last two minutes. The path
/// falls silent by that, and its peer is called anew.
struct PeerSightings: Hashable {
    private var peers: [WireGuardPublicKey: Sighting] = [:]
    /// The peers that somebody else sent elsewhere, each with where it was before.
    private(set) var strays: [WireGuardPublicKey: SocketEndpoint] = [:]

    /// Takes in how the interface is now. What was learnt before the first look is believed.
    ///
    /// - Parameter wasHeard: whether a packet came from there; nil where that is not known.
    mutating func look(at device: WireGuardDevice, wasHeard: (SocketEndpoint) -> Bool?) {
        var seen: [WireGuardPublicKey: Sighting] = [:]
        seen.reserveCapacity(device.peers.count)
        strays = [:]
        for peer in device.peers {
            var sighting = peers[peer.publicKey] ?? Sighting(peer)
            sighting.look(at: peer) { place in
                // Who is heard at one place is one peer.
                let isAnothers = device.peers.contains { $0.endpoint == place && $0.publicKey != peer.publicKey }
                return isAnothers ? false : wasHeard(place)
            }
            seen[peer.publicKey] = sighting
            if sighting.isStray, let home = sighting.home { strays[peer.publicKey] = home }
        }
        peers = seen
    }

    /// Notes what peers are about to be told: that is no foreign hand's.
    mutating func told(_ change: WireGuardChange) {
        for peer in change.peers {
            guard let endpoint = peer.endpoint else { continue }
            peers[peer.publicKey]?.told(endpoint)
            strays[peer.publicKey] = nil
        }
    }
}

/// What was seen of one peer.
private struct Sighting: Hashable {
    var endpoint: SocketEndpoint?
    var received: UInt64
    /// Where it was heard or told to be: where it is called again.
    var home: SocketEndpoint?
    var isStray = false

    init(_ peer: WireGuardDevice.Peer) {
        (endpoint, home) = (peer.endpoint, peer.endpoint)
        received = peer.received
    }

    mutating func look(at peer: WireGuardDevice.Peer, _ wasHeard: (SocketEndpoint) -> Bool?) {
        let isHeard = peer.received > received
        let hasMoved = peer.endpoint != endpoint
        (endpoint, received) = (peer.endpoint, peer.received)
        guard endpoint != home, !isHeard || hasMoved, let endpoint else { return settle() }
        switch wasHeard(endpoint) {
        case true?: settle()
        case false?: isStray = true
        case nil: if hasMoved { isStray = !isHeard }
        }
    }

    mutating func told(_ endpoint: SocketEndpoint) {
        self.endpoint = endpoint
        settle()
    }

    private mutating func settle() { (home, isStray) = (endpoint, false) }
}
