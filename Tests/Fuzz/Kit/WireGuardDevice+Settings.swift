// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
public import Tunnel

extension WireGuardDevice {
    /// What has to be asked for to get such a device.
    public var settings: WireGuardSettings {
        WireGuardSettings(
            // No key is the zero key, which as any other is stored clamped.
            privateKey: privateKey ?? .zero,
            listenPort: listenPort,
            mark: mark,
            peers: peers.map { peer in
                WireGuardSettings.Peer(
                    publicKey: peer.publicKey,
                    presharedKey: peer.presharedKey,
                    endpoint: peer.endpoint,
                    keepalive: peer.keepalive,
                    allowedIPs: peer.allowedIPs
                )
            }
        )
    }

    /// The device that such settings make, before anything has happened on it.
    public var fresh: WireGuardDevice {
        var device = self
        device.privateKey = settings.privateKey
        for index in device.peers.indices {
            device.peers[index].lastHandshake = nil
            device.peers[index].received = 0
            device.peers[index].sent = 0
        }
        return device
    }
}

extension WireGuardSecretKey {
    fileprivate static var zero: WireGuardSecretKey {
        guard let key = WireGuardSecretKey(bytes: [UInt8](repeating: 0, count: 32)) else {
            preconditionFailure("32 octets are a key")
        }
        return key
    }
}
