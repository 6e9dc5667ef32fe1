// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes

/// An address on an interface (RTM_NEWADDR).
public struct LinkAddress: Hashable, Sendable {
    /// The interface's number.
    public var link: Int32
    /// The address and its on-link prefix.
    public var address: InterfaceAddress
}

/// Why an IPv6 address cannot be used, though it is there: duplicate address detection (RFC 4862 section 5.4).
enum AddressDoubt: Hashable, Sendable {
    /// Whether another host has it is not known yet.
    case tentative
    /// Another host on the link has it.
    case duplicate
}

enum AddressMessages {
    static func dump() -> NetlinkMessage {
        NetlinkMessage(type: RTM_GETADDR, flags: 0, header: ifaddrmsg())
    }

    static func parse(_ reply: NetlinkReply) -> LinkAddress? {
        guard let header = reply.header(ifaddrmsg.self) else { return nil }
        let attributes = reply.attributes(after: ifaddrmsg.self)
        // On point-to-point links IFA_ADDRESS is the far end's; IFA_LOCAL is there for IPv4 always.
        guard let address = attributes.address(IFA_LOCAL) ?? attributes.address(IFA_ADDRESS),
            let onLink = InterfaceAddress(address: address, length: Int(header.ifa_prefixlen))
        else { return nil }
        return LinkAddress(link: Int32(bitPattern: header.ifa_index), address: onLink)
    }

    /// What stands against the use of an address; nil for nothing.
    static func doubt(_ reply: NetlinkReply) -> AddressDoubt? {
        guard let header = reply.header(ifaddrmsg.self) else { return nil }
        let flags =
            reply.attributes(after: ifaddrmsg.self).number(IFA_FLAGS, as: UInt32.self) ?? UInt32(header.ifa_flags)
        if flags & UInt32(IFA_F_DADFAILED) != 0 { return .duplicate }
        // An optimistic address is used meanwhile (RFC 4429).
        return flags & UInt32(IFA_F_TENTATIVE | IFA_F_OPTIMISTIC) == UInt32(IFA_F_TENTATIVE) ? .tentative : nil
    }

    /// - Parameter scope: how far it is valid (rtnetlink(7)); by default everywhere.
    static func add(_ address: LinkAddress, scope: UInt8 = UInt8(RT_SCOPE_UNIVERSE.rawValue)) -> NetlinkMessage {
        message(RTM_NEWADDR, flags: NLM_F_CREATE | NLM_F_REPLACE, address, scope: scope)
    }

    static func delete(_ address: LinkAddress) -> NetlinkMessage {
        message(RTM_DELADDR, flags: 0, address)
    }

    private static func message(
        _ type: Int,
        flags: Int32,
        _ address: LinkAddress,
        scope: UInt8 = 0
    ) -> NetlinkMessage {
        let own = address.address.address
        var header = ifaddrmsg()
        header.ifa_family = own.family.kernelNumber
        header.ifa_prefixlen = UInt8(address.address.prefix.length)
        header.ifa_index = UInt32(bitPattern: address.link)
        header.ifa_scope = scope
        // A tunnel has no neighbours to ask whether the address is taken (RFC 4862 section 5.4).
        header.ifa_flags = UInt8(IFA_F_NODAD)
        var message = NetlinkMessage(type: type, flags: flags, header: header)
        message.put(IFA_LOCAL, own.bytes)
        message.put(IFA_ADDRESS, own.bytes)
        return message
    }
}

extension AddressFamily {
    /// AF_INET or AF_INET6.
    var kernelNumber: UInt8 { UInt8(self == .ipv4 ? AF_INET : AF_INET6) }

    init?(kernelNumber: UInt8) {
        switch Int32(kernelNumber) {
        case AF_INET: self = .ipv4
        case AF_INET6: self = .ipv6
        default: return nil
        }
    }
}
