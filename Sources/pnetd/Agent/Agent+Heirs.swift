// SPDX-License-Identifier: Apache-2.0

import Configuration
import Logging
import NetworkTypes
import SystemIO
import Tunnel

extension Agent {
    /// How often a peer that has a next key is looked at: what it is sent by a key that it no longer has is lost.
    private static let heirInterval = Duration.milliseconds(100)
    /// How often it is looked whether there is such a peer.
    private static let idleInterval = Duration.seconds(1)

    /// Looks at the peers that have two keys for as long as the agent runs.
    func watchHeirs() {
        let rotating = rotating
        let peers = rotating.reduce(0) { $0 + $1.peers.count }
        let interval = rotating.isEmpty ? Self.idleInterval : Self.heirInterval * max(1, peers / 1_000)
        loop.schedule(after: interval) { [weak self] in
            self?.findHeirs()
            self?.watchHeirs()
        }
    }

    private var rotating: [PathConfiguration] {
        site.paths.filter { path in path.peers.contains { $0.nextPublicKey != nil } }
    }

    /// Looks which of its two keys each peer goes by: the one that it shook hands with last. What the peer may send
    /// and is sent moves there.
    func findHeirs() {
        let rotating = rotating
        for path in rotating { _ = reconciler.readDevice(on: path.interface) }
        noteHandshakes()
        var found: Set<EndpointBook.Peer> = []
        for path in rotating {
            for peer in path.peers {
                guard let nextKey = peer.nextPublicKey else { continue }
                let first = EndpointBook.Peer(path: path.name, key: peer.publicKey)
                let next = EndpointBook.Peer(path: path.name, key: nextKey)
                if isLater(next, than: first) ?? heirs.contains(first) { found.insert(first) }
            }
        }
        guard found != heirs else { return }
        for peer in found.symmetricDifference(heirs) {
            let key = found.contains(peer) ? "its next key" : "its first key"
            log.notice("\(peer.path): a peer goes by \(key)", metadata: ["peer": "\(peer.name)"])
        }
        heirs = found
        scheduleReconcile(after: .zero)
        publish(nil)
    }

    /// Whether the one shook hands later than the other; nil where that cannot be told. By what was seen here, and where
    /// both were there before, by the wall clock, which may have been set since.
    private func isLater(_ peer: EndpointBook.Peer, than other: EndpointBook.Peer) -> Bool? {
        let (one, two) = (endpoints.handshakes[peer], endpoints.handshakes[other])
        guard let wall = one?.wallNanoseconds else { return two?.wallNanoseconds == nil ? nil : false }
        guard let one, let two, let otherWall = two.wallNanoseconds else { return true }
        return one.seen == two.seen ? wall > otherWall : one.seen > two.seen
    }

    /// Notes when each peer's last handshake changed.
    func noteHandshakes() {
        // One moment for all: which of two was first seen later must not hang on their order here.
        let now = loop.now
        var handshakes: [EndpointBook.Peer: (wallNanoseconds: Int64?, seen: Instant)] = [:]
        for path in site.paths {
            guard let device = reconciler.device(on: path.interface) else {
                // It cannot be read just now: what was seen of it stands.
                for (peer, last) in endpoints.handshakes where peer.path == path.name { handshakes[peer] = last }
                continue
            }
            for peer in device.peers {
                let id = EndpointBook.Peer(path: path.name, key: peer.publicKey)
                let before = endpoints.handshakes[id].flatMap {
                    $0.wallNanoseconds == peer.lastHandshake ? $0.seen : nil
                }
                handshakes[id] = (peer.lastHandshake, before ?? now)
            }
        }
        endpoints.handshakes = handshakes
    }
}
