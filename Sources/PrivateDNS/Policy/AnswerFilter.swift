// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

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
    /// Addresses that the kernel leads to by no path just now; nil for none.
    var unrouted: AddressSet?

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
            return record.leads(in: message) { set.contains($0.translated) }
        case .outside(let set, _):
            let addresses = record.addresses(in: message).map(\.translated)
            guard addresses.contains(where: { set.contains($0) || SpecialPurpose.contains($0) }) else { return true }
            return trusts(name)
        }
    }

    /// Whether a record leads to where no path leads just now.
    func isUnrouted(_ record: RecordView, of message: Span<UInt8>) -> Bool {
        guard let unrouted else { return false }
        return !record.leads(in: message) { !unrouted.contains($0.translated) }
    }

    /// Whether a name that the upstreams are asked for may lead anywhere.
    func trusts(_ name: [UInt8]) -> Bool {
        guard case .outside(_, let trusted) = addresses, let name = DomainName(wire: name) else { return false }
        return trusted.contains { name.isWithin($0) }
    }

    /// What is said of an answer of which something was left out.
    var remark: AnswerRemark {
        if case .outside = addresses { .rebinding } else { .outsideOfNetwork }
    }
}

/// Addresses that are not of the public Internet, as far as a host or a site may have them (RFC 6890).
enum SpecialPurpose {
    private static let set = AddressSet(
        [
            // "This network", private use (RFC 1918), shared (RFC 6598), loopback, link-local (RFC 3927), benchmarks (RFC
            // 2544), multicast and reserved.
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
            "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3",
            // Unspecified and loopback, unique local (RFC 4193), link-local and its predecessor (RFC 4291, 3879), multicast.
            "::/127", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
            // Local-use translation (RFC 8215).
            "64:ff9b:1::/48",
        ].compactMap { IPPrefix($0) }
    )

    static func contains(_ address: IPAddress) -> Bool { set.contains(address) }
}

extension IPAddress {
    /// Whether a host or a site may have the address without it being of the public Internet (RFC 6890).
    public var isSpecialPurpose: Bool { SpecialPurpose.contains(self) }
}

extension IPAddress {
    /// The IPv4 address that a translator finds behind 64:ff9b::/96 (RFC 6052 section 2.1), or a router behind 2002::/16
    /// (RFC 3056 section 2); else the address itself.
    var translated: IPAddress {
        guard family == .ipv6 else { return self }
        if bits >> 32 == 0x0064_ff9b << 64 { return .v4(IPv4Address(bits: UInt32(truncatingIfNeeded: bits))) }
        return bits >> 112 == 0x2002 ? .v4(IPv4Address(bits: UInt32(truncatingIfNeeded: bits >> 80))) : self
    }
}
