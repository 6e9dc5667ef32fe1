// SPDX-License-Identifier: Apache-2.0
// Addresses as names: in-addr.arpa (RFC 1035 section 3.5) and ip6.arpa (RFC 3596 section 2.5).

extension IPAddress {
    /// The name that leads back from the address to a host's, by a PTR record.
    public var reverseName: DomainName { reverseName(ofFirst: family.width) }

    /// The name of the first bits, so many that they make up whole labels.
    fileprivate func reverseName(ofFirst bits: Int) -> DomainName {
        let unit = family.bitsOfReverseLabel
        let labels = stride(from: unit, through: bits, by: unit).reversed().map { end in
            let value = UInt8(truncatingIfNeeded: self.bits >> (family.width - end)) & UInt8((1 << unit) - 1)
            return Array(String(value, radix: family == .ipv4 ? 10 : 16).utf8)
        }
        let apex = family == .ipv4 ? "in-addr" : "ip6"
        let all = labels + [Array(apex.utf8), Array("arpa".utf8)]
        return DomainName(uncheckedWire: all.flatMap { [UInt8($0.count)] + $0 } + [0])
    }
}

extension IPPrefix {
    /// The apexes that hold the reverse names of the block's addresses and no others: one where its length falls on the
    /// border of a label, else as many as it takes, at most 128 of IPv4 and 8 of IPv6. None for blocks shorter than 8
    /// bits: they are nobody's own.
    public var reverseApexes: [DomainName] {
        guard length >= 8 else { return [] }
        let unit = family.bitsOfReverseLabel
        let border = (length + unit - 1) / unit * unit
        return (0..<1 << (border - length)).map { number in
            let bits = address.bits | UInt128(number) << UInt128(family.width - border)
            return IPAddress(family: family, bits: bits).reverseName(ofFirst: border)
        }
    }
}

extension AddressFamily {
    /// A label of a reverse name is an octet in decimal, or half of one in hexadecimal.
    fileprivate var bitsOfReverseLabel: Int { self == .ipv4 ? 8 : 4 }
}
