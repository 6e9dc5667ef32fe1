// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes

/// A network interface, as far as paths need it (rtnetlink(7), RTM_NEWLINK).
public struct Link: Hashable, Sendable {
    /// The kernel's number for it; a new one each time it is made.
    public var index: Int32
    /// Its name.
    public var name: InterfaceName
    /// Its driver's kind, as `wireguard` or `tun`; nil for hardware.
    public var kind: String?
    /// The alias; ours begins with ``aliasPrefix``.
    public var alias: String?
    /// Whether it is administratively up (IFF_UP).
    public var isUp: Bool
    /// Whether the layer below carries (IFF_LOWER_UP).
    public var hasCarrier: Bool
    /// Octets of the largest packet.
    public var mtu: Int
    /// The number that ties an xfrm interface to security associations and policies; nil for other kinds.
    public var xfrmInterfaceID: UInt32? = nil
    /// What becomes of IPv4 packets whose source leads elsewhere; nil where the kernel does not say.
    var sourceCheck: SourceCheck? = nil
    /// What it carries for another interface, where it is a VLAN.
    var vlan: VLAN? = nil
    /// Octets received.
    public var received: UInt64
    /// Octets sent.
    public var sent: UInt64

    /// A VLAN of another interface (IFLA_VLAN_ID, IFLA_LINK).
    struct VLAN: Hashable, Sendable {
        /// 1 to 4094.
        var id: UInt16
        /// The other interface's number.
        var parent: Int32
    }

    /// What the alias of an interface of ours begins with.
    static let aliasPrefix = "pnetd path "

    /// The alias of a path's interface.
    static func alias(of path: PathName) -> String { aliasPrefix + path.text }

    /// Whether the alias says that it is ours; where it does not, it may still be.
    var hasOurAlias: Bool { alias?.hasPrefix(Self.aliasPrefix) ?? false }

    /// All but what changes with every packet.
    var withoutCounters: Link {
        var link = self
        (link.received, link.sent) = (0, 0)
        return link
    }
}

/// What an interface does with packets whose source leads elsewhere (ip-sysctl, `conf/*`).
struct SourceCheck: Hashable, Sendable {
    /// 0: nothing; 1: it drops what the best route does not lead back to; 2: what no route leads back to.
    var filter: Int
    /// Whether the route back is looked up by the packet's mark.
    var goesByMark: Bool

    /// That of our interfaces: by any route (RFC 3704 section 2.4) and by the path's mark.
    static let ours = SourceCheck(filter: 2, goesByMark: true)
}

enum LinkMessages {
    static func dump() -> NetlinkMessage {
        NetlinkMessage(type: RTM_GETLINK, flags: 0, header: ifinfomsg())
    }

    /// Asks for one interface, by default without its counters: those take longer than all the rest.
    static func get(_ name: InterfaceName, counters: Bool = false) -> NetlinkMessage {
        var message = NetlinkMessage(type: RTM_GETLINK, flags: 0, header: ifinfomsg())
        message.put(IFLA_IFNAME, text: name.text)
        if !counters { message.put(IFLA_EXT_MASK, number: UInt32(RTEXT_FILTER_SKIP_STATS)) }
        return message
    }

    /// Whether an interface with these flags is up and has a carrier.
    static func carries(flags: UInt32) -> Bool { flags & (ifUp | lowerUp) == ifUp | lowerUp }

    /// Reads an interface; nil where the message is about one family's side of it, as a bridge's of its ports.
    static func parse(_ reply: NetlinkReply) -> Link? {
        guard let header = reply.header(ifinfomsg.self), Int32(header.ifi_family) == AF_UNSPEC else { return nil }
        let attributes = reply.attributes(after: ifinfomsg.self)
        guard let name = attributes.text(IFLA_IFNAME).flatMap({ InterfaceName($0) }) else { return nil }
        let statistics = attributes[IFLA_STATS64]
        let information = attributes.nest(IFLA_LINKINFO)
        let kind = information.text(IFLA_INFO_KIND)
        return Link(
            index: header.ifi_index,
            name: name,
            kind: kind,
            alias: attributes.text(IFLA_IFALIAS),
            isUp: header.ifi_flags & ifUp != 0,
            hasCarrier: header.ifi_flags & lowerUp != 0,
            mtu: Int(attributes.number(IFLA_MTU, as: UInt32.self) ?? 0),
            xfrmInterfaceID: kind == "xfrm"
                ? information.nest(IFLA_INFO_DATA).number(IFLA_XFRM_IF_ID, as: UInt32.self) : nil,
            sourceCheck: sourceCheck(attributes.nest(IFLA_AF_SPEC).nest(Int(AF_INET))[IFLA_INET_CONF]),
            vlan: vlan(attributes),
            received: counter(statistics, at: MemoryLayout<rtnl_link_stats64>.offset(of: \.rx_bytes)),
            sent: counter(statistics, at: MemoryLayout<rtnl_link_stats64>.offset(of: \.tx_bytes))
        )
    }

