// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

@testable import Tunnel

/// What wg(8) reads and shows.
enum WgText {
    /// A device as `wg show IF dump` has it, but for the order of a peer's prefixes.
    struct Shown: Equatable {
        var device: [String]
        var peers: [Peer]

        struct Peer: Equatable {
            var key: String
            var presharedKey: String
            var endpoint: String
            var prefixes: Set<String>
            var rest: [String]
        }
    }

    static func shown(by text: String) -> Shown {
        let lines = text.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
        guard let device = lines.first, device.count == 4 else { return Shown(device: [], peers: []) }
        // The public key is made of the private one.
        return Shown(
            device: [device[0], device[2], device[3]],
            peers: lines.dropFirst().filter { $0.count == 8 }.map { fields in
                Shown.Peer(
                    key: fields[0],
                    presharedKey: fields[1],
                    endpoint: fields[2],
                    prefixes: fields[3] == "(none)" ? [] : Set(fields[3].split(separator: ",").map(String.init)),
                    rest: Array(fields[4...])
                )
            }
        )
    }

    static func shown(_ device: WireGuardDevice) -> Shown {
        Shown(
            device: [
                device.privateKey.map { base64($0.bytes) } ?? "(none)", "\(device.listenPort)",
                device.mark == 0 ? "off" : "0x\(String(device.mark, radix: 16))",
            ],
            peers: device.peers.map { peer in
                Shown.Peer(
                    key: peer.publicKey.description,
                    presharedKey: peer.presharedKey.map { base64($0.bytes) } ?? "(none)",
                    endpoint: peer.endpoint?.description ?? "(none)",
                    prefixes: Set(peer.allowedIPs.map(\.description)),
                    rest: ["0", "0", "0", peer.keepalive == 0 ? "off" : "\(peer.keepalive)"]
                )
            }
        )
    }

    /// What `wg setconf` makes such a device of.
    static func configuration(_ shown: Shown, port: UInt16) -> String {
        var lines = ["[Interface]", "ListenPort = \(port)", "FwMark = \(shown.device[2])"]
        if shown.device[0] != "(none)" { lines.append("PrivateKey = \(shown.device[0])") }
        for peer in shown.peers {
            lines += ["[Peer]", "PublicKey = \(peer.key)", "PersistentKeepalive = \(peer.rest[3])"]
            if peer.presharedKey != "(none)" { lines.append("PresharedKey = \(peer.presharedKey)") }
            if peer.endpoint != "(none)" { lines.append("Endpoint = \(peer.endpoint)") }
            lines.append("AllowedIPs = \(peer.prefixes.joined(separator: ","))")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A secret key never prints itself; a public key of the same octets does.
    static func base64(_ octets: [UInt8]) -> String {
        WireGuardPublicKey(bytes: octets)?.description ?? ""
    }
}
