// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

extension Reading {
    /// Where a tunnel's outer packets leave.
    func underlay(
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
