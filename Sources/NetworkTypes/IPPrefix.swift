// SPDX-License-Identifier: Apache-2.0

/// A block of addresses: a network address and a prefix length (RFC 4632, RFC 4291 section 2.3). No host bit is set.
public struct IPPrefix: Hashable, Sendable {
    /// The first address of the block.
    public let address: IPAddress
    /// The prefix length, 0 to the family's width.
    public let length: Int

    /// Makes the block of the given length that holds the address; nil where the length is out of range.
    public init?(holding address: IPAddress, length: Int) {
        guard (0...address.family.width).contains(length) else { return nil }
        let hostBits = address.family.width - length
        let network = (address.bits >> hostBits) << hostBits
        self.address = IPAddress(family: address.family, bits: network)
        self.length = length
    }

    /// The block that holds nothing but one address.
    public init(host address: IPAddress) {
        self.address = address
        self.length = address.family.width
    }

    /// In three numbers: there are sets of tens of thousands.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(UInt64(truncatingIfNeeded: address.bits >> 64))
        hasher.combine(UInt64(truncatingIfNeeded: address.bits))
        hasher.combine(UInt16(family.width) << 8 | UInt16(length))
    }

    /// The block's family.
    public var family: AddressFamily { address.family }

    /// The last address of the block.
    public var last: IPAddress {
        let hostBits = family.width - length
        let mask: UInt128 = hostBits == 128 ? .max : (1 << hostBits) - 1
        return IPAddress(family: family, bits: address.bits | mask)
    }

    /// Whether the address lies in the block.
    public func contains(_ other: IPAddress) -> Bool {
        other.family == family && address <= other && other <= last
    }

    /// Whether the other block lies wholly in this one; a block contains itself.
    public func contains(_ other: IPPrefix) -> Bool {
        other.length >= length && contains(other.address)
    }
}

extension IPPrefix: TextValue, Comparable {
    /// `address/length`.
    public var description: String { "\(address)/\(length)" }

    /// Parses `address/length`; nil where a host bit is set. ``InterfaceAddress`` allows those.
    public init?(_ description: String) {
        guard let parsed = InterfaceAddress(description), parsed.prefix.address == parsed.address else { return nil }
        self = parsed.prefix
    }

    /// Parses the same text, given as its octets: there are answers that name tens of thousands.
    public init?(utf8 text: Span<UInt8>) {
        guard let slash = text.indices.last(where: { text[$0] == UInt8(ascii: "/") }),
            let length = Decimal.number(text.extracting((slash + 1)...), upTo: 128),
            let address = IPAddress(utf8: text.extracting(..<slash)),
            let prefix = IPPrefix(holding: address, length: length), prefix.address == address
        else { return nil }
        self = prefix
    }

    /// By address, then the shorter prefix first.
    public static func < (left: Self, right: Self) -> Bool {
        left.address == right.address ? left.length < right.length : left.address < right.address
    }
}

/// An address of an interface together with the prefix of its link, as in `10.99.0.2/30`.
public struct InterfaceAddress: Hashable, Sendable {
    /// The interface's own address.
    public let address: IPAddress
    /// The prefix that is on the link.
    public let prefix: IPPrefix

    /// Makes an interface address; nil where the length is out of range.
    public init?(address: IPAddress, length: Int) {
        guard let prefix = IPPrefix(holding: address, length: length) else { return nil }
        self.address = address
        self.prefix = prefix
    }
}

extension InterfaceAddress: CustomStringConvertible, LosslessStringConvertible {
    /// `address/length`, the address with its host bits.
    public var description: String { "\(address)/\(prefix.length)" }

    /// Parses `address/length`.
    public init?(_ description: String) {
        guard let slash = description.firstIndex(of: "/"),
            let address = IPAddress(description[..<slash]),
            let length = Decimal.number(description[description.index(after: slash)...].utf8, upTo: 128)
        else { return nil }
        self.init(address: address, length: length)
    }
}