    private static func vlan(_ attributes: NetlinkAttributes) -> Link.VLAN? {
        let information = attributes.nest(IFLA_LINKINFO)
        guard information.text(IFLA_INFO_KIND) == "vlan", let parent = attributes.number(IFLA_LINK, as: Int32.self),
            let id = information.nest(IFLA_INFO_DATA).number(IFLA_VLAN_ID, as: UInt16.self)
        else { return nil }
        return Link.VLAN(id: id, parent: parent)
    }

    /// Reads IFLA_INET_CONF: the IPv4 settings of an interface as u32, by their numbers from 1 on.
    private static func sourceCheck(_ settings: ArraySlice<UInt8>?) -> SourceCheck? {
        func setting(_ number: Int) -> UInt32? {
            guard let settings, settings.count >= 4 * number else { return nil }
            return UInt32(hostOrder: settings.dropFirst(4 * (number - 1)))
        }
        guard let filter = setting(Int(IPV4_DEVCONF_RP_FILTER)), let mark = setting(Int(IPV4_DEVCONF_SRC_VMARK)) else {
            return nil
        }
        return SourceCheck(filter: Int(filter), goesByMark: mark != 0)
    }

    private static func counter(_ statistics: ArraySlice<UInt8>?, at offset: Int?) -> UInt64 {
        guard let statistics, let offset, statistics.count >= offset + 8 else { return 0 }
        return UInt64(hostOrder: statistics.dropFirst(offset))
    }

    /// Makes an interface of a kind.
    static func create(_ name: InterfaceName, _ kind: LinkKind) -> NetlinkMessage {
        var message = NetlinkMessage(type: RTM_NEWLINK, flags: NLM_F_CREATE | NLM_F_EXCL, header: ifinfomsg())
        message.put(IFLA_IFNAME, text: name.text)
        kind.put(into: &message)
        return message
    }

    /// Makes an interface of a driver that needs nothing more.
    static func create(_ name: InterfaceName, driver: String) -> NetlinkMessage {
        var message = NetlinkMessage(type: RTM_NEWLINK, flags: NLM_F_CREATE | NLM_F_EXCL, header: ifinfomsg())
        message.put(IFLA_IFNAME, text: name.text)
        message.nest(IFLA_LINKINFO) { $0.put(IFLA_INFO_KIND, text: driver) }
        return message
    }

    /// Gives an interface our alias, MTU and ``SourceCheck/ours``, and sets it up.
    ///
    /// - Parameter withoutLinkLocals: whether it makes no link-local addresses of its own: in a tunnel nobody is looked for.
    static func setUp(_ index: Int32, alias: String, mtu: Int, withoutLinkLocals: Bool) -> NetlinkMessage {
        var header = ifinfomsg()
        header.ifi_index = index
        header.ifi_flags = ifUp
        header.ifi_change = ifUp
        var message = NetlinkMessage(type: RTM_NEWLINK, flags: 0, header: header)
        message.put(IFLA_IFALIAS, Array(alias.utf8))
        message.put(IFLA_MTU, number: UInt32(mtu))
        message.nest(IFLA_AF_SPEC) { families in
            families.nest(Int(AF_INET)) { inet in
                inet.nest(IFLA_INET_CONF) { settings in
                    settings.put(Int(IPV4_DEVCONF_RP_FILTER), number: UInt32(SourceCheck.ours.filter))
                    settings.put(Int(IPV4_DEVCONF_SRC_VMARK), number: UInt32(SourceCheck.ours.goesByMark ? 1 : 0))
                }
            }
            guard withoutLinkLocals else { return }
            families.nest(Int(AF_INET6)) { inet6 in
                inet6.put(IFLA_INET6_ADDR_GEN_MODE, number: UInt8(IN6_ADDR_GEN_MODE_NONE.rawValue))
            }
        }
        return message
    }

    static func delete(_ index: Int32) -> NetlinkMessage {
        var header = ifinfomsg()
        header.ifi_index = index
        return NetlinkMessage(type: RTM_DELLINK, flags: 0, header: header)
    }
}

private let ifUp = UInt32(IFF_UP)
private let lowerUp = IFF_LOWER_UP.rawValue
