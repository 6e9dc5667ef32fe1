// SPDX-License-Identifier: Apache-2.0

/// An address family, with the name that people use for it.
public enum AddressFamily: String, Hashable, Sendable, CaseIterable, Codable {
    case ipv4
    case ipv6

    /// Bits in an address of this family.
    public var width: Int { self == .ipv4 ? 32 : 128 }
}

/// An IPv4 or IPv6 address.
public enum IPAddress: Hashable, Sendable {
    case v4(IPv4Address)
    case v6(IPv6Address)

    /// Parses either family's text.
    public init?(_ text: some StringProtocol) {
        if let address = IPv4Address(text) {
            self = .v4(address)
        } else if let address = IPv6Address(text) {
            self = .v6(address)
        } else {
            return nil
        }
    }

    /// Parses the same text, given as its octets.
    public init?(utf8 text: Span<UInt8>) {
        if let address = IPv4Address(utf8: text) {
            self = .v4(address)
        } else if let text = try? UTF8Span(validating: text), let address = IPv6Address(String(copying: text)) {
            self = .v6(address)
        } else {
            return nil
        }
    }

    /// Makes an address from 4 or 16 octets in network order; nil for any other count.
    @inlinable
    public init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4: self = .v4(IPv4Address(bits: bytes.reduce(0) { $0 << 8 | UInt32($1) }))
        case 16: self = .v6(IPv6Address(bits: bytes.reduce(0) { $0 << 8 | UInt128($1) }))
        default: return nil
        }
    }

    /// The address's family.
    public var family: AddressFamily {
        switch self {
        case .v4: .ipv4
        case .v6: .ipv6
        }
    }

    /// The octets in network order: 4 or 16.
    public var bytes: [UInt8] {
        switch self {
        case .v4(let address): address.bytes
        case .v6(let address): address.bytes
        }
    }

    /// The bits as a number, in the low `family.width` bits.
    public var bits: UInt128 {
        switch self {
        case .v4(let address): UInt128(address.bits)
        case .v6(let address): address.bits
        }
    }

    /// Whether it is this host's own, 127.0.0.0/8 or ::1 (RFC 6890).
    public var isLoopback: Bool {
        switch self {
        case .v4(let address): address.bits >> 24 == 127
        case .v6(let address): address.bits == 1
        }
    }

    /// Whether it can be another host's, as seen from any of our networks: not this network's or host's, not
    /// multicast, reserved or broadcast, not link-local (RFC 6890).
    public var isUnicastHost: Bool {
        switch self {
        case .v4(let address):
            let network = address.bits >> 24
            return network != 0 && network != 127 && network < 224 && address.bits >> 16 != 0xa9fe
        case .v6(let address):
            let isMapped = address.bits >> 32 == 0xffff
            return address.bits > 1 && !isMapped && address.bits >> 120 != 0xff && address.bits >> 118 != 0x3fa
        }
    }

    /// Whether it means something on one link only, fe80::/10 (RFC 4291 section 2.5.6).
    public var isLinkLocal: Bool {
        guard case .v6(let address) = self else { return false }
        return address.bits >> 118 == 0x3fa
    }

    /// Makes the address of a family whose low `family.width` bits are given.
    public init(family: AddressFamily, bits: UInt128) {
        switch family {
        case .ipv4: self = .v4(IPv4Address(bits: UInt32(truncatingIfNeeded: bits)))
        case .ipv6: self = .v6(IPv6Address(bits: bits))
        }
    }
}

extension IPAddress: TextValue, Comparable {
    /// Dotted decimal, or the canonical text of RFC 5952.
    public var description: String {
        switch self {
        case .v4(let address): address.description
        case .v6(let address): address.description
        }
    }

    /// Parses the text of either family.
    public init?(_ description: String) {
        self.init(description[...])
    }

    /// IPv4 before IPv6, then by number.
    public static func < (left: Self, right: Self) -> Bool {
        left.family == right.family ? left.bits < right.bits : left.family == .ipv4
    }
}
