// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PrivateDNS

extension Reading {
    private static let zoneSources = ["forward", "records", "file", "rewrite"]

    /// A zone of a network, or one in a view that follows a network's decision.
    func zone(_ node: YAMLNode, of network: String, in view: (what: String, name: String)? = nil) -> ZoneConfiguration?
    {
        let what = view.map { "a zone of \($0.what)" } ?? "a zone of network '\(network)'"
        let keys = ["name"] + Self.forwardTermKeys + Self.zoneSources + (view == nil ? ["ptr"] : ["network"])
        guard let section = Section(node, of: what, keys: keys, reading: self) else { return nil }
        let name = section.required("name").flatMap { node -> DomainName? in
            guard let name = value(node, "name", as: DomainName.self, form: "a domain name") else { return nil }
            if name == .root { error(node.mark, "name: the root cannot be a network's zone") }
            if let view {
                declared.viewZones.append(Sighting(value: name, owner: view.name, mark: node.mark))
            } else {
                declared.zones.append(Sighting(value: name, owner: network, mark: node.mark))
            }
            return name
        }
        let found = Self.zoneSources.compactMap { key in section[key].map { (key, $0) } }
        guard let (key, value) = found.first, found.count == 1 else {
            if !section.hasUnknownKeys || found.count > 1 {
                error(section.mark, "\(what) has either 'forward', 'records', 'file' or 'rewrite'")
            }
            return nil
        }
        let wantsPointers = section["ptr"].flatMap { pointers($0, beside: key) } ?? true
        let read: (source: ZoneConfiguration.Source, hosts: ZoneHosts)?
        switch key {
        case "forward": read = (.forward(servers(value, of: network)), .none)
        case "records": read = records(value, of: name)
        case "file": read = zoneFile(value, of: name)
        default: read = rewrite(value, of: name).map { (.records([$0]), .none) }
        }
        let terms = forwardTerms(of: section, beside: key)
        guard let name, let read else { return nil }
        return ZoneConfiguration(
            name: name,
            source: read.source,
            terms: terms,
            hasPointers: wantsPointers && (read.hosts.count > 0 || read.source.isUnready),
            hosts: read.hosts,
            isOfPreset: false
        )
    }

    private func pointers(_ node: YAMLNode, beside source: String) -> Bool? {
        guard source == "records" || source == "file" else {
            error(node.mark, "'ptr' has no meaning beside '\(source)'", hint: "it is for zones with records or a file")
            return nil
        }
        return boolean(node, "ptr")
    }

    func servers(_ node: YAMLNode, of network: String) -> [SocketEndpoint] {
        (list(node, "forward") ?? []).compactMap { item in
            guard let server = endpoint(item, "forward", defaultPort: 53) else { return nil }
            declared.forwardServers.append(Sighting(value: server.address, owner: network, mark: item.mark))
            return server
        }
    }

    private func records(
        _ node: YAMLNode,
        of zone: DomainName?
    ) -> (source: ZoneConfiguration.Source, hosts: ZoneHosts) {
        let lines = (list(node, "records", mayBeEmpty: true) ?? []).compactMap { item in
            text(item, "records").map { (text: $0, mark: item.mark) }
        }
        let texts = lines.map(\.text)
        guard let zone else { return (.records(texts), .none) }
        let mistakes = ZoneRecords.mistakes(in: texts, of: zone)
        for mistake in mistakes {
            error(lines[mistake.index].mark, "records: \(mistake.problem)", hint: mistake.hint)
        }
        let records = mistakes.isEmpty ? try? ZoneRecords(zone: zone, records: texts) : nil
        return (.records(texts), records.map { ZoneHosts(of: $0) } ?? .none)
    }

    /// The record that leads all names of a zone to those below another (RFC 6672).
    private func rewrite(_ node: YAMLNode, of zone: DomainName?) -> String? {
        guard let target = value(node, "rewrite", as: DomainName.self, form: "a domain name") else { return nil }
        if let zone, target.isWithin(zone) {
            let message = "rewrite: '\(target.withoutRootDot)' lies in the zone itself"
            error(node.mark, message, hint: "it would be rewritten again and again")
            return nil
        }
        return "@ DNAME \(target)"
    }
}
