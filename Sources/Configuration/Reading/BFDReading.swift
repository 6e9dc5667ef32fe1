// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

extension Reading {
    /// The section `bfd` of a path.
    ///
    /// - Parameters:
    ///   - own: the path's addresses; nil where they are not all known, and nothing is compared with them.
    ///   - gateway: the router behind the path, which is the far end unless another is named.
    func bfd(
        _ node: YAMLNode,
        of path: String,
        own: [InterfaceAddress]?,
        gateway: IPAddress?
    ) -> BFDConfiguration? {
        guard
            let section = Section(
                node,
                of: "the bfd of path '\(path)'",
                keys: ["peer", "local", "interval", "multiplier", "multihop", "minimum-ttl", "authentication"],
                reading: self
            )
        else { return nil }
        let isNamed = gateway == nil || section["peer"] != nil
        let peer =
            isNamed
            ? section.required("peer", hint: "the far end's address on the path").flatMap { farEnd($0, path, own) }
            : gateway
        let local = section["local"].flatMap { ownAddress($0, own) }
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
        let key = section["authentication"].map { bfdKey($0, of: path) }
        if case .some(nil) = key { return nil }
        guard let peer else { return nil }
        let found = localEnd(section, local, peer, own)
        // The addresses of an interface that is the operator's are seen in the kernel only.
        guard found != nil || gateway != nil else { return nil }
        return BFDConfiguration(
            peer: peer,
            local: found,
            interval: interval ?? .milliseconds(300),
            multiplier: UInt8(clamping: multiplier ?? 3),
            minimumTTL: isMultihop ? minimumTTL ?? 1 : nil,
            key: key ?? nil
        )
    }

    private func bfdKey(_ node: YAMLNode, of path: String) -> BFDKey? {
        guard
            let section = Section(
                node,
                of: "the bfd authentication of path '\(path)'",
                keys: ["type", "key-id", "key-file", "key-credential"],
                reading: self
            )
        else { return nil }
        let words = BFDKey.Algorithm.allCases.map(\.rawValue).joined(separator: " or ")
        let algorithm = section.required("type", hint: words).flatMap {
            choice($0, "type", of: BFDKey.Algorithm.self)
        }
        let id = section["key-id"].map { integer($0, "key-id", in: 0...255) } ?? 1
        let secret = key("key", in: section, isRequired: true, of: .bfd)
        guard let algorithm, let id, let secret else { return nil }
        return BFDKey(algorithm, id: UInt8(clamping: id), secret: secret)
    }
}

extension KeyForm<[UInt8]> {
    /// A secret of BFD: what the file holds, without the end of its line.
    fileprivate static let bfd = KeyForm(
        parse: { octets in
            let secret = octets.last == UInt8(ascii: "\n") ? octets.dropLast() : octets[...]
            return (1...BFDKey.sizeLimit).contains(secret.count) ? Array(secret) : nil
        },
        problem: "holds no key of 1 to \(BFDKey.sizeLimit) octets",
        remedy: "RFC 5880 section 4.4",
        makeStandIn: { Array($0.prefix(BFDKey.sizeLimit)) }
    )
}
