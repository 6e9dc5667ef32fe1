// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

extension Reading {
    /// One peer of a path.
    func peer(_ node: YAMLNode, of path: String) -> PeerConfiguration? {
        guard
            let section = Section(
                node,
                of: "a peer of path '\(path)'",
                keys: [
                    "public-key", "next-public-key", "preshared-key-file", "preshared-key-credential", "endpoint",
                    "persistent-keepalive",
                    "allowed-ips",
                ],
                reading: self
            )
        else { return nil }
        let publicKey = section.required("public-key").flatMap { self.publicKey($0, "public-key", of: path) }
        let nextPublicKey = section["next-public-key"].flatMap { self.publicKey($0, "next-public-key", of: path) }
        let presharedKey = key("preshared-key", in: section, isRequired: false, of: .preshared)
        let endpoint = section["endpoint"].flatMap { self.peerEndpoint($0, of: path) }
        let keepalive = section["persistent-keepalive"].flatMap(self.keepalive)
        let allowedIPs = self.allowedIPs(section["allowed-ips"], of: path)
        if case .auto = allowedIPs, let publicKey {
            let mark = section["allowed-ips"]?.mark ?? node.mark
            declared.automaticPeers.append(Sighting(value: publicKey, owner: path, mark: mark))
        }
        guard let publicKey else { return nil }
        return PeerConfiguration(
            publicKey: publicKey,
            nextPublicKey: nextPublicKey,
            presharedKey: presharedKey,
            endpoint: endpoint,
            persistentKeepalive: keepalive,
            allowedIPs: allowedIPs
        )
    }

    private func publicKey(_ node: YAMLNode, _ what: String, of path: String) -> WireGuardPublicKey? {
        // The text is not repeated: people paste the wrong key of the pair.
        guard let text = self.text(node, what) else { return nil }
        guard let key = WireGuardPublicKey(text) else {
            error(
                node.mark,
                "\(what) is not a WireGuard key",
                hint: "44 characters of base64, as `wg pubkey` prints"
            )
            return nil
        }
        declared.publicKeys.append(Sighting(value: key, owner: path, mark: node.mark))
        return key
    }

    private func peerEndpoint(_ node: YAMLNode, of path: String) -> HostEndpoint? {
        let endpoint = value(node, "endpoint", as: HostEndpoint.self, form: "a host and a port") { text in
            IPAddress(text).map { "add the port, as in \(SocketEndpoint(address: $0, port: 51820))" }
                ?? "as in 192.0.2.1:51820 or [2001:db8::1]:51820"
        }
        if let endpoint { declared.endpoints.append(Sighting(value: endpoint, owner: path, mark: node.mark)) }
        return endpoint
    }

    private func keepalive(_ node: YAMLNode) -> Duration? {
        let range = Duration.zero ... .seconds(65535)
        guard let duration = self.duration(node, "persistent-keepalive", in: range, saying: "0s to 65535s") else {
            return nil
        }
        if duration.nanoseconds % 1_000_000_000 != 0 {
            error(node.mark, "persistent-keepalive must be whole seconds")
        }
        return duration
    }

    private func allowedIPs(_ node: YAMLNode?, of path: String) -> PeerConfiguration.AllowedIPs {
        guard let node, node.text != "auto" else { return .auto }
        if let text = node.text, !text.isEmpty {
            error(node.mark, "allowed-ips must be auto or a list, not '\(text)'")
            return .prefixes([])
        }
        return .prefixes(
            (list(node, "allowed-ips") ?? []).compactMap { item in
                guard let prefix = self.prefix(item, "allowed-ips") else { return nil }
                declared.allowedIPs.append(Sighting(value: prefix, owner: path, mark: item.mark))
                return prefix
            }
        )
    }
}
