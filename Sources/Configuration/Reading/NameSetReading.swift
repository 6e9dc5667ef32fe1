// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

extension Reading {
    /// The most sets of a file, and the most domains of a set and of all: they go to the resolver in one message.
    private static let nameSetLimit = 64
    private static let domainLimit = 1024
    private static let allDomainsLimit = 8192

    /// The section `name-sets`.
    func nameSets(_ node: YAMLNode) -> [NameSetConfiguration] {
        guard let items = list(node, "name-sets") else { return [] }
        if let first = items.dropFirst(Self.nameSetLimit).first {
            error(first.mark, "more than \(Self.nameSetLimit) name-sets")
        }
        let sets = items.compactMap(nameSet)
        if let first = declared.nameSetDomains.dropFirst(Self.allDomainsLimit).first {
            error(
                first.mark,
                "more than \(Self.allDomainsLimit) domains in all name-sets",
                hint: "a domain has all names below it: name one above several"
            )
        }
        return sets
    }

    private func nameSet(_ node: YAMLNode) -> NameSetConfiguration? {
        guard let section = Section(node, of: "a name set", keys: ["name", "domains"], reading: self) else {
            return nil
        }
        let name = section.required("name", hint: "name: azure-management").flatMap { node -> NameSetName? in
            guard let name: NameSetName = text(node, "name").flatMap({ self.name($0, at: node.mark, "a name set") })
            else { return nil }
            declared.nameSets.append(Sighting(value: name, owner: "name-sets", mark: node.mark))
            return name
        }
        let owner = name.map { "name set '\($0)'" } ?? "a name set"
        let nodes = section.required("domains", hint: "domains: [management.azure.com]").flatMap {
            list($0, "domains of \(owner)")
        }
        if let first = nodes?.dropFirst(Self.domainLimit).first {
            error(first.mark, "\(owner) has more than \(Self.domainLimit) domains")
        }
        let domains = nodes?.compactMap { node -> DomainName? in
            let domain = value(node, "domains", as: DomainName.self, form: "a domain name, or \".\" for all")
            if let domain { declared.nameSetDomains.append(Sighting(value: domain, owner: owner, mark: node.mark)) }
            return domain
        }
        guard let name, let domains else { return nil }
        return NameSetConfiguration(name: name, domains: domains)
    }
}
