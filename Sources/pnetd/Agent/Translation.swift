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

extension NetworkPolicy {
    init(_ network: NetworkConfiguration) {
        let need: TargetNeed =
            switch network.targets.need {
            case .any: .any
            case .all: .all
            case .count(let count): .count(count)
            }
        let failback: PathHealth.Failback =
            switch network.failback {
            case .auto(let after): .automatic(after: after)
            case .manual: .manual
            }
        let targets = network.targets.list.map { target in
            switch target {
            case .icmp(let address): Target.icmp(address)
            }
        }
        self.init(
            network: network.name,
            paths: network.paths,
            targets: targets,
            need: need,
            detectWithin: network.detectWithin,
            failback: failback,
            whenDown: network.whenDown == .block ? .block : .public
        )
    }
}

extension Desired {
    /// What the file asks of the kernel, with each network's traffic led as given.
    init(_ site: SiteConfiguration, slots: SavedState, outcomes: [NetworkName: Outcome]) {
        self.init(
            reserved: ReservedNumbers(site.reserve),
            paths: site.paths.map { path in
                let own = site.networks.filter { $0.paths.contains(path.name) }.flatMap(\.prefixes)
                return Desired.Path(path, slot: slots.pathSlots[path.name.text] ?? 0, prefixes: own)
            },
            networks: site.networks.map { network in
                Desired.Network(
                    name: network.name,
                    slot: slots.networkSlots[network.name.text] ?? 0,
                    prefixes: network.prefixes,
                    paths: network.paths,
                    outcome: outcomes[network.name] ?? .blocked,
                    mtu: network.mtu
                )
            }
        )
    }
}

extension Desired.Path {
    init(_ path: PathConfiguration, slot: Int, prefixes: [IPPrefix]) {
        let gateways: [IPAddress]? =
            switch path.underlay.gateways {
            case .auto: nil
            case .addresses(let addresses): addresses
            }
        let peers = path.peers.map { peer in
            let allowed: [IPPrefix] =
                switch peer.allowedIPs {
                case .auto: prefixes
                case .prefixes(let listed): listed
                }
            return WireGuardSettings.Peer(
                publicKey: peer.publicKey,
                presharedKey: peer.presharedKey,
                endpoint: peer.endpoint?.address,
                keepalive: UInt16(clamping: peer.persistentKeepalive?.components.seconds ?? 0),
                allowedIPs: Set(allowed)
            )
        }
        self.init(
            name: path.name,
            slot: slot,
            interface: path.interface,
            addresses: path.addresses,
            mtu: path.mtu,
            callsOverIPv4Only: path.peers.allSatisfy { $0.endpoint?.address?.address.family == .ipv4 },
            underlay: path.underlay.interface,
            gateways: gateways,
            natSources: path.natSources,
            wireGuard: WireGuardSettings(
                privateKey: path.privateKey,
                listenPort: path.listenPort,
                mark: 0,
                peers: peers
            )
        )
    }
}

extension HostEndpoint {
    /// The endpoint, where the host is given by address.
    fileprivate var address: SocketEndpoint? {
        guard case .address(let address) = host else { return nil }
        return SocketEndpoint(address: address, port: port)
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

extension ResolverSnapshot.Zone.Source {
    init(_ source: ZoneConfiguration.Source) {
        switch source {
        case .records(let records): self = .records(records)
        case .forward(let servers): self = .forward(servers)
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
