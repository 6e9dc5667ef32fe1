// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// A path, as the file asks for it.
public struct PathConfiguration: Equatable, Sendable {
    /// How packets get across.
    public enum Kind: Equatable, Sendable {
        /// In a WireGuard tunnel.
        case wireGuard(WireGuardConfiguration)
        /// In an IPsec tunnel.
        case ipsec(IPsecConfiguration)
        /// By a router that is not ours.
        case routed(RoutedConfiguration)
    }

    /// The path's name.
    public let name: PathName
    /// The interface. A tunnel's, and a leased line's with a VLAN of its own, is created and owned by pnetd.
    public let interface: InterfaceName
    /// The addresses that the interface is given, at least one; none where it is not pnetd's.
    public let addresses: [InterfaceAddress]
    /// Octets of the largest packet; nil: as many as the interface takes, or the tunnel's underlay less what it adds.
    public let mtu: Int?
    /// Sources behind us that leave by the path with its own address, since the far end has no route back to them or
    /// knows others by the same addresses.
    public let natSources: [IPPrefix]
    /// What probes and what the host itself sends by the path leave from, one a family; of another family, the
    /// interface's first address.
    public let sources: [IPAddress]
    /// How packets get across.
    public private(set) var kind: Kind
    /// The BFD session with the far end, where there is one.
    public let bfd: BFDConfiguration?
    /// The STAMP session with the far end's reflector, where there is one.
    public let stamp: STAMPConfiguration?
    /// The reflector for the far end's STAMP sessions, where there is one.
    public let stampReflector: STAMPReflectorConfiguration?

    /// What the path carries beside its networks' traffic: those whom pnetd itself speaks with at its far end.
    public var farEnds: [IPPrefix] {
        [bfd?.peer, stamp?.peer.address].compactMap { $0.map(IPPrefix.init(host:)) } + (stampReflector?.allowed ?? [])
    }

    /// Its tunnel, where it is a WireGuard path.
    public var wireGuard: WireGuardConfiguration? {
        guard case .wireGuard(let tunnel) = kind else { return nil }
        return tunnel
    }

    /// Its tunnel, where it is an IPsec path.
    public var ipsec: IPsecConfiguration? {
        guard case .ipsec(let tunnel) = kind else { return nil }
        return tunnel
    }

    /// Its line, where it is a routed path.
    public var routed: RoutedConfiguration? {
        guard case .routed(let line) = kind else { return nil }
        return line
    }

    /// Gives its WireGuard tunnel another key; a path of another kind has none.
    mutating func replacePrivateKey(with key: WireGuardSecretKey) {
        guard case .wireGuard(var tunnel) = kind else { return }
        tunnel.privateKey = key
        kind = .wireGuard(tunnel)
    }

    /// The peers of its WireGuard tunnel; none where it is of another kind.
    public var peers: [PeerConfiguration] { wireGuard?.peers ?? [] }

    /// Where a tunnel's outer packets leave, and nowhere else; nil where there is no tunnel.
    public var underlay: UnderlayConfiguration? { wireGuard?.underlay ?? ipsec?.underlay }

    /// Whether every packet by it costs.
    public var isMetered: Bool { underlay?.isMetered ?? routed?.isMetered ?? false }
}

/// A WireGuard tunnel, as the file asks for it.
public struct WireGuardConfiguration: Equatable, Sendable {
    /// Our key.
    public internal(set) var privateKey: WireGuardSecretKey
    /// The file that it is in; nil for a credential.
    public let privateKeyFile: String?
    /// The UDP port that peers know; nil: any.
    public let listenPort: UInt16?
    /// Where outer packets leave.
    public let underlay: UnderlayConfiguration
    /// The peers, at least one.
    public let peers: [PeerConfiguration]
}

/// A leased line, as the file asks for it: an interface, and whoever carries packets on behind it.
public struct RoutedConfiguration: Hashable, Sendable {
    /// The routers, at least one, one a family. Prefixes of another family do not go by the path.
    public let gateways: [IPAddress]
    /// The VLAN that the interface is made for; nil: the interface is the operator's, and is only used.
    public let vlan: VLANConfiguration?
    /// Whether every packet costs.
    public let isMetered: Bool
}

/// A VLAN of an interface, as the file asks for it (IEEE 802.1Q).
public struct VLANConfiguration: Hashable, Sendable {
    /// The interface that the tagged packets leave by.
    public let parent: InterfaceName
    /// The VLAN's number, 1 to 4094.
    public let id: UInt16
}

/// A BFD session, as the file asks for it.
public struct BFDConfiguration: Hashable, Sendable {
    /// The far end's address on the path.
    public let peer: IPAddress
    /// The path's own address, of the same family; nil: whichever the interface, which is not pnetd's, has for the peer.
    public let local: IPAddress?
    /// The time between packets, both ways, once the session is up; 10 ms to 10 s.
    public let interval: Duration
    /// How many packets in a row may be missed, the last one included; not 0.
    public let multiplier: UInt8
    /// The least TTL or hop limit of what counts, where the far end is several hops away; nil: it is one hop away.
    public let minimumTTL: Int?
    /// What both ends sign with; nil: neither signs.
    public let key: BFDKey?
}

/// A STAMP session's sender, as the file asks for it.
public struct STAMPConfiguration: Hashable, Sendable {
    /// The reflector, by an address on the path.
    public let peer: SocketEndpoint
    /// The path's own address, of the same family.
    public let local: IPAddress
    /// The time between questions; 20 ms to 10 s.
    public let interval: Duration
}

/// A STAMP reflector, as the file asks for it.
public struct STAMPReflectorConfiguration: Hashable, Sendable {
    /// Where it listens, at one of the path's own addresses.
    public let local: SocketEndpoint
    /// Who may ask, of the same family.
    public let allowed: [IPPrefix]
}

/// The interface that a tunnel's outer packets leave by.
public struct UnderlayConfiguration: Hashable, Sendable {
    /// Who is asked to carry the outer packets on.
    public enum Gateways: Hashable, Sendable {
        /// The default gateways of the interface, as the kernel has them at any moment.
        case auto
        /// These, one a family.
        case addresses([IPAddress])
    }

    /// Who is asked for the endpoints that have names.
    public enum Resolvers: Hashable, Sendable {
        /// Those that the interface was given by its own network, as the host has them at any moment.
        case auto
        /// These, the first one first.
        case endpoints([SocketEndpoint])
    }

    /// The interface.
    public let interface: InterfaceName
    /// The gateways.
    public let gateways: Gateways
    /// The resolvers.
    public let resolvers: Resolvers
    /// Whether every packet costs.
    public let isMetered: Bool
}

/// A WireGuard peer, as the file asks for it.
public struct PeerConfiguration: Equatable, Sendable {
    /// What the peer may send and is sent.
    public enum AllowedIPs: Hashable, Sendable {
        /// The prefixes of the networks that use the path, and of the path's own addresses.
        case auto
        /// These.
        case prefixes([IPPrefix])
    }

    /// The peer's key.
    public let publicKey: WireGuardPublicKey
    /// The key that takes the other's place as soon as the peer uses it.
    public let nextPublicKey: WireGuardPublicKey?
    /// The key shared with the peer beside it, where there is one.
    public let presharedKey: WireGuardSecretKey?
    /// Where the peer is; nil: it finds us.
    public let endpoint: HostEndpoint?
    /// How often an idle tunnel is used all the same, in whole seconds; nil or zero: never.
    public let persistentKeepalive: Duration?
    /// What the peer may send and is sent.
    public let allowedIPs: AllowedIPs
}
