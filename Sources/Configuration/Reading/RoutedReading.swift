// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

extension Reading {
    /// What a path of `kind: routed` says of its line.
    ///
    /// - Parameters:
    ///   - own: the path's interface.
    ///   - addresses: what pnetd gives it; nil where it is not pnetd's.
    func routed(
        _ section: Section,
        of path: String,
        own: InterfaceName?,
        _ addresses: [InterfaceAddress]?
    ) -> RoutedConfiguration? {
        let gateways = section.required("gateways", hint: "gateways: [ADDRESS, …], one a family").flatMap {
            routers($0, of: path)
        }
        if let addresses, !declared.pathsWithUnknownAddresses.contains(path) { checkReach(of: path, addresses) }
        var vlan: VLANConfiguration?
        if let node = section["vlan"] {
            guard let read = self.vlan(node, of: section, own: own) else { return nil }
            vlan = read
        }
        let isMetered = section["metered"].flatMap { boolean($0, "metered") } ?? false
        if isMetered { declared.meteredPaths.insert(path) }
        guard let gateways else { return nil }
        return RoutedConfiguration(gateways: gateways, vlan: vlan, isMetered: isMetered)
    }

    /// The routers behind a line; nil where there is none that could be read.
    private func routers(_ node: YAMLNode, of path: String) -> [IPAddress]? {
        guard let items = list(node, "gateways") else { return nil }
        var families: Set<AddressFamily> = []
        let routers = items.compactMap { item -> IPAddress? in
            guard let address = address(item, "gateways") else { return nil }
            guard address.isUnicastHost || address.isLinkLocal else {
                error(item.mark, "gateway \(address) is no host's address")
                return nil
            }
            if !families.insert(address.family).inserted {
                error(item.mark, "a second gateway of the same family", hint: "one a family")
            }
            declared.gateways.append(Sighting(value: address, owner: path, mark: item.mark))
            return address
        }
        return routers.isEmpty ? nil : routers
    }

    /// The kernel takes a router only where an address of the interface leads to it.
    private func checkReach(of path: String, _ addresses: [InterfaceAddress]) {
        for gateway in declared.gateways where gateway.owner == path && !gateway.value.isLinkLocal {
            if addresses.contains(where: { $0.address == gateway.value }) {
                error(
                    gateway.mark,
                    "gateway \(gateway.value) is the path's own address",
                    hint: "the router's, not ours"
                )
            } else if !addresses.contains(where: { $0.prefix.contains(gateway.value) }) {
                let hint = "on the line are \(addresses.map(\.prefix.description).joined(separator: ", "))"
                error(gateway.mark, "gateway \(gateway.value) is on none of the path's prefixes", hint: hint)
            }
        }
    }

    private func vlan(_ node: YAMLNode, of path: Section, own: InterfaceName?) -> VLANConfiguration? {
        guard
            let section = Section(node, of: "the vlan of \(path.what)", keys: ["parent", "id"], reading: self)
        else { return nil }
        let parent = section.required("parent", hint: "the interface that tagged packets leave by").flatMap {
            node -> InterfaceName? in
            let name = interface(node, "parent")
            if let name, name == own {
                error(node.mark, "\(path.what) cannot be its own parent", hint: "the VLAN has an interface of its own")
            }
            return name
        }
        let id = section.required("id").flatMap {
            integer($0, "id", in: 1...4094, hint: "0 and 4095 are reserved (IEEE 802.1Q)")
        }
        guard let parent, let id else { return nil }
        return VLANConfiguration(parent: parent, id: UInt16(id))
    }
}
