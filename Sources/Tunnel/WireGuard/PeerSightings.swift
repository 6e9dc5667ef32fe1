// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// Where the peers of an interface were seen, look by look: tells a peer that roamed from one whose endpoint somebody set.
///
/// WireGuard moves an endpoint by itself only where it has received a packet from there, and counts that packet. So an
/// endpoint that changed while nothing was received was set by a foreign hand. Where something was received in the same
/// while, it may have been before: then a peer that is called in vain from then on, for longer than it was silent of
/// late, did not roam. The only one of an interface answers the path's own probes; to another one, what is sent may have
/// ceased to need an answer, so it is given more time: at the most until it should have said that it got anything at all,
/// which takes ten seconds (KEEPALIVE_TIMEOUT of WireGuard's protocol).
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
    /// Since when its endpoint may be a foreign hand's, and how many octets had been sent to it by then.
    struct Doubt: Hashable {
        var since: Instant
        var sent: UInt64
    }

    var endpoint: SocketEndpoint?
    var received: UInt64
    /// Where it was heard or told to be: where it is called again.
    var home: SocketEndpoint?
    var isStray = false
    var doubt: Doubt?
    var heard: Instant
    /// How long it was silent each time, of late.
    var silences: [Duration] = []

    /// So many tell what is usual.
    private static let enough = 6

    init(_ peer: WireGuardDevice.Peer, _ now: Instant) {
        (endpoint, home) = (peer.endpoint, peer.endpoint)
        received = peer.received
        heard = now
    }

    mutating func look(at peer: WireGuardDevice.Peer, _ now: Instant, isOnly: Bool) {
        let isHeard = peer.received > received
        let hasMoved = peer.endpoint != endpoint
        (endpoint, received) = (peer.endpoint, peer.received)
        if endpoint == home || isHeard && !hasMoved {
            settle()
        } else if hasMoved, !isHeard {
            (doubt, isStray) = (nil, true)
        } else if hasMoved, usualSilence != nil {
            (doubt, isStray) = (Doubt(since: now, sent: peer.sent), false)
        } else if hasMoved {
            settle()
        } else if let doubt, let usualSilence,
            now - doubt.since >= patience(isOnly, usualSilence)
        {
            if peer.sent > doubt.sent { (self.doubt, isStray) = (nil, true) } else { settle() }
        }
        if isHeard { noteSilence(until: now) }
    }

    mutating func told(_ endpoint: SocketEndpoint) {
        self.endpoint = endpoint
        settle()
    }

    private mutating func settle() {
        (home, doubt, isStray) = (endpoint, nil, false)
    }

    private mutating func noteSilence(until now: Instant) {
        if silences.count == Self.enough { silences.removeFirst() }
        silences.append(now - heard)
        heard = now
    }

    /// How long it was silent of late, at the longest; nil where that is not known.
    private var usualSilence: Duration? { silences.count == Self.enough ? silences.max() : nil }

    private func patience(_ isOnly: Bool, _ usual: Duration) -> Duration {
        isOnly ? usual * 3 / 2 : min(max(usual * 4, .seconds(1)), .seconds(11))
    }
}
