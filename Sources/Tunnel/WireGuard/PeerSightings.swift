// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// Where the peers of an interface were seen, look by look: tells a peer that roamed from one whose endpoint somebody set.
///
/// WireGuard moves an endpoint by itself only where it has received a packet from there, and counts that packet. So an
/// endpoint that changed while nothing was received was set by a foreign hand. Where something was received in the same
/// while, it may have been before: then the only peer of an interface that was heard second by second, and is called in
/// vain for a second from then on, did not roam. Of others silence says nothing, and they are believed.
struct PeerSightings: Hashable {
    private var peers: [WireGuardPublicKey: Sighting] = [:]
    /// The peers that somebody else sent elsewhere, each with where it was before.
    private(set) var strays: [WireGuardPublicKey: SocketEndpoint] = [:]

    /// Takes in how the interface is now. What was learnt before the first look is believed.
    mutating func look(at device: WireGuardDevice, _ now: Instant) {
        let isOnly = device.peers.count == 1
        var seen: [WireGuardPublicKey: Sighting] = [:]
        seen.reserveCapacity(device.peers.count)
        strays = [:]
        for peer in device.peers {
            var sighting = peers[peer.publicKey] ?? Sighting(peer, now)
            sighting.look(at: peer, now, isOnly: isOnly)
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
    /// When something was counted, and what.
    struct Count: Hashable {
        var at: Instant
        var octets: UInt64
    }

    var endpoint: SocketEndpoint?
    var received: UInt64
    /// Where it was heard or told to be: where it is called again.
    var home: SocketEndpoint?
    var isStray = false
    /// Since when its endpoint may be a foreign hand's, and what had been sent to it by then.
    var doubt: Count?
    /// What had been received when the running second began.
    var second: Count
    /// Seconds in a row in which it was heard.
    var heard = 0

    /// Looks are a second apart, by timers that are not exact.
    private static let second = Duration.milliseconds(900)
    /// After so many seconds silence is news.
    private static let habit = 3

    init(_ peer: WireGuardDevice.Peer, _ now: Instant) {
        (endpoint, home) = (peer.endpoint, peer.endpoint)
        received = peer.received
        second = Count(at: now, octets: peer.received)
    }

    mutating func look(at peer: WireGuardDevice.Peer, _ now: Instant, isOnly: Bool) {
        let isHeard = peer.received > received
        let hasMoved = peer.endpoint != endpoint
        (endpoint, received) = (peer.endpoint, peer.received)
        if endpoint == home || isHeard && !hasMoved {
            settle()
        } else if hasMoved, !isHeard {
            (doubt, isStray) = (nil, true)
        } else if hasMoved, isOnly, heard >= Self.habit {
            (doubt, isStray) = (Count(at: now, octets: peer.sent), false)
        } else if hasMoved {
            settle()
        } else if let doubt, now - doubt.at >= Self.second {
            if peer.sent > doubt.octets { (self.doubt, isStray) = (nil, true) } else { settle() }
        }
        count(now)
    }

    mutating func told(_ endpoint: SocketEndpoint) {
        self.endpoint = endpoint
        settle()
    }

    private mutating func settle() {
        (home, doubt, isStray) = (endpoint, nil, false)
    }

    private mutating func count(_ now: Instant) {
        guard now - second.at >= Self.second else { return }
        heard = received > second.octets ? min(heard + 1, Self.habit) : 0
        second = Count(at: now, octets: received)
    }
}
