// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

extension Reading {
    /// The section `bfd` of a path.
    ///
    /// - Parameter own: the path's addresses; nil where they are not all known, and nothing is compared with them.
    func bfd(_ node: YAMLNode, of path: String, own: [InterfaceAddress]?) -> BFDConfiguration? {
        guard
            let section = Section(
                node,
                of: "the bfd of path '\(path)'",
                keys: ["peer", "local", "interval", "multiplier", "multihop", "minimum-ttl"],
                reading: self
            )
        else { return nil }
        let peer = section.required("peer", hint: "the far end's address on the path").flatMap {
            bfdPeer($0, path, own)
        }
        let local = section["local"].flatMap { bfdLocal($0, own) }
        let interval = section["interval"].flatMap {
            duration($0, "interval", in: .milliseconds(10) ... .seconds(10), saying: "10ms to 10s")
        }
        let multiplier = section["multiplier"].flatMap { integer($0, "multiplier", in: 1...255) }
        let isMultihop = section["multihop"].flatMap { boolean($0, "multihop") } ?? false
        let minimumTTL = section["minimum-ttl"].flatMap { node -> Int? in
            guard isMultihop else {
                error(node.mark, "minimum-ttl goes with 'multihop: true'", hint: "a single hop leaves 255 (RFC 5881)")
                return nil
            }
            return integer(node, "minimum-ttl", in: 1...255)
        }
        guard let peer else { return nil }
        if let local, let mark = section["local"]?.mark, local.family != peer.family {
            error(mark, "local \(local) and peer \(peer) are of two families")
        }
        guard let local = local ?? own?.first(where: { $0.address.family == peer.family })?.address else { return nil }
        return BFDConfiguration(
            peer: peer,
            local: local,
            interval: interval ?? .milliseconds(300),
            multiplier: UInt8(clamping: multiplier ?? 3),
            minimumTTL: isMultihop ? minimumTTL ?? 1 : nil
        )
    }

    private func bfdPeer(_ node: YAMLNode, _ path: String, _ own: [InterfaceAddress]?) -> IPAddress? {
        guard let peer = address(node, "peer") else { return nil }
        declared.bfdPeers.append(Sighting(value: peer, owner: path, mark: node.mark))
        guard let own else { return peer }
        if own.contains(where: { $0.address == peer }) {
            error(node.mark, "peer \(peer) is the path's own address", hint: "the far end's address on the path")
        } else if !own.contains(where: { $0.address.family == peer.family }) {
            let family = peer.family == .ipv4 ? "IPv4" : "IPv6"
            error(node.mark, "peer \(peer) cannot be reached", hint: "the path has no \(family) address")
        }
        return peer
    }

    private func bfdLocal(_ node: YAMLNode, _ own: [InterfaceAddress]?) -> IPAddress? {
        guard let local = address(node, "local") else { return nil }
        if let own, !own.contains(where: { $0.address == local }) {
            let hint = "one of \(own.map(\.address.description).joined(separator: ", "))"
            error(node.mark, "local \(local) is no address of the path", hint: hint)
        }
        return local
    }
}
