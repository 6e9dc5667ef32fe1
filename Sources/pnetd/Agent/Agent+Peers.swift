// SPDX-License-Identifier: Apache-2.0

import Configuration
import NetworkTypes
import PathHealth
import SystemIO
import Tunnel

/// What the tunnels' counters, and the kernel's word on the lines' routers, say while targets are silent.
extension Agent {
    /// Tells the core whether the far ends of the paths are heard. One of many peers may be heard while another, which
    /// leads to the targets, is not: of such a path nothing is said.
    func watchPeers() {
        let now = loop.now
        for path in site.paths {
            guard let line = path.routed else { continue }
            observe(.peer(path.name, status(of: path, line)))
        }
        for path in site.paths where path.peers.count == 1 {
            guard let peers = reconciler.device(on: path.interface)?.peers else { continue }
            let octets = peers.reduce(0) { $0 &+ $1.received }
            let before = endpoints.heard[path.name]
            // Those of an interface that was made anew begin at zero.
            let isHeard = before.map { octets > $0.octets } ?? false
            endpoints.heard[path.name] = (octets, isHeard ? now : before?.seen)
            observe(.peer(path.name, status(of: path, peers, heard: endpoints.heard[path.name]?.seen)))
        }
    }

    /// Of the routers of two families one that is there says that the line carries.
    private func status(of path: PathConfiguration, _ line: RoutedConfiguration) -> PeerStatus {
        guard let silence = core.silence(of: path.name) else { return .unknown }
        // Of one that nothing was sent to the kernel knows nothing.
        let states = line.gateways.compactMap { gateway in
            reconciler.neighbour(gateway, on: path.interface).map { (gateway, $0) }
        }
        for (gateway, state) in states {
            guard case .confirmed(let age) = state else { continue }
            if age < loop.now - silence { return .gatewayThere(gateway) }
            reconciler.lookFor(gateway, on: path.interface)
        }
        // One that is looked for once more is what it was before, until that is known.
        if states.contains(where: { $0.1 == .unsure }) { return core.peer(of: path.name) }
        guard let first = states.first, states.allSatisfy({ $0.1 == .missing }) else { return .unknown }
        return .gatewayMissing(first.0)
    }

    private func status(
        of path: PathConfiguration,
        _ peers: [WireGuardDevice.Peer],
        heard: Instant?
    ) -> PeerStatus {
        guard let silence = core.silence(of: path.name), !peers.isEmpty else { return .unknown }
        let handshakes = peers.filter { $0.lastHandshake != nil }.compactMap {
            endpoints.handshakes[EndpointBook.Peer(path: path.name, key: $0.publicKey)]?.seen
        }
        return PeerStatus(since: silence, heard: heard, handshake: handshakes.max(), now: loop.now)
    }
}
