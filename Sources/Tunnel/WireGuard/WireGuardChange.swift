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
    /// In the order in which they are told; one that loses prefixes may be named twice.
    var peers: [Peer] = []

    var isEmpty: Bool { privateKey == nil && listenPort == nil && mark == nil && peers.isEmpty }

    /// Compares.
    ///
    /// - Parameter toldBefore: the endpoints of the file as this interface was last told them. A peer that has
    ///   roamed since keeps the endpoint that it was heard at; one whose line in the file changed gets the new one.
    /// - Parameter strays: the peers that somebody else sent elsewhere, each with where it was before.
    init(
        from device: WireGuardDevice,
        to settings: WireGuardSettings,
        toldBefore: [WireGuardPublicKey: SocketEndpoint],
        strays: [WireGuardPublicKey: SocketEndpoint] = [:]
    ) {
        if device.privateKey != settings.privateKey { privateKey = settings.privateKey }
        if let port = settings.listenPort, port != device.listenPort { listenPort = port }
        if device.mark != settings.mark { mark = settings.mark }
        let known = Dictionary(device.peers.map { ($0.publicKey, $0) }, uniquingKeysWith: { first, _ in first })
        let wanted = Set(settings.peers.map(\.publicKey))
        // A prefix that is given to a peer moves there from whoever has it, and is nobody's at no moment. So all are given
        // first, and taken only from those that still have too much then.
        peers =
            settings.peers.compactMap {
                Self.change(
                    from: known[$0.publicKey],
                    to: $0,
                    toldBefore: toldBefore[$0.publicKey],
                    home: strays[$0.publicKey]
                )
            } + Self.losses(from: known, to: settings)
            + device.peers.filter { !wanted.contains($0.publicKey) }.map { Peer(publicKey: $0.publicKey, remove: true) }
    }

    /// The peers that have prefixes which nobody is to have any more. WireGuard takes single prefixes from nobody: what such
    /// a peer keeps is put anew, and is gone for a moment.
    private static func losses(
        from known: [WireGuardPublicKey: WireGuardDevice.Peer],
        to settings: WireGuardSettings
    ) -> [Peer] {
        let shrinking = settings.peers.filter { peer in
            known[peer.publicKey].map { !$0.allowedIPs.isSubset(of: peer.allowedIPs) } ?? false
        }
        guard !shrinking.isEmpty else { return [] }
        let given = settings.peers.reduce(into: Set<IPPrefix>()) { $0.formUnion($1.allowedIPs) }
        return shrinking.filter { known[$0.publicKey]?.allowedIPs.isSubset(of: given) == false }.map {
            Peer(publicKey: $0.publicKey, allowedIPs: $0.allowedIPs)
        }
    }

    private static func change(
        from peer: WireGuardDevice.Peer?,
        to wanted: WireGuardSettings.Peer,
        toldBefore: SocketEndpoint?,
        home: SocketEndpoint?
    ) -> Peer? {
        var change = Peer(publicKey: wanted.publicKey)
        guard let peer else {
            change.presharedKey = wanted.presharedKey
            change.endpoint = wanted.endpoint
            if wanted.keepalive != 0 { change.keepalive = wanted.keepalive }
            // It has none that these could take the place of.
            (change.allowedIPs, change.keepsAllowedIPs) = (wanted.allowedIPs, true)
            return change
        }
        if peer.presharedKey != wanted.presharedKey { change.presharedKey = wanted.presharedKey ?? .zero }
        let isNews = peer.endpoint == nil || toldBefore != wanted.endpoint
        if peer.endpoint != wanted.endpoint {
            if isNews { change.endpoint = wanted.endpoint } else if peer.endpoint != home { change.endpoint = home }
        }
        if peer.keepalive != wanted.keepalive { change.keepalive = wanted.keepalive }
        let gained = wanted.allowedIPs.subtracting(peer.allowedIPs)
        if !gained.isEmpty { (change.allowedIPs, change.keepsAllowedIPs) = (gained, true) }
        return change == Peer(publicKey: wanted.publicKey) ? nil : change
    }
}

extension WireGuardSecretKey {
    static let zero = WireGuardSecretKey(bytes: Array(repeating: 0, count: 32))
}
