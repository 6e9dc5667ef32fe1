// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// Who may ask, as ranges of numbers that a query's source is compared with.
struct AddressSet: Sendable {
    private struct Block: Sendable {
        let family: AddressFamily
        let first: UInt128
        let last: UInt128
    }

    private let blocks: [Block]

    init(_ prefixes: [IPPrefix]) {
        blocks = prefixes.map { Block(family: $0.family, first: $0.address.bits, last: $0.last.bits) }
    }

    func contains(_ address: IPAddress) -> Bool {
        // A dual-stack socket shows IPv4 clients as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2).
        var family = address.family
        var bits = address.bits
        if family == .ipv6, bits >> 32 == 0xffff {
            family = .ipv4
            bits &= 0xffff_ffff
        }
        for index in blocks.indices {
            if blocks[index].family == family, blocks[index].first <= bits, bits <= blocks[index].last { return true }
        }
        return false
    }
}
