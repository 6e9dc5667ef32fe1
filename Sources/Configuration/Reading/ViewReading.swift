// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

extension Reading {
    /// The most views of a file.
    private static let viewLimit = 32

    /// The section `views`. The networks must have been read.
    func views(_ node: YAMLNode) -> [ViewConfiguration] {
        guard let entries = mapping(node, "views") else { return [] }
        if let first = entries.dropFirst(Self.viewLimit).first {
            error(first.mark, "more than \(Self.viewLimit) views")
        }
        return entries.compactMap(view)
    }

    private func view(_ entry: YAMLNode.Entry) -> ViewConfiguration? {
        let what = "view '\(entry.key)'"
        // The same form as that of other names, so that it can be told apart in a line of text.
        guard NetworkName(entry.key) != nil else {
            error(entry.mark, "'\(entry.key)' cannot be the name of a view", hint: "letters, digits, '-', '_' and '.'")
            return nil
        }
        let keys = ["clients", "interfaces", "zones", "upstreams"]
        guard let section = Section(entry.value, of: what, at: entry.mark, keys: keys, reading: self) else {
            return nil
        }
        let clients = section["clients"].map { node in
            (list(node, "clients") ?? []).compactMap { prefix($0, "clients") }
        }
        let interfaces = section["interfaces"].map { node in
            (list(node, "interfaces") ?? []).compactMap { item in
                value(item, "interfaces", as: InterfaceName.self, form: "an interface's name")
            }
        }
        if clients == nil, interfaces == nil {
            error(entry.mark, "\(what) has neither 'clients' nor 'interfaces'", hint: "clients: [10.30.0.0/16]")
        }
        let zones = section["zones"].flatMap { list($0, "zones", mayBeEmpty: true) } ?? []
        return ViewConfiguration(
            name: entry.key,
            clients: clients,
            interfaces: interfaces,
            zones: zones.compactMap { viewZone($0, of: what, name: entry.key) },
            hasUpstreams: section["upstreams"].flatMap { boolean($0, "upstreams") } ?? true
        )
    }

    private func viewZone(_ node: YAMLNode, of what: String, name view: String) -> ViewConfiguration.Zone? {
        let network = node["network"].flatMap { node -> String? in
            guard let text = text(node, "network") else { return nil }
            guard !declared.networks.contains(text) else { return text }
            let hint = Spelling.nearest(to: text, in: declared.networks).map { "did you mean '\($0)'?" }
            error(node.mark, "unknown network '\(text)'", hint: hint)
            return nil
        }
        let owner = network ?? node["name"].flatMap { $0.text.flatMap { DomainName($0) } }.flatMap(networkOfZone)
        guard let zone = zone(node, of: owner ?? "", in: (what, view)) else { return nil }
        guard let owner, let name = NetworkName(owner) else {
            if node["network"] == nil {
                let message = "\(what): no network has a zone '\(zone.name.withoutRootDot)'"
                error(node.mark, message, hint: "network: NAME, whose decision the zone follows")
            }
            return nil
        }
        return ViewConfiguration.Zone(network: name, zone: zone)
    }

    private func networkOfZone(_ zone: DomainName) -> String? {
        (declared.zones + declared.presetZones).first { $0.value == zone }?.owner
    }
}
