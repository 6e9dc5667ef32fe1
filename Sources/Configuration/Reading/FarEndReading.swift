// SPDX-License-Identifier: Apache-2.0
// The two ends of what a path speaks with its far end: BFD and STAMP.

import NetworkTypes

extension Reading {
    /// The address of whoever a path's own packets are exchanged with.
    func farEnd(_ node: YAMLNode, _ path: String, _ own: [InterfaceAddress]?) -> IPAddress? {
        guard let peer = address(node, "peer") else { return nil }
        declared.farEnds.append(Sighting(value: peer, owner: path, mark: node.mark))
        guard let own else { return peer }
        if own.contains(where: { $0.address == peer }) {
            error(node.mark, "peer \(peer) is the path's own address", hint: "the far end's address on the path")
        } else if !own.contains(where: { $0.address.family == peer.family }) {
            let family = peer.family == .ipv4 ? "IPv4" : "IPv6"
            error(node.mark, "peer \(peer) cannot be reached", hint: "the path has no \(family) address")
        }
        return peer
    }

    /// One of the path's addresses.
    func ownAddress(_ node: YAMLNode, _ own: [InterfaceAddress]?) -> IPAddress? {
        guard let local = address(node, "local") else { return nil }
        if let own, !own.contains(where: { $0.address == local }) {
            let hint = "one of \(own.map(\.address.description).joined(separator: ", "))"
            error(node.mark, "local \(local) is no address of the path", hint: hint)
        }
        return local
    }

    /// Our end: as the section says, or the first of the path's addresses that fits.
    func localEnd(
        _ section: Section,
        _ local: IPAddress?,
        _ peer: IPAddress,
        _ own: [InterfaceAddress]?
    ) -> IPAddress? {
        if let local, let mark = section["local"]?.mark, local.family != peer.family {
            error(mark, "local \(local) and peer \(peer) are of two families")
        }
        return local ?? own?.first { $0.address.family == peer.family }?.address
    }
}
