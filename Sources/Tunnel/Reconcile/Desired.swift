// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes
public import PathHealth

/// What the file and the decisions ask of the kernel.
public struct Desired: Hashable, Sendable {
    /// A path.
    public struct Path: Hashable, Sendable {
        /// How packets get across.
        public enum Kind: Hashable, Sendable {
            /// In a WireGuard tunnel, on an interface of ours.
            case wireGuard(WireGuardTunnel)
            /// In an IPsec tunnel, on an xfrm interface of ours; keys and policies are an IKE daemon's affair.
            case ipsec(IPsecTunnel)
            /// By routers that are not ours.
            case routed(Line)
        }

        /// A WireGuard tunnel.
        public struct WireGuardTunnel: Hashable, Sendable {
            /// Keys and peers; the mark on outer packets is filled in.
            public var settings: WireGuardSettings
            /// Whether the file has an IPv4 address for every peer's endpoint. A name's address may be of the other family
            /// with the next answer, and a peer without an endpoint may call by either.
            public var callsOverIPv4Only: Bool
            /// Where outer packets leave.
            public var underlay: Underlay

            /// Makes a tunnel.
            public init(settings: WireGuardSettings, callsOverIPv4Only: Bool, underlay: Underlay) {
                self.settings = settings
                self.callsOverIPv4Only = callsOverIPv4Only
                self.underlay = underlay
            }
        }

        /// An IPsec tunnel.
        public struct IPsecTunnel: Hashable, Sendable {
            /// The other end; nil while its name's address is not known.
            public var remote: IPAddress?
            /// Where outer packets leave, those of IKE among them.
            public var underlay: Underlay
            /// Octets of the largest packet that the other end takes, however much the way lets through; nil: no limit.
            public var largestPacket: Int?

            /// Makes a tunnel.
            public init(to remote: IPAddress?, underlay: Underlay, largestPacket: Int? = nil) {
                self.remote = remote
                self.underlay = underlay
                self.largestPacket = largestPacket
            }
        }

        /// Where a tunnel's outer packets leave, and nowhere else.
        public struct Underlay: Hashable, Sendable {
            /// The interface.
            public var interface: InterfaceName
            /// Its gateways; nil: those of its default routes.
            public var gateways: [IPAddress]?

            /// Makes an underlay.
            public init(_ interface: InterfaceName, gateways: [IPAddress]?) {
                self.interface = interface
                self.gateways = gateways
            }
        }

        /// A leased line, or any other link with somebody's router at its end.
        public struct Line: Hashable, Sendable {
            /// The routers, one a family. A family without one does not go by the path.
            public var gateways: [IPAddress]
            /// The VLAN that the interface is made for; nil: the interface is not ours, and nothing of it is changed.
            public var vlan: VLAN?
            /// Who is spoken with behind the routers, beside the networks' hosts.
            public var farEnds: [IPPrefix]

            /// Makes a line.
            public init(gateways: [IPAddress], vlan: VLAN?, farEnds: [IPPrefix] = []) {
                self.gateways = gateways
                self.vlan = vlan
                self.farEnds = farEnds
            }
        }

        /// A VLAN of an interface (IEEE 802.1Q).
        public struct VLAN: Hashable, Sendable {
            /// The interface that tagged packets leave by.
            public var parent: InterfaceName
            /// Its number, 1 to 4094.
            public var id: UInt16

            /// Makes a VLAN.
            public init(id: UInt16, of parent: InterfaceName) {
                self.id = id
                self.parent = parent
            }
        }

        /// Its name.
        public var name: PathName
        /// Its number among the reserved ones, 1 to ``ReservedNumbers/pathLimit``.
        public var slot: Int
        /// Its interface.
        public var interface: InterfaceName
        /// The addresses that the interface is given; none where it is not ours.
        public var addresses: [InterfaceAddress]
        /// Octets of the largest packet; nil: as many as the interface takes, or what is known of the way to a tunnel's
        /// peers, less what the tunnel adds.
        public var mtu: Int?
        /// Octets of the largest packet that was seen to get through, where the interface takes larger ones; nil: all
        /// that it takes.
        public var carriedMTU: Int?
        /// Sources that leave with the path's own address.
        public var natSources: [IPPrefix]
        /// What this host's own packets leave from, one a family; of another family, the kernel chooses among the
        /// interface's addresses.
        public var sources: [IPAddress]
        /// How packets get across.
        public var kind: Kind

        /// Makes a path.
        public init(
            name: PathName,
            slot: Int,
            interface: InterfaceName,
            addresses: [InterfaceAddress],
            mtu: Int?,
            carriedMTU: Int? = nil,
            natSources: [IPPrefix] = [],
            sources: [IPAddress] = [],
            kind: Kind
        ) {
            self.name = name
            self.slot = slot
            self.interface = interface
            self.addresses = addresses
            self.mtu = mtu
            self.carriedMTU = carriedMTU
            self.natSources = natSources
            self.sources = sources
            self.kind = kind
        }

        /// Its WireGuard settings; nil, and nothing to set, where it is of another kind.
        public var wireGuard: WireGuardSettings? {
            get { if case .wireGuard(let tunnel) = kind { tunnel.settings } else { nil } }
            set {
                guard case .wireGuard(var tunnel) = kind, let newValue else { return }
                tunnel.settings = newValue
                kind = .wireGuard(tunnel)
            }
        }

