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
        // A path of another kind has other keys: one error says enough.
        guard !isOfAPlannedKind(entry.value) else { return nil }
        guard
            let section = Section(
                entry.value,
                of: "path '\(entry.key)'",
                at: entry.mark,
                keys: [
                    "kind", "interface", "addresses", "private-key-file", "private-key-credential", "listen-port",
                    "mtu", "underlay", "nat", "peers", "bfd", "stamp", "stamp-reflector",
                ],
                planned: ["gateways", "gateway", "local", "remote", "preset"],
                reading: self
            )
        else { return nil }
        let kind = section.required("kind", hint: "kind: wireguard").flatMap { self.kind($0) }
        let interface = section.required("interface").flatMap { node -> InterfaceName? in
            let name = self.interface(node, "interface")
            if let name {
                declared.interfaces.append(Sighting(value: name, owner: entry.key, mark: node.mark))
            }
            return name
        }
        let addresses = section.required("addresses").map { self.addresses($0, of: entry.key) }
        let privateKey = key("private-key", in: section, isRequired: true, of: .wireGuard)
        if let key = privateKey?.publicKey {
            declared.ownKeys.append(Sighting(value: key, owner: entry.key, mark: entry.mark))
        }
        let listenPort = section["listen-port"].flatMap { node -> UInt16? in
            guard let port = integer(node, "listen-port", in: 1...65535) else { return nil }
            declared.listenPorts.append(Sighting(value: port, owner: entry.key, mark: node.mark))
            return UInt16(port)
        }
        let mtu = section["mtu"].flatMap { self.mtu($0, of: entry.key) }
        if let mtu { declared.pathMTUs.append(mtu) }
        let underlay = section.required("underlay").flatMap { self.underlay($0, of: section, own: interface) }
        if underlay?.isMetered == true { declared.meteredPaths.insert(entry.key) }
        let natSources = section["nat"].map { self.natSources($0, of: entry.key) } ?? []
        let peers = section.required("peers").flatMap { list($0, "peers") }?
            .compactMap { peer($0, of: entry.key) }
        let ownIsKnown = !declared.pathsWithUnknownAddresses.contains(entry.key)
        let own = ownIsKnown ? addresses : nil
        let bfd = section["bfd"].flatMap { self.bfd($0, of: entry.key, own: own) }
        let stamp = section["stamp"].flatMap { self.stamp($0, of: entry.key, own: own) }
        let stampReflector = section["stamp-reflector"].flatMap { self.stampReflector($0, of: entry.key, own: own) }
        guard let name, kind != nil, let interface, let addresses, let privateKey, let underlay, let peers else {
            return nil
        }
        return PathConfiguration(
            name: name,
            interface: interface,
            addresses: addresses,
            privateKey: privateKey,
            privateKeyFile: section["private-key-file"]?.text.map(pathOfKey),
            listenPort: listenPort,
            mtu: mtu?.value,
            underlay: underlay,
            natSources: natSources,
            peers: peers,
            bfd: bfd,
            stamp: stamp,
            stampReflector: stampReflector
        )
    }

    private func isOfAPlannedKind(_ node: YAMLNode) -> Bool {
        guard let kind = node["kind"], let text = kind.text, ["routed", "ipsec"].contains(text) else { return false }
        notOfThisVersion("kind: \(text)", at: kind.mark, hint: "kind: wireguard")
        return true
    }

    private func kind(_ node: YAMLNode) -> String? {
        guard let text = self.text(node, "kind") else { return nil }
        guard text == "wireguard" else {
            error(node.mark, "kind must be wireguard, not '\(text)'")
            return nil
        }
        return text
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

    private func underlay(
        _ node: YAMLNode,
        of path: Section,
        own: InterfaceName?
    ) -> UnderlayConfiguration? {
        guard
            let section = Section(
                node,
                of: "the underlay of \(path.what)",
                keys: ["interface", "gateway", "resolvers", "metered"],
                reading: self
            )
        else { return nil }
        let gateways = section["gateway"].map(self.gateways) ?? .auto
        let resolvers = section["resolvers"].map { self.resolvers($0, of: path.what) } ?? .auto
        guard let node = section.required("interface"), let interface = self.interface(node, "underlay interface")
        else {
            return nil
        }
        if interface == own {
            error(node.mark, "\(path.what) cannot be its own underlay", hint: "name the interface that faces outwards")
        }
        let isMetered = section["metered"].flatMap { boolean($0, "metered") } ?? false
        return UnderlayConfiguration(
            interface: interface,
            gateways: gateways,
            resolvers: resolvers,
            isMetered: isMetered
        )
    }

    private func resolvers(_ node: YAMLNode, of path: String) -> UnderlayConfiguration.Resolvers {
        if node.text == "auto" { return .auto }
        return .endpoints(
            (list(node, "resolvers") ?? []).compactMap { item in
                guard let endpoint = self.endpoint(item, "resolvers", defaultPort: 53) else { return nil }
                declared.underlayResolvers.append(Sighting(value: endpoint.address, owner: path, mark: item.mark))
                return endpoint
            }
        )
    }

    private func gateways(_ node: YAMLNode) -> UnderlayConfiguration.Gateways {
        if node.text == "auto" { return .auto }
        guard case .sequence(let items) = node.content else {
            return .addresses(address(node, "gateway").map { [$0] } ?? [])
        }
        if items.isEmpty { error(node.mark, "gateway is empty", hint: "auto, an address, or one address a family") }
        var families: Set<AddressFamily> = []
        return .addresses(
            items.compactMap { item in
                guard let address = self.address(item, "gateway") else { return nil }
                if !families.insert(address.family).inserted {
                    error(item.mark, "a second gateway of the same family", hint: "one a family")
                }
                return address
            }
        )
    }
}
