// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

extension Reading {
    /// The targets of a network.
    func targets(_ node: YAMLNode, of network: String) -> TargetsConfiguration? {
        let what = "the targets of network '\(network)'"
        guard let section = Section(node, of: what, keys: ["need", "list"], reading: self) else { return nil }
        let node = section.required("list")
        let items = node.flatMap { list($0, "list") }
        let need = section["need"].flatMap { self.need($0, of: items?.count) } ?? .any
        guard let node, let items else { return nil }
        let targets = items.compactMap { item in target(item, of: network).map { (target: $0, mark: item.mark) } }
        if targets.count == items.count { check(targets, of: network, at: node.mark) }
        return TargetsConfiguration(need: need, list: targets.map(\.target))
    }

    private func need(_ node: YAMLNode, of count: Int?) -> TargetsConfiguration.Need? {
        switch node.text {
        case "any": return .any
        case "all": return .all
        case let text? where text.first?.isNumber == true:
            let hint = count.map { "the list has \($0)" }
            return integer(node, "need", in: 1...(count ?? Int.max), hint: hint).map { .count($0) }
        case let text? where !text.isEmpty:
            error(node.mark, "need must be any, all or a number, not '\(text)'")
        default:
            mismatch(node, "need", "any, all or a number")
        }
        return nil
    }

    private func target(_ node: YAMLNode, of network: String) -> TargetsConfiguration.Target? {
        let kinds = ["icmp", "tcp", "dns", "tls", "https"]
        let keys = kinds + ["zone"] + Self.tlsKeys + Self.httpsKeys
        guard let section = Section(node, of: "a target", keys: keys, planned: ["http"], reading: self)
        else { return nil }
        let found = kinds.compactMap { kind in section[kind].map { (kind, $0) } }
        let zone = section["zone"].map { ($0, value($0, "zone", as: DomainName.self, form: "a domain name")) }
        guard let (kind, value) = found.first, found.count == 1 else {
            // An unknown or planned key was reported.
            if !section.hasUnknownKeys {
                let problem =
                    found.isEmpty
                    ? "a target says nobody who is asked" : "a target has one of icmp, tcp, dns, tls and https"
                let forms = [
                    "{icmp: ADDRESS}", "{tcp: ADDRESS:PORT}", "{dns: ADDRESS, zone: NAME}",
                    "{tls: ADDRESS:PORT, name: NAME}",
                ]
                let last = "{https: ADDRESS:PORT, name: NAME, path: PATH}"
                error(node.mark, problem, hint: "\(forms.joined(separator: ", ")) or \(last)")
            }
            return nil
        }
        if kind != "dns", let zone { error(zone.0.mark, "zone: only a dns target is asked for one") }
        for key in Self.tlsKeys where kind != "tls" && kind != "https" {
            if let node = section[key] { error(node.mark, "\(key): only a tls or https target has one") }
        }
        for key in Self.httpsKeys where kind != "https" {
            if let node = section[key] { error(node.mark, "\(key): only an https target has one") }
        }
        func declare(_ address: IPAddress) {
            declared.targets.append(Sighting(value: address, owner: network, mark: value.mark))
        }
        switch kind {
        case "icmp":
            guard let address = address(value, kind) else { return nil }
            declare(address)
            return .icmp(address)
        case "tcp":
            guard let endpoint = endpoint(value, kind) else { return nil }
            declare(endpoint.address)
            return .tcp(endpoint)
        case "tls", "https":
            return tlsTarget(value, kind, in: section, of: network).map { .tls($0) }
        default:
            guard let server = endpoint(value, kind, defaultPort: 53) else { return nil }
            declare(server.address)
            guard let zone else {
                error(value.mark, "a dns target has no zone", hint: "zone: NAME, one that the server answers for")
                return nil
            }
            return zone.1.map { .dns(server, zone: $0) }
        }
    }
}
