// SPDX-License-Identifier: Apache-2.0
// The file's words in the words of those who act on them.

import Configuration
import ControlAPI
import NetworkTypes
import PathHealth
import ProcessLink
import Tunnel

extension ReservedNumbers {
    init(_ reservation: Reservation) {
        self.init(
            routeProtocol: reservation.protocol,
            firstTable: reservation.table,
            firstPriority: reservation.rulePriority,
            markMask: reservation.markMask,
            firstNexthop: reservation.nexthopIDs
        )
    }
}

extension SiteConfiguration {
    /// The network that traffic to all of a prefix belongs to.
    func network(holding prefix: IPPrefix) -> NetworkName? {
        let all = networks.flatMap { network in network.prefixes.map { (network.name, $0) } }
        return all.filter { $0.1.contains(prefix) }.max { $0.1.length < $1.1.length }?.0
    }

    /// The targets that are asked over TLS.
    var tlsTargets: [TLSProbes.Place: TLSTarget] {
        let all = networks.flatMap { network in
            network.targets.list.compactMap { target -> (TLSProbes.Place, TLSTarget)? in
                guard case .tls(let server) = target else { return nil }
                return (TLSProbes.Place(network: network.name, target: Target(target)), server)
            }
        }
        return Dictionary(all, uniquingKeysWith: { first, _ in first })
    }
}

extension Desired {
    /// What the file asks of the kernel, with each network's traffic led as given.
    init(
        _ site: SiteConfiguration,
        slots: SavedState,
        outcomes: [NetworkName: Outcome],
        endpoints: EndpointBook,
        heirs: Set<EndpointBook.Peer> = []
    ) {
        self.init(
            reserved: ReservedNumbers(site.reserve),
            paths: site.paths.map { path in
                let networks = site.networks.filter { $0.paths.contains(path.name) }
                let own = networks.flatMap(\.prefixes) + path.farEnds + path.links
                let slot = slots.pathSlots[path.name.text] ?? 0
                let kind: Desired.Path.Kind =
                    switch path.kind {
                    case .wireGuard(let tunnel):
                        .wireGuard(.init(tunnel, of: path.name, prefixes: own, endpoints: endpoints, heirs: heirs))
                    case .ipsec(let tunnel):
                        .ipsec(
                            Desired.Path.IPsecTunnel(
                                to: endpoints.endpoint(of: EndpointBook.Peer(path: path.name, key: nil))?.address,
                                underlay: Desired.Path.Underlay(tunnel.underlay),
                                largestPacket: tunnel.terms.largestPacket
                            )
                        )
                    case .routed(let line): .routed(Desired.Path.Line(line, farEnds: path.farEnds))
                    }
                return Desired.Path(
                    name: path.name,
                    slot: slot,
                    interface: path.interface,
                    addresses: path.addresses,
                    mtu: path.mtu,
                    natSources: path.natSources,
                    sources: path.sources,
                    kind: kind
                )
            },
            networks: site.networks.map { network in
                Desired.Network(
                    name: network.name,
                    slot: slots.networkSlots[network.name.text] ?? 0,
                    prefixes: network.prefixes,
                    paths: network.paths,
                    weights: network.weights.filter { network.group(of: $0.key).count > 1 },
                    outcome: outcomes[network.name] ?? .blocked,
                    mtu: network.mtu
                )
            },
            nameSets: site.nameSets.map(\.name)
        )
    }
}

extension PathConfiguration {
    /// The interface that the path's own lies on; nil where it lies on none.
    var below: InterfaceName? { underlay?.interface ?? routed?.vlan?.parent }

    /// The interface whose carrier is the path's.
    var carrier: InterfaceName { below ?? interface }

    /// What is on link by the path's own addresses and that no peer has by name: another pnetd at the far end asks from
    /// there.
    fileprivate var links: [IPPrefix] {
        let listed = peers.flatMap { peer -> [IPPrefix] in
            guard case .prefixes(let prefixes) = peer.allowedIPs else { return [] }
            return prefixes
        }
        return addresses.map(\.prefix).filter { $0.length < $0.family.width && !listed.contains($0) }
    }
}

extension Desired.Path.Line {
    init(_ line: RoutedConfiguration, farEnds: [IPPrefix]) {
        let vlan = line.vlan.map { Desired.Path.VLAN(id: $0.id, of: $0.parent) }
        self.init(gateways: line.gateways, vlan: vlan, farEnds: farEnds)
    }
}