        /// Where its outer packets leave; nil where it is no tunnel.
        public var underlay: Underlay? {
            switch kind {
            case .wireGuard(let tunnel): tunnel.underlay
            case .ipsec(let tunnel): tunnel.underlay
            case .routed: nil
            }
        }

        /// Its tunnel by IPsec; nil where it is of another kind.
        public var ipsec: IPsecTunnel? {
            if case .ipsec(let tunnel) = kind { tunnel } else { nil }
        }

        /// The addresses that outer packets go to, as far as they are known.
        var farEnds: [IPAddress] {
            switch kind {
            case .wireGuard(let tunnel): tunnel.settings.peers.compactMap(\.endpoint?.address)
            case .ipsec(let tunnel): [tunnel.remote].compactMap(\.self)
            case .routed: []
            }
        }

        /// Its line; nil where it is of another kind.
        public var line: Line? {
            if case .routed(let line) = kind { line } else { nil }
        }

        /// Whether its interface is ours to make and to configure.
        public var ownsInterface: Bool { line.map { $0.vlan != nil } ?? true }

        /// The interfaces that have to carry for it to carry anything.
        public var interfaces: [InterfaceName] {
            [interface] + [underlay?.interface, line?.vlan?.parent].compactMap(\.self)
        }
    }

    /// A network and its decision.
    public struct Network: Hashable, Sendable {
        /// Its name.
        public var name: NetworkName
        /// Its number among the reserved ones, 1 to ``ReservedNumbers/networkLimit``.
        public var slot: Int
        /// What is protected.
        public var prefixes: [IPPrefix]
        /// All its paths.
        public var paths: [PathName]
        /// The weights of those of its paths that may carry together with others; empty where none may.
        public var weights: [PathName: Int]
        /// Where its traffic leads now.
        public var outcome: Outcome
        /// Octets of the largest packet to it; nil: as many as the path takes.
        public var mtu: Int?
        /// A part of it whose traffic goes by another path for a while.
        public var canary: Canary?

        /// A prefix within those of a network, and one of its paths.
        public struct Canary: Hashable, Sendable {
            /// The prefix.
            public var prefix: IPPrefix
            /// The path.
            public var path: PathName

            /// Leads a prefix by a path.
            public init(_ prefix: IPPrefix, by path: PathName) {
                self.prefix = prefix
                self.path = path
            }
        }

        /// Makes a network.
        public init(
            name: NetworkName,
            slot: Int,
            prefixes: [IPPrefix],
            paths: [PathName],
            weights: [PathName: Int] = [:],
            outcome: Outcome,
            mtu: Int? = nil,
            canary: Canary? = nil
        ) {
            self.name = name
            self.slot = slot
            self.prefixes = prefixes
            self.paths = paths
            self.weights = weights
            self.outcome = outcome
            self.mtu = mtu
            self.canary = canary
        }

        /// The id of the group that its prefixes are routed to.
        func group(_ rank: ReservedNumbers.Rank, _ family: AddressFamily, _ reserved: ReservedNumbers) -> UInt32 {
            rank == .active && !weights.isEmpty
                ? reserved.sharedGroup(ofNetwork: slot, family) : reserved.group(ofNetwork: slot, rank, family)
        }
    }

    /// The numbers that are ours.
    public var reserved: ReservedNumbers
    /// The paths.
    public var paths: [Path]
    /// The networks.
    public var networks: [Network]
    /// Sets of names whose addresses the firewall holds; see ``Reconciler/hold(_:)``.
    public var nameSets: [NameSetName]

    /// Makes a wish.
    public init(reserved: ReservedNumbers, paths: [Path], networks: [Network], nameSets: [NameSetName] = []) {
        self.nameSets = nameSets
        self.reserved = reserved
        self.paths = paths
        self.networks = networks
    }

    /// What keeps packets of IPsec paths from leaving unprotected.
    var blocks: Set<BlockPolicy> {
        paths.filter { $0.ipsec != nil }.reduce(into: []) {
            $0.formUnion(BlockPolicy.all(interfaceID: reserved.xfrmInterfaceID($1.slot)))
        }
    }

    /// What the guard table has to hold.
    var `guard`: Guard {
        Guard(
            networks: networks.map { network in
                Guard.Network(
                    slot: network.slot,
                    name: network.name,
                    prefixes: network.prefixes,
                    interfaces: paths.filter { network.paths.contains($0.name) }.map(\.interface)
                )
            },
            paths: paths.map { path in
                Guard.Path(
                    name: path.name,
                    interface: path.interface,
                    addresses: path.addresses.map(\.address),
                    mark: reserved.pathMark(path.slot),
                    natSources: path.natSources.isEmpty ? nil : path.natSources,
                    networksAlone: path.ownsInterface
                        ? nil : networks.filter { $0.paths.contains(path.name) }.map(\.slot),
                    requestID: path.ipsec == nil ? nil : reserved.xfrmInterfaceID(path.slot)
                )
            },
            markMask: reserved.markMask,
            nameSets: nameSets.isEmpty ? nil : nameSets
        )
    }
}
