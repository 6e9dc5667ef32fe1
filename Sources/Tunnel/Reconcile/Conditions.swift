// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth

extension Observed {
    /// Whether a path's interface, and what lies below it, can carry anything.
    func linkCondition(_ path: Desired.Path) -> PathCondition {
        guard let link = links[path.interface] else { return .unusable(.interfaceMissing(path.interface)) }
        guard link.isUp else { return .unusable(.interfaceDown(path.interface)) }
        return carrierCondition(path)
    }

    /// The same where the interface stands, or will in a moment: whether what it lies on carries.
    func carrierCondition(_ path: Desired.Path) -> PathCondition {
        switch path.kind {
        case .wireGuard(let tunnel):
            underlayCondition(path, tunnel.underlay.interface)
                ?? awaitedHost(path.interface, tunnel.settings).map { .unusable(.endpointUnknown($0)) } ?? .ready
        case .ipsec(let tunnel): underlayCondition(path, tunnel.underlay.interface) ?? associationCondition(path)
        case .routed(let line): lineCondition(path, line)
        }
    }

    /// Whether a line can carry packets to a router.
    private func lineCondition(_ path: Desired.Path, _ line: Desired.Path.Line) -> PathCondition {
        if let parent = line.vlan?.parent {
            guard let below = links[parent] else { return .unusable(.underlayMissing(parent)) }
            guard below.isUp, below.hasCarrier else { return .unusable(.underlayDown(parent)) }
        }
        guard let link = links[path.interface] else { return .unusable(.interfaceMissing(path.interface)) }
        // One of ours is about to be set up.
        guard link.isUp else { return path.ownsInterface ? .ready : .unusable(.interfaceDown(path.interface)) }
        guard link.hasCarrier else { return .unusable(.carrierLost(path.interface)) }
        // A router that does not answer ARP is asked again with every probe: only those tell that it is back.
        if let first = line.gateways.first, !line.gateways.contains(where: { path.reaches($0, self) }) {
            return .unusable(.gatewayOffLink(first, path.interface))
        }
        return .ready
    }

    /// Why a tunnel's underlay cannot carry its outer packets; nil where it can.
    private func underlayCondition(_ path: Desired.Path, _ name: InterfaceName) -> PathCondition? {
        guard let underlay = links[name] else { return .unusable(.underlayMissing(name)) }
        guard underlay.isUp, underlay.hasCarrier else { return .unusable(.underlayDown(name)) }
        for endpoint in path.farEnds {
            let onLink = usableAddresses(of: underlay).contains { $0.address.prefix.contains(endpoint) }
            if onLink { continue }
            guard hasSource(on: underlay, endpoint.family) else { return .unusable(.underlayUnaddressed(name)) }
            guard path.hop(endpoint.family, self) != nil else { return .unusable(.underlayUnrouted(name)) }
        }
        return nil
    }

    /// Whether packets are protected both ways: without, the interface takes them and drops them.
    private func associationCondition(_ path: Desired.Path) -> PathCondition {
        guard let id = links[path.interface]?.xfrmInterfaceID else {
            return .unusable(.interfaceMissing(path.interface))
        }
        return security[id]?.isComplete == true ? .ready : .unusable(.noAssociation)
    }

    /// The name of a tunnel's only peer, as long as neither its address was found nor has it called us.
    private func awaitedHost(_ interface: InterfaceName, _ settings: WireGuardSettings) -> DomainName? {
        guard settings.peers.count == 1, let peer = settings.peers.first, let host = peer.awaitedHost,
            tunnels[interface]?.peers.first(where: { $0.publicKey == peer.publicKey })?.endpoint == nil
        else { return nil }
        return host
    }
}
