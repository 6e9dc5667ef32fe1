// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

extension StatusReport {
    /// One path of the file.
    public struct Path: Hashable, Sendable, Codable {
        /// What the path is made of.
        public enum Kind: String, Hashable, Sendable, Codable {
            /// A WireGuard tunnel.
            case wireguard
            /// An IPsec tunnel.
            case ipsec
            /// A leased line: a router that is not ours.
            case routed
        }

        /// Who does the work of a tunnel.
        public enum Implementation: String, Hashable, Sendable, Codable {
            /// The kernel's own module.
            case kernel
            /// A process of its own, where the kernel has no such module.
            case userspace
        }

        /// The path's name in the file.
        public var name: PathName
        /// What it is made of.
        public var kind: Kind
        /// Who does the work; null while there is no interface, and where there is no tunnel.
        @ExplicitNull public var implementation: Implementation?
        /// Its kernel interface.
        public var interface: InterfaceName
        /// Where a tunnel's outer packets leave, or a VLAN's tagged ones; null where the interface lies on no other.
        @ExplicitNull public var underlay: InterfaceName?
        /// The routers at a line's end, one a family; none in a tunnel.
        public var gateways: [IPAddress]
        /// Where the peer was last seen.
        @ExplicitNull public var endpoint: SocketEndpoint?
        /// The name that the file gives the peer by, with the port; null where it gives an address, or nothing.
        @ExplicitNull public var endpointName: String?
        /// What the evidence says of it.
        public var verdict: Verdict
        /// Since when; RFC 3339 in UTC.
        public var since: String
        /// Why the verdict is what it is, in words.
        public var reasons: [String]
        /// The interface's MTU in octets.
        @ExplicitNull public var mtu: Int?
        /// Octets of the largest packet that gets through, where that is less than the MTU; null: as far as is known, all.
        @ExplicitNull public var carriedMTU: Int?
        /// Whole seconds since the last handshake; null where there was none.
        @ExplicitNull public var handshakeAgeSeconds: Int?
        /// Octets received since the interface began.
        @ExplicitNull public var rxBytes: UInt64?
        /// Octets sent since the interface began.
        @ExplicitNull public var txBytes: UInt64?
        /// The last thing that went wrong while pnetd worked on the path, until it works again.
        @ExplicitNull public var lastError: String?
        /// Its BFD session; null where the file has none.
        @ExplicitNull public var bfd: BFD?
        /// Its IPsec tunnel; null where it is of another kind.
        @ExplicitNull public var ipsec: IPsec?
        /// Its STAMP session; null where the file has none.
        @ExplicitNull public var stamp: STAMP?
        /// Its STAMP reflector; null where the file has none.
        @ExplicitNull public var reflector: Reflector?

        /// Makes a path's part of a report.
        public init(
            name: PathName,
            kind: Kind,
            implementation: Implementation? = nil,
            interface: InterfaceName,
            underlay: InterfaceName? = nil,
            gateways: [IPAddress] = [],
            endpoint: SocketEndpoint? = nil,
            endpointName: String? = nil,
            verdict: Verdict,
            since: String,
            reasons: [String] = [],
            mtu: Int? = nil,
            carriedMTU: Int? = nil,
            handshakeAgeSeconds: Int? = nil,
            rxBytes: UInt64? = nil,
            txBytes: UInt64? = nil,
            lastError: String? = nil,
            bfd: BFD? = nil,
            ipsec: IPsec? = nil,
            stamp: STAMP? = nil,
            reflector: Reflector? = nil
        ) {
            self.name = name
            self.kind = kind
            self.implementation = implementation
            self.interface = interface
            self.underlay = underlay
            self.gateways = gateways
            self.endpoint = endpoint
            self.endpointName = endpointName
            self.verdict = verdict
            self.since = since
            self.reasons = reasons
            self.mtu = mtu
            self.carriedMTU = carriedMTU
            self.handshakeAgeSeconds = handshakeAgeSeconds
            self.rxBytes = rxBytes
            self.txBytes = txBytes
            self.lastError = lastError
            self.bfd = bfd
            self.ipsec = ipsec
            self.stamp = stamp
            self.reflector = reflector
        }

        /// A BFD session with the path's far end (RFC 5880).
        public struct BFD: Hashable, Sendable, Codable {
            /// The far end's address on the path.
            public var peer: IPAddress
            /// The state of our end.
            public var state: BFDState
            /// The state that the far end gave last.
            public var remoteState: BFDState
            /// Since when our end is in its state; RFC 3339 in UTC.
            public var since: String
            /// Why our end last left Up, in the RFC's words; "no diagnostic" while it is up.
            public var diagnostic: String
            /// The same of the far end, as it says.
            public var remoteDiagnostic: String
            /// From the far end's last packet to the conclusion that it is not heard, in milliseconds; null before any
            /// packet.
            @ExplicitNull public var detectionMs: Double?
            /// What both ends sign with, without the secret; null where neither signs.
            @ExplicitNull public var authentication: String?
            /// Packets that were discarded, by what was wrong with them, in words; the least frequent last.
            public var refused: [String]

            /// Makes a session's part of a path's.
            public init(
                peer: IPAddress,
                state: BFDState,
                remoteState: BFDState,
                since: String,
                diagnostic: String,
                remoteDiagnostic: String,
                detectionMs: Double?,
                authentication: String? = nil,
                refused: [String] = []
            ) {
                self.peer = peer
                self.state = state
                self.remoteState = remoteState
                self.since = since
                self.diagnostic = diagnostic
                self.remoteDiagnostic = remoteDiagnostic
                self.detectionMs = detectionMs
                self.authentication = authentication
                self.refused = refused
            }
        }
    }
}
