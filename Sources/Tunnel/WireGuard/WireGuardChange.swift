// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// What has to be told to a WireGuard interface, and nothing beyond: a peer that is as it should be is not named, so
/// its session goes on. REPLACE_PEERS is never used.
struct WireGuardChange: Hashable {
    struct Peer: Hashable {
        var publicKey: WireGuardPublicKey
        var remove = false
        /// The zero key takes a preshared key away.
        var presharedKey: WireGuardSecretKey?
        var endpoint: SocketEndpoint?
        var keepalive: UInt16?
        /// Takes the place of all earlier ones, where given; a prefix that another peer has moves here from there.
        var allowedIPs: Set<IPPrefix>?
        /// Whether `allowedIPs` come beside the earlier ones instead.
        var keepsAllowedIPs = false
    }

    var privateKey: WireGuardSecretKey?
    var listenPort: UInt16?
    var mark: UInt32?
    var peers: [Peer] = []

    var isEmpty: Bool { privateKey == nil && listenPort == nil && mark == nil && peers.isEmpty }

    /// Compares.
    ///
    /// - Parameter toldBefore: the endpoints of the file as this interface was last told them. A peer that has
    ///   roamed since keeps the endpoint that it was heard at; one whose line in the file changed gets the new one.
    init(
        from device: WireGuardDevice,
        to settings: WireGuardSettings,
        toldBefore: [WireGuardPublicKey: SocketEndpoint]
    ) {
        if device.privateKey != settings.privateKey { privateKey = settings.privateKey }
        if let port = settings.listenPort, port != device.listenPort { listenPort = port }
        if device.mark != settings.mark { mark = settings.mark }
        let known = Dictionary(device.peers.map { ($0.publicKey, $0) }, uniquingKeysWith: { first, _ in first })
        let wanted = Set(settings.peers.map(\.publicKey))
        peers =
            device.peers.filter { !wanted.contains($0.publicKey) }.map { Peer(publicKey: $0.publicKey, remove: true) }
            + settings.peers.compactMap { Self.change(from: known[$0.publicKey], to: $0, toldBefore: toldBefore) }
    }

    private static func change(
        from peer: WireGuardDevice.Peer?,
        to wanted: WireGuardSettings.Peer,
        toldBefore: [WireGuardPublicKey: SocketEndpoint]
    ) -> Peer? {
        var change = Peer(publicKey: wanted.publicKey)
        guard let peer else {
            change.presharedKey = wanted.presharedKey
            change.endpoint = wanted.endpoint
            change.keepalive = wanted.keepalive
            change.allowedIPs = wanted.allowedIPs
            return change
        }
        if peer.presharedKey != wanted.presharedKey { change.presharedKey = wanted.presharedKey ?? .zero }
        let isNews = peer.endpoint == nil || toldBefore[wanted.publicKey] != wanted.endpoint
        if isNews, peer.endpoint != wanted.endpoint { change.endpoint = wanted.endpoint }
        if peer.keepalive != wanted.keepalive { change.keepalive = wanted.keepalive }
        if peer.allowedIPs != wanted.allowedIPs {
            // Replaced, those that stay would be gone for a moment, and their packets with them.
            change.keepsAllowedIPs = peer.allowedIPs.isSubset(of: wanted.allowedIPs)
            change.allowedIPs =
                change.keepsAllowedIPs ? wanted.allowedIPs.subtracting(peer.allowedIPs) : wanted.allowedIPs
        }
        return change == Peer(publicKey: wanted.publicKey) ? nil : change
    }
}

extension WireGuardSecretKey {
    static let zero = WireGuardSecretKey(bytes: Array(repeating: 0, count: 32))
}
