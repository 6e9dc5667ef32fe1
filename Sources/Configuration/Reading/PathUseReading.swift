// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// A path in the list of a network.
struct PathUse {
    let path: PathName
    /// nil where the file gives none: the path has none beside it.
    var priority: Int?
    var weight = 1
}

extension Reading {
    /// A path in the list of a network: its name, or that with a priority and a weight.
    func use(_ node: YAMLNode, of network: String) -> PathUse? {
        guard case .mapping = node.content else {
            guard let path = reference(node, of: network) else { return nil }
            let use = PathUse(path: path)
            declared.uses.append(Sighting(value: use, owner: network, mark: node.mark))
            return use
        }
        let keys = ["path", "priority", "weight"]
        guard let section = Section(node, of: "a path of network '\(network)'", keys: keys, reading: self),
            let path = section.required("path").flatMap({ reference($0, of: network) })
        else { return nil }
        var use = PathUse(path: path)
        let hint = "1 is the best; paths with the same one carry together"
        if let node = section.required("priority", hint: hint) {
            use.priority = integer(node, "priority", in: 1...99, hint: hint)
        }
        if let node = section["weight"] {
            use.weight = integer(node, "weight", in: NetworkConfiguration.possibleWeights) ?? 1
        }
        declared.uses.append(Sighting(value: use, owner: network, mark: node.mark))
        return use
    }

    private func reference(_ node: YAMLNode, of network: String) -> PathName? {
        guard let text = text(node, "paths") else { return nil }
        declared.references.append(Sighting(value: text, owner: network, mark: node.mark))
        return PathName(text)
    }
}
