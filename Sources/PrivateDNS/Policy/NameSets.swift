// SPDX-License-Identifier: Apache-2.0
// Which sets of names a name is in: a firewall knows the addresses of each.

public import NetworkTypes

extension Policy {
    /// Names whose addresses a firewall is told before clients are.
    public struct NameSet: Hashable, Sendable {
        /// The set's name.
        public var name: NameSetName
        /// What is in it, with all below it.
        public var domains: [DomainName]

        /// Describes a set.
        public init(name: NameSetName, domains: [DomainName]) {
            (self.name, self.domains) = (name, domains)
        }
    }
}

/// Several sets of one policy, bit n for the one of number n.
typealias NameSetMask = UInt64

/// The sets of a policy, laid out so that a look-up allocates nothing.
final class NameSets: Sendable {
    let sets: [Policy.NameSet]
    private let domains: [(wire: [UInt8], labelCount: Int, mask: NameSetMask)]
    private let index: NameIndex
    /// Bit n: some domain has n labels.
    private let depths: UInt128

    /// Lays out sets; nil where there is none. Those beyond ``NameSetMask``'s width are in no mask.
    init?(_ sets: [Policy.NameSet]) {
        guard !sets.isEmpty else { return nil }
        self.sets = sets
        var masks: [[UInt8]: NameSetMask] = [:]
        for (number, set) in sets.prefix(NameSetMask.bitWidth).enumerated() {
            for domain in set.domains { masks[domain.wire, default: 0] |= 1 << NameSetMask(number) }
        }
        domains = masks.map { ($0.key, LookupName($0.key).labelCount, $0.value) }
        index = NameIndex(domains.map(\.wire))
        depths = domains.reduce(0) { $0 | 1 << UInt128($1.labelCount) }
    }

    /// The sets that a name is in, by itself or by a name above it.
    func mask(of name: borrowing LookupName) -> NameSetMask {
        var mask: NameSetMask = 0
        for labels in 0...name.labelCount where depths & (1 << UInt128(labels)) != 0 {
            let found = index.find(name.hash(ofLast: labels)) { number in
                guard domains[number].labelCount == labels else { return false }
                let wire = domains[number].wire
                return name.last(labels, equals: wire.span)
            }
            if let found { mask |= domains[found].mask }
        }
        return mask
    }

    /// The names of the sets of a mask.
    func names(of mask: NameSetMask) -> [NameSetName] {
        sets.prefix(NameSetMask.bitWidth).enumerated().compactMap { mask & 1 << NameSetMask($0) != 0 ? $1.name : nil }
    }
}
