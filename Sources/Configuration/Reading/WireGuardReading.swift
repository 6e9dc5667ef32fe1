// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

extension Reading {
    /// What a path of `kind: wireguard` says of its tunnel.
    ///
    /// - Parameter own: the path's interface.
    func wireGuard(_ section: Section, of path: String, own: InterfaceName?) -> WireGuardConfiguration? {
        let privateKey = key("private-key", in: section, isRequired: true, of: .wireGuard)
        if let key = privateKey?.publicKey {
            declared.ownKeys.append(Sighting(value: key, owner: path, mark: section.mark))
        }
        let listenPort = section["listen-port"].flatMap { node -> UInt16? in
            guard let port = integer(node, "listen-port", in: 1...65535) else { return nil }
            declared.listenPorts.append(Sighting(value: port, owner: path, mark: node.mark))
            return UInt16(port)
        }
        let underlay = section.required("underlay").flatMap { self.underlay($0, of: section, own: own) }
        if underlay?.isMetered == true { declared.meteredPaths.insert(path) }
        let peers = section.required("peers").flatMap { list($0, "peers") }?.compactMap { peer($0, of: path) }
        guard let privateKey, let underlay, let peers else { return nil }
        return WireGuardConfiguration(
            privateKey: privateKey,
            privateKeyFile: section["private-key-file"]?.text.map(pathOfKey),
            listenPort: listenPort,
            underlay: underlay,
            peers: peers
        )
    }
}
