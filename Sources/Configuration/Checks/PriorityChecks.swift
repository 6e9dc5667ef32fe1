// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

extension Reading {
    /// The list of a network's paths is best first, also where they have priorities, and those that carry together stand
    /// together.
    func checkPriorities() {
        for network in networksOfUses {
            let uses = declared.uses.filter { $0.owner == network }
            for (place, use) in uses.enumerated() {
                guard let priority = use.value.priority else { continue }
                let path = use.value.path
                let earlier = uses.prefix(place)
                if let worse = earlier.first(where: { $0.value.priority.map { $0 > priority } ?? false }) {
                    let message = "path '\(path)' has priority \(priority) and stands behind '\(worse.value.path)'"
                    error(use.mark, message, hint: "the list is best first, and a lower number is better")
                } else if let first = earlier.last(where: { $0.value.priority == priority }) {
                    for before in earlier.reversed().prefix(while: { $0.value.priority == nil }).reversed() {
                        let message = "path '\(before.value.path)' stands between '\(first.value.path)' and '\(path)'"
                        error(before.mark, message, hint: "those two carry together: put it before or behind both")
                    }
                }
            }
        }
        for (first, second) in pairsThatCarryTogether {
            let (own, other) = (sources(of: first.value.path), sources(of: second.value.path))
            guard own != other, !own.isEmpty || !other.isEmpty else { continue }
            let message = "paths '\(first.value.path)' and '\(second.value.path)' carry together and differ in 'source'"
            error(second.mark, message, hint: "give both the same: a packet from either may leave by either")
        }
    }

    /// The kernel chooses a connection's source before it chooses among paths that carry together.
    func warnOfDifferentSources() {
        for (first, second) in pairsThatCarryTogether where sources(of: first.value.path).isEmpty {
            let paths = "'\(first.value.path)' and '\(second.value.path)'"
            let message = "this host's own connections may leave by one of \(paths) with the address of the other"
            warning(second.mark, message, hint: "give both the same 'source', an address that the far end answers to")
        }
    }

    private var networksOfUses: [String] {
        declared.uses.reduce(into: []) { if $0.last != $1.owner { $0.append($1.owner) } }
    }

    /// The first path of each priority with each of the others.
    private var pairsThatCarryTogether: [(Sighting<PathUse>, Sighting<PathUse>)] {
        declared.uses.compactMap { use in
            let first = declared.uses.first { $0.owner == use.owner && $0.value.priority == use.value.priority }
            guard use.value.priority != nil, let first, first.value.path != use.value.path else { return nil }
            return (first, use)
        }
    }

    private func sources(of path: PathName) -> Set<IPAddress> {
        Set(declared.sources.filter { $0.owner == path.text }.map(\.value))
    }
}
