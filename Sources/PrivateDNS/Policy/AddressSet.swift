// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// Some prefixes, to be asked which addresses lie within them: in as many steps as the logarithm of their number.
///
/// One set is shared by all zones of a network, and kept from one policy to the next: it is compared by what it was made
/// of, and a hash of that is worked out once.
public final class AddressSet: Sendable, Hashable {
    private struct Block: Sendable {
        let first: UInt128
        var last: UInt128
    }

    /// What it was made of.
    let prefixes: [IPPrefix]
    private let hash: Int
    /// A number for what it was made of that is the same in every process, as `hash` is not.
    let fingerprint: UInt64
    /// Apart from each other, the lowest first.
    private let ipv4: [Block]
    private let ipv6: [Block]

    /// Makes the set of all addresses within some prefixes.
    public init(_ prefixes: [IPPrefix]) {
        self.prefixes = prefixes
        hash = prefixes.hashValue
        fingerprint = Self.fingerprint(of: prefixes)
        ipv4 = Self.blocks(prefixes, .ipv4)
        ipv6 = Self.blocks(prefixes, .ipv6)
    }

    private static func fingerprint(of prefixes: [IPPrefix]) -> UInt64 {
        var hash = SipHash(.ofOrigins)
        for prefix in prefixes {
            let bits = prefix.address.bits
            hash.add(UInt64(truncatingIfNeeded: bits >> 64))
            hash.add(UInt64(truncatingIfNeeded: bits))
            hash.add(UInt64(prefix.length) << 8 | (prefix.family == .ipv4 ? 4 : 6))
        }
        return hash.hash()
    }

    private static func blocks(_ prefixes: [IPPrefix], _ family: AddressFamily) -> [Block] {
        let own = prefixes.filter { $0.family == family }.map { Block(first: $0.address.bits, last: $0.last.bits) }
        return own.sorted { $0.first < $1.first }.reduce(into: []) { blocks, next in
            if let last = blocks.last, next.first <= last.last {
                blocks[blocks.count - 1].last = max(last.last, next.last)
            } else {
                blocks.append(next)
            }
        }
    }

    /// Whether the address lies within one of the prefixes; an IPv4 address within IPv6, as a dual-stack socket shows its
    /// clients (RFC 4291 section 2.5.5.2), is what it stands for.
    func contains(_ address: IPAddress) -> Bool {
        let bits = address.bits
        if address.family == .ipv4 { return Self.contains(bits, in: ipv4) }
        return bits >> 32 == 0xffff ? Self.contains(bits & 0xffff_ffff, in: ipv4) : Self.contains(bits, in: ipv6)
    }

    private static func contains(_ bits: UInt128, in blocks: [Block]) -> Bool {
        var (low, high) = (0, blocks.count)
        while low < high {
            let middle = (low + high) / 2
            if blocks[middle].last < bits { low = middle + 1 } else { high = middle }
        }
        return low < blocks.count && blocks[low].first <= bits
    }

    /// Whether they were made of the same.
    public static func == (left: AddressSet, right: AddressSet) -> Bool {
        left === right || left.hash == right.hash && left.prefixes == right.prefixes
    }

    /// By the hash of what it was made of.
    public func hash(into hasher: inout Hasher) { hasher.combine(hash) }
}
