// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

extension Reading {
    /// The section `paths`.
    func paths(_ node: YAMLNode) -> [PathConfiguration] {
        guard let entries = mapping(node, "paths") else { return [] }
        if case .mapping(_, isComplete: true) = node.content { declared.pathsAreKnown = true }
        if entries.isEmpty { error(node.mark, "paths is empty") }
        if let first = entries.dropFirst(Reservation.pathLimit).first {
            error(first.mark, "more than \(Reservation.pathLimit) paths")
        }
        for entry in entries { declared.paths.append(Sighting(value: entry.key, owner: entry.key, mark: entry.mark)) }
        return entries.compactMap(path)
    }

    private func path(_ entry: YAMLNode.Entry) -> PathConfiguration? {
        let name: PathName? = self.name(entry.key, at: entry.mark, "paths")
        let word = entry.value["kind"]?.text.flatMap(KindWord.init)
        guard
            let section = Section(
                entry.value,
                of: "path '\(entry.key)'",
                at: entry.mark,
                keys: Self.commonKeys + (word ?? .wireguard).keys,
                reading: self
            )
        else { return nil }
        let kindIsKnown = section.required("kind", hint: KindWord.words).flatMap {
            choice($0, "kind", of: KindWord.self)
        }
        let interface = section.required("interface").flatMap { node -> InterfaceName? in
            let name = self.interface(node, "interface")
            if let name {
                declared.interfaces.append(Sighting(value: name, owner: entry.key, mark: node.mark))
            }
            return name
        }
        let isOwn = word != .routed || section["vlan"] != nil
        let addresses = isOwn ? section.required("addresses").map { self.addresses($0, of: entry.key) } : []
        if !isOwn {
            declared.pathsOnForeignInterfaces.insert(entry.key)
            refuseAddresses(section)
        }
        let mtu = section["mtu"].flatMap { self.mtu($0, of: entry.key) }
        if let mtu { declared.pathMTUs.append(mtu) }
        let natSources = section["nat"].map { self.natSources($0, of: entry.key) } ?? []
        let sources = section["source"].map { self.sources($0, of: entry.key) } ?? []
        let kind: PathConfiguration.Kind?
        switch word {
        case .routed:
            kind = routed(section, of: entry.key, own: interface, isOwn ? addresses : nil).map { .routed($0) }
        case .ipsec:
            let families = Set((addresses ?? []).map(\.address.family))
            kind = ipsec(section, of: entry.key, own: interface, families).map { .ipsec($0) }
        case .wireguard, nil: kind = wireGuard(section, of: entry.key, own: interface).map { .wireGuard($0) }
        }
        let ownIsKnown = isOwn && !declared.pathsWithUnknownAddresses.contains(entry.key)
        let own = ownIsKnown ? addresses : nil
        var gateway: IPAddress?
        if case .routed(let line) = kind { gateway = line.gateways.first }
        let bfd = section["bfd"].flatMap { self.bfd($0, of: entry.key, own: own, gateway: gateway) }
        let stamp = section["stamp"].flatMap { self.stamp($0, of: entry.key, own: own) }
        let stampReflector = section["stamp-reflector"].flatMap { self.stampReflector($0, of: entry.key, own: own) }
        guard let name, let word, kindIsKnown != nil, let interface, let addresses, let kind else { return nil }
        declared.kinds[entry.key] = word
        return PathConfiguration(
            name: name,
            interface: interface,
            addresses: addresses,
            mtu: mtu?.value,
            natSources: natSources,
            sources: sources,
            kind: kind,
            bfd: bfd,
            stamp: stamp,
            stampReflector: stampReflector
        )
    }

    private static let commonKeys = [
        "kind", "interface", "mtu", "nat", "source", "addresses", "bfd", "stamp", "stamp-reflector",
    ]

    /// An interface that is the operator's has its addresses from him.
    private func refuseAddresses(_ section: Section) {
        guard let node = section["addresses"] else { return }
        let message = "\(section.what) has addresses, but its interface is not pnetd's to configure"
        error(node.mark, message, hint: "set them where the interface is set up, or give the path a 'vlan'")
    }

    private func addresses(_ node: YAMLNode, of path: String) -> [InterfaceAddress] {
        (list(node, "addresses") ?? []).compactMap { item in
            guard let address = self.interfaceAddress(item, "addresses") else {
                declared.pathsWithUnknownAddresses.insert(path)
                return nil
            }
            declared.addresses.append(Sighting(value: address, owner: path, mark: item.mark))
            return address
        }
    }

    private func natSources(_ node: YAMLNode, of path: String) -> [IPPrefix] {
        guard let section = Section(node, of: "the nat of path '\(path)'", keys: ["source"], reading: self),
            let sources = section.required("source", hint: "source: [PREFIX, …]")
        else { return [] }
        return (list(sources, "nat source") ?? []).compactMap { item in
            guard let prefix = self.prefix(item, "nat source") else { return nil }
            declared.natSources.append(Sighting(value: prefix, owner: path, mark: item.mark))
            return prefix
        }
    }
}

/// What `kind` may say.
enum KindWord: String, CaseIterable {
    case wireguard
    case ipsec
    case routed

    /// The keys that only such a path has.
    fileprivate var keys: [String] {
        switch self {
        case .wireguard: ["private-key-file", "private-key-credential", "listen-port", "underlay", "peers"]
        case .ipsec:
            [
                "underlay", "local", "remote", "preshared-key-file", "preshared-key-credential", "ppk", "preset",
                "proposals", "lifetimes", "traffic", "encapsulation", "reauthentication",
            ]
        case .routed: ["gateways", "vlan", "metered"]
        }
    }

    fileprivate static let words = "kind: " + allCases.map(\.rawValue).joined(separator: " or ")
}