extension Desired.Path.Underlay {
    init(_ underlay: UnderlayConfiguration) {
        let gateways: [IPAddress]? =
            switch underlay.gateways {
            case .auto: nil
            case .addresses(let addresses): addresses
            }
        self.init(underlay.interface, gateways: gateways)
    }
}

extension Desired.Path.WireGuardTunnel {
    /// - Parameters:
    ///   - prefixes: what a peer with `allowed-ips: auto` may send and is sent.
    ///   - heirs: the peers whose next key has taken the place of the other.
    init(
        _ tunnel: WireGuardConfiguration,
        of path: PathName,
        prefixes: [IPPrefix],
        endpoints: EndpointBook,
        heirs: Set<EndpointBook.Peer>
    ) {
        let peers = tunnel.peers.flatMap { peer in
            let allowed: [IPPrefix] =
                switch peer.allowedIPs {
                case .auto: prefixes
                case .prefixes(let listed): listed
                }
            let isHeir = heirs.contains(EndpointBook.Peer(path: path, key: peer.publicKey))
            let current = isHeir ? peer.nextPublicKey ?? peer.publicKey : peer.publicKey
            return [peer.publicKey, peer.nextPublicKey].compactMap { $0 }.map { key in
                WireGuardSettings.Peer(
                    peer,
                    by: key,
                    isSpare: key != current,
                    endpoint: endpoints.endpoint(of: EndpointBook.Peer(path: path, key: key)),
                    allowedIPs: Set(allowed)
                )
            }
        }
        self.init(
            settings: WireGuardSettings(
                privateKey: tunnel.privateKey,
                listenPort: tunnel.listenPort,
                mark: 0,
                peers: peers
            ),
            callsOverIPv4Only: tunnel.peers.allSatisfy { $0.endpoint?.address?.family == .ipv4 },
            underlay: Desired.Path.Underlay(tunnel.underlay)
        )
    }
}

extension WireGuardSettings.Peer {
    /// A peer under one of its keys.
    /// - Parameter isSpare: whether it goes by the other one now: under this one it may call us, and carries nothing.
    init(
        _ peer: PeerConfiguration,
        by key: WireGuardPublicKey,
        isSpare: Bool,
        endpoint: SocketEndpoint?,
        allowedIPs: Set<IPPrefix>
    ) {
        let awaited = endpoint == nil ? peer.endpoint?.name : nil
        // A keepalive to nowhere begins a handshake that is not repeated for five seconds (REKEY_TIMEOUT); one that is
        // switched on together with the endpoint begins it then.
        let isKeptAlive = awaited == nil && !isSpare
        self.init(
            publicKey: key,
            presharedKey: peer.presharedKey,
            endpoint: endpoint,
            awaitedHost: awaited,
            keepalive: UInt16(clamping: isKeptAlive ? peer.persistentKeepalive?.components.seconds ?? 0 : 0),
            allowedIPs: isSpare ? [] : allowedIPs
        )
    }
}

extension ResolverSnapshot.BlockedAnswer {
    init(_ answer: ResolverConfiguration.BlockedAnswer) {
        switch answer {
        case .servfail: self = .servfail
        case .nxdomain: self = .nxdomain
        case .nodata: self = .nodata
        }
    }
}

extension StatusReport.Path.Kind {
    init(_ kind: PathConfiguration.Kind) {
        switch kind {
        case .wireGuard: self = .wireguard
        case .ipsec: self = .ipsec
        case .routed: self = .routed
        }
    }
}

extension AlertDelivery.Receiver {
    init(_ receiver: AlertReceiver) {
        switch receiver {
        case .webhook(let url): self = .webhook(url: url)
        case .command(let command): self = .command(command)
        }
    }
}

extension StatusReport.Verdict {
    init(_ verdict: Verdict) {
        switch verdict {
        case .starting: self = .starting
        case .up: self = .up
        case .degraded: self = .degraded
        case .down: self = .down
        case .unknown: self = .unknown
        case .drained: self = .drained
        }
    }
}

extension StatusReport.NetworkState {
    init(_ decision: Decision) {
        switch decision.outcome {
        case .active: self = .up
        case .blocked: self = decision.provisional ? .starting : .blocked
        case .public: self = .public
        }
    }
}
