// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

extension Reading {
    /// What probes and what the host itself sends by a path leave from: an address, or a list with one a family.
    func sources(_ node: YAMLNode, of path: String) -> [IPAddress] {
        var items = [node]
        if case .sequence = node.content { items = list(node, "source") ?? [] }
        var families: Set<AddressFamily> = []
        return items.compactMap { item in
            guard let address = self.address(item, "source") else { return nil }
            guard address.isUnicastHost else {
                let hint = "an address of this host that the far end has a route back to"
                error(item.mark, "source \(address) is no host's address", hint: hint)
                return nil
            }
            if !families.insert(address.family).inserted {
                error(item.mark, "a second source of the same family", hint: "one a family")
            }
            declared.sources.append(Sighting(value: address, owner: path, mark: item.mark))
            return address
        }
    }
}
