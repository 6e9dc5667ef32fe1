// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth

/// Which prefixes the kernel leads to no path, though their network has one.
extension Observed {
    /// - Parameter suspects: where it is known that only these, or all prefixes of a network and a family, can be; nil for
    ///   any. Traffic is moved with one message, and nobody looks at ten thousand routes then.
    func unrouted(_ desired: Desired, among suspects: Set<IPPrefix>? = nil) -> [IPPrefix] {
        let asked = AddressFamily.allCases.filter { asksOurs($0, desired.reserved) }
        let found = desired.networks.filter { !$0.outcome.carriers.isEmpty }.flatMap { network -> [IPPrefix] in
            let uses = Layout.groups(of: network, desired, self).filter { nexthops[$0.group.id] != nil }
            let table = desired.reserved.networkTable
            func isUnrouted(_ prefix: IPPrefix) -> Bool {
                !asked.contains(prefix.family)
                    || !uses.contains { use in
                        use.group.family == prefix.family
                            && routes[Route.Key(table: table, prefix: prefix, metric: use.rank.rawValue)] != nil
                    }
            }
            guard let suspects else { return network.prefixes.filter(isUnrouted) }
            return AddressFamily.allCases.flatMap { family -> [IPPrefix] in
                guard let first = network.prefixes.first(where: { $0.family == family }) else { return [] }
                if isUnrouted(first) { return network.prefixes.filter { $0.family == family } }
                guard !suspects.isEmpty else { return [] }
                return network.prefixes.filter { $0.family == family && suspects.contains($0) && isUnrouted($0) }
            }
        }
        return found.isEmpty ? [] : found.withoutHolders(ofOthersAmong: desired.networks.flatMap(\.prefixes))
    }

    /// Whether the networks' table is asked at all.
    private func asksOurs(_ family: AddressFamily, _ reserved: ReservedNumbers) -> Bool {
        rules.contains(
            Rule(
                family: family,
                priority: reserved.networkPriority,
                selector: .all,
                action: .lookup(reserved.networkTable)
            )
        )
    }
}

extension [IPPrefix] {
    /// Leaves out those that hold another prefix which is none of them: of an address there it is not known by one of them
    /// alone where it leads.
    fileprivate func withoutHolders(ofOthersAmong all: [IPPrefix]) -> [IPPrefix] {
        var own = Set(self)
        let lengths = Set(map(\.length))
        for other in all where !own.contains(other) {
            for length in lengths where length < other.length {
                if let holder = IPPrefix(holding: other.address, length: length) { own.remove(holder) }
            }
        }
        return filter(own.contains)
    }
}
