// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

extension Reading {
    /// Where reflectors listen unless told otherwise (RFC 8762 section 4.1).
    private static let stampPort = 862

    /// The section `stamp` of a path.
    ///
    /// - Parameter own: the path's addresses; nil where they are not all known, and nothing is compared with them.
    func stamp(_ node: YAMLNode, of path: String, own: [InterfaceAddress]?) -> STAMPConfiguration? {
        guard
            let section = Section(
                node,
                of: "the stamp of path '\(path)'",
                keys: ["peer", "port", "local", "interval"],
                reading: self
            )
        else { return nil }
        let peer = section.required("peer", hint: "the far end's address on the path").flatMap {
            farEnd($0, path, own)
        }
        let local = ownEnd(section, of: path).flatMap { ownAddress($0, own) }
        let port = stampPort(section)
        let interval = section["interval"].flatMap {
            duration($0, "interval", in: .milliseconds(20) ... .seconds(10), saying: "20ms to 10s")
        }
        guard let peer, let local = localEnd(section, local, peer, own) else { return nil }
        return STAMPConfiguration(
            peer: SocketEndpoint(address: peer, port: port),
            local: local,
            interval: interval ?? .milliseconds(100)
        )
    }

    /// The section `stamp-reflector` of a path.
    func stampReflector(
        _ node: YAMLNode,
        of path: String,
        own: [InterfaceAddress]?
    ) -> STAMPReflectorConfiguration? {
        guard
            let section = Section(
                node,
                of: "the stamp-reflector of path '\(path)'",
                keys: ["local", "port", "allow"],
                reading: self
            )
        else { return nil }
        let local = ownEnd(section, of: path).map { ownAddress($0, own) } ?? own?.first?.address
        let port = stampPort(section)
        let allowed = section["allow"].flatMap { list($0, "allow") }?.compactMap { item -> IPPrefix? in
            guard let prefix = prefix(item, "allow") else { return nil }
            if let local, prefix.family != local.family {
                error(item.mark, "allow \(prefix) and local \(local) are of two families")
            }
            return prefix
        }
        guard let local else { return nil }
        let onLink = (own ?? []).map(\.prefix).filter { $0.family == local.family }
        return STAMPReflectorConfiguration(
            local: SocketEndpoint(address: local, port: port),
            allowed: allowed ?? onLink
        )
    }

    /// What a section says of our end, which it must where the file does not know the interface's addresses.
    private func ownEnd(_ section: Section, of path: String) -> YAMLNode? {
        declared.pathsOnForeignInterfaces.contains(path) ? section.required("local") : section["local"]
    }

    private func stampPort(_ section: Section) -> UInt16 {
        UInt16(clamping: section["port"].flatMap { integer($0, "port", in: 1...65535) } ?? Self.stampPort)
    }
}
