// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes
public import PathHealth

/// What the file and the decisions ask of the kernel.
public struct Desired: Hashable, Sendable {
    /// A WireGuard path.
    public struct Path: Hashable, Sendable {
        /// Its name.
        public var name: PathName
        /// Its number among the reserved ones, 1 to ``ReservedNumbers/pathLimit``.
        public var slot: Int
        /// Its interface.
        public var interface: InterfaceName
        /// The interface's addresses.
        public var addresses: [InterfaceAddress]
        /// The interface's MTU; nil: what is known of the way to the peers, less what WireGuard adds.
        public var mtu: Int?
        /// Octets of the largest packet that was seen to get through, where the interface takes larger ones; nil: all
        /// that it takes.
        public var carriedMTU: Int?
        /// Whether the file has an IPv4 address for every peer's endpoint. A name's address may be of the other family
        /// with the next answer, and a peer without an endpoint may call by either.
        public var callsOverIPv4Only: Bool
        /// The interface that outer packets leave by.
        public var underlay: InterfaceName
        /// The underlay's gateways; nil: those of its default routes.
        public var gateways: [IPAddress]?
        /// Sources that leave with the path's own address.
        public var natSources: [IPPrefix]
        /// Keys and peers; the mark on outer packets is filled in.
        public var wireGuard: WireGuardSettings

        /// Makes a path.
        public init(
            name: PathName,
            slot: Int,
            interface: InterfaceName,
            addresses: [InterfaceAddress],
            mtu: Int?,
            carriedMTU: Int? = nil,
            callsOverIPv4Only: Bool = false,
            underlay: InterfaceName,
            gateways: [IPAddress]?,
            natSources: [IPPrefix] = [],
            wireGuard: WireGuardSettings
        ) {
            self.name = name
            self.slot = slot
            self.interface = interface
            self.addresses = addresses
            self.mtu = mtu
            self.carriedMTU = carriedMTU
            self.callsOverIPv4Only = callsOverIPv4Only
            self.underlay = underlay
            self.gateways = gateways
            self.natSources = natSources
            self.wireGuard = wireGuard
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
            outcome: Outcome,
            mtu: Int? = nil,
            canary: Canary? = nil
        ) {
            self.name = name
            self.slot = slot
            self.prefixes = prefixes
            self.paths = paths
            self.outcome = outcome
            self.mtu = mtu
            self.canary = canary
        }
    }

    /// The numbers that are ours.
    public var reserved: ReservedNumbers
    /// The paths.
    public var paths: [Path]
    /// The networks.
    public var networks: [Network]

    /// Makes a wish.
    public init(reserved: ReservedNumbers, paths: [Path], networks: [Network]) {
        self.reserved = reserved
        self.paths = paths
        self.networks = networks
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
                    natSources: path.natSources.isEmpty ? nil : path.natSources
                )
            },
            markMask: reserved.markMask
        )
    }
}
