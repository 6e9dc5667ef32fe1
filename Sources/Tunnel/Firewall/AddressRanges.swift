// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// Addresses from one to another, both included.
struct AddressRange: Hashable, Sendable {
    var first: IPAddress
    var last: IPAddress
}

/// Shares the address space out: each address goes to the owner of the longest prefix that holds it, as in routing.
///
/// A firewall set has no longest match, so a longer prefix of one network has to be cut out of a shorter one of another.
struct AddressShares<Owner: Hashable> {
    private(set) var ranges: [Owner: [AddressRange]] = [:]
    private var open: [(prefix: IPPrefix, owner: Owner)] = []
    /// The first address that is not shared out yet.
    private var cursor: UInt128 = 0

    init(of prefixes: [(IPPrefix, Owner)]) {
        for family in AddressFamily.allCases {
            for (prefix, owner) in prefixes.filter({ $0.0.family == family }).sorted(by: { $0.0 < $1.0 }) {
                close(before: prefix.address.bits)
                if let outer = open.last, cursor < prefix.address.bits {
                    give(cursor, prefix.address.bits - 1, outer.owner, family)
                }
                open.append((prefix, owner))
                cursor = prefix.address.bits
            }
            close(before: nil)
        }
    }

    /// Gives what is left of the prefixes that end before the address (nil: all) to their owners.
    private mutating func close(before limit: UInt128?) {
        while let (prefix, owner) = open.last, limit.map({ prefix.last.bits < $0 }) ?? true {
            open.removeLast()
            let last = prefix.last.bits
            guard cursor <= last else { continue }
            give(cursor, last, owner, prefix.family)
            guard last < UInt128.max else {
                open = []
                return
            }
            cursor = last + 1
        }
    }

    private mutating func give(_ first: UInt128, _ last: UInt128, _ owner: Owner, _ family: AddressFamily) {
        let range = AddressRange(
            first: IPAddress(family: family, bits: first),
            last: IPAddress(family: family, bits: last)
        )
        // In place: a copy of what was given so far for each range would cost by the square of their number.
        if let before = ranges[owner]?.last, before.last.family == family, before.last.bits + 1 == first {
            ranges[owner]?.removeLast()
            ranges[owner]?.append(AddressRange(first: before.first, last: range.last))
        } else {
            ranges[owner, default: []].append(range)
        }
    }
}
