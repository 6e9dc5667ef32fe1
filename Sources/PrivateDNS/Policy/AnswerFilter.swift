// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// What may be answered of what a server says: to which addresses names may lead, and which types there are at all.
///
/// What is left out is as if the server had not said it. By this neither does a private name lead out of its network,
/// nor a public one into it.
struct AnswerFilter: Sendable, Hashable {
    enum Addresses: Sendable, Hashable {
        /// Wherever they lead.
        case any
        /// A private zone's: where its network is.
        case within(AddressSet)
        /// The upstreams': nowhere that is not public (DNS rebinding), but for the names within some domains.
        case outside(AddressSet, trusted: [DomainName])
    }

    var addresses = Addresses.any
    /// The types that are asked for; nil for all. Aliases are always followed.
    var types: Set<RecordType>?

    /// Whether a type is asked for at all.
    func asks(for type: RecordType) -> Bool { types.map { $0.contains(type) || type == .any } ?? true }

    /// Whether a record may be answered: an address, or a record with addresses for hints (RFC 9460 section 7.3), leads
    /// where it may.
    ///
    /// Whose answer it is, the name that the server was asked for tells, not the record's owner: any public name may have
    /// an alias that leads to a trusted one.
    func passes(_ record: RecordView, of message: Span<UInt8>, asking name: [UInt8]) -> Bool {
        switch addresses {
        case .any: return true
        case .within(let set):
            return record.addresses(in: message).allSatisfy(set.contains)
        case .outside(let set, let trusted):
            let addresses = record.addresses(in: message)
            guard addresses.contains(where: { set.contains($0) || SpecialPurpose.contains($0) }) else { return true }
            guard let name = DomainName(wire: name) else { return false }
            return trusted.contains { name.isWithin($0) }
        }
    }

    /// What is said of an answer of which something was left out.
    var remark: AnswerRemark {
        if case .outside = addresses { .rebinding } else { .outsideOfNetwork }
    }
}

/// Addresses that are not of the public Internet (RFC 6890 and the registries that it made).
enum SpecialPurpose {
    private static let set = AddressSet(
        [
            // "This network", private use (RFC 1918), shared (RFC 6598), loopback, link-local (RFC 3927).
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
            "192.168.0.0/16",
            // Unspecified and loopback, unique local (RFC 4193), link-local and its predecessor (RFC 4291, 3879).
            "::/127", "fc00::/7", "fe80::/10", "fec0::/10",
            // Local-use translation (RFC 8215).
            "64:ff9b:1::/48",
        ].compactMap { IPPrefix($0) }
    )
    /// 64:ff9b::/96, behind which a translator finds IPv4 addresses (RFC 6052 section 2.1).
    private static let translated = UInt128(0x0064_ff9b) << 96

    static func contains(_ address: IPAddress) -> Bool {
        guard address.family == .ipv6, address.bits >> 32 == translated >> 32 else { return set.contains(address) }
        return set.contains(.v4(IPv4Address(bits: UInt32(truncatingIfNeeded: address.bits))))
    }
}
