// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// A WireGuard interface as the file wants it.
public struct WireGuardSettings: Hashable, Sendable {
    /// A peer as the file wants it.
    public struct Peer: Hashable, Sendable {
        /// Who it is.
        public var publicKey: WireGuardPublicKey
        /// Mixed into every handshake; nil for none.
        public var presharedKey: WireGuardSecretKey?
        /// Where it is called; nil for one that calls us, and while that is not known.
        public var endpoint: SocketEndpoint?
        /// The name whose address is not known yet.
        public var awaitedHost: DomainName?
        /// Seconds between keepalives; 0 for none.
        public var keepalive: UInt16
        /// What may come from it and what goes to it.
        public var allowedIPs: Set<IPPrefix>

        /// Makes a peer.
        public init(
            publicKey: WireGuardPublicKey,
            presharedKey: WireGuardSecretKey?,
            endpoint: SocketEndpoint?,
            awaitedHost: DomainName? = nil,
            keepalive: UInt16,
            allowedIPs: Set<IPPrefix>
        ) {
            self.publicKey = publicKey
            self.presharedKey = presharedKey
            self.endpoint = endpoint
            self.awaitedHost = awaitedHost
            self.keepalive = keepalive
            self.allowedIPs = allowedIPs
        }
    }

    /// Who we are.
    public var privateKey: WireGuardSecretKey
    /// The UDP port; nil leaves the choice to the kernel.
    public var listenPort: UInt16?
    /// The mark on outer packets.
    public var mark: UInt32
    /// The peers.
    public var peers: [Peer]

    /// Makes settings.
    public init(privateKey: WireGuardSecretKey, listenPort: UInt16?, mark: UInt32, peers: [Peer]) {
        self.privateKey = privateKey.clamped
        self.listenPort = listenPort
        self.mark = mark
        self.peers = peers
    }
}

/// A WireGuard interface as it is (linux/wireguard.h, WG_CMD_GET_DEVICE).
public struct WireGuardDevice: Hashable, Sendable {
    /// A peer as it is.
    public struct Peer: Hashable, Sendable {
        /// Who it is.
        public var publicKey: WireGuardPublicKey
        /// Mixed into every handshake; nil for none.
        public var presharedKey: WireGuardSecretKey?
        /// Where it was heard last, or is called.
        public var endpoint: SocketEndpoint?
        /// Seconds between keepalives; 0 for none.
        public var keepalive: UInt16 = 0
        /// What may come from it and what goes to it.
        public var allowedIPs: Set<IPPrefix> = []
        /// When the last handshake was done, in nanoseconds since 1970 by the wall clock; nil for never.
        public var lastHandshake: Int64?
        /// Octets received from it, WireGuard's own included.
        public var received: UInt64 = 0
        /// Octets sent to it, WireGuard's own included.
        public var sent: UInt64 = 0
    }

    /// Who we are; nil where nobody has said yet.
    public var privateKey: WireGuardSecretKey?
    /// The UDP port; 0 before the interface was first up.
    public var listenPort: UInt16 = 0
    /// The mark on outer packets; 0 for none.
    public var mark: UInt32 = 0
    /// The peers.
    public var peers: [Peer] = []
}

extension WireGuardDevice.Peer {
    /// The time of a handshake in nanoseconds; nil for never, which is zero, and for what no clock says.
    static func instant(seconds: Int64, nanoseconds: Int64) -> Int64? {
        guard seconds >= 0, (0..<1_000_000_000).contains(nanoseconds), seconds < Int64.max / 1_000_000_000 else {
            return nil
        }
        let instant = seconds * 1_000_000_000 + nanoseconds
        return instant == 0 ? nil : instant
    }
}
