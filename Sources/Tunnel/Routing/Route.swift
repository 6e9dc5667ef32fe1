// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes

/// A unicast or unreachable route (RTM_NEWROUTE).
public struct Route: Hashable, Sendable {
    /// Where it leads.
    public enum Destination: Hashable, Sendable {
        /// To a nexthop object.
        case nexthop(UInt32)
        /// Nowhere: EHOSTUNREACH for local sockets, an ICMP error for others.
        case unreachable
        /// Out of an interface, by a gateway or on-link.
        case device(link: Int32, gateway: IPAddress?)
        /// What pnetd never makes, by its rtm_type, as RTN_BLACKHOLE.
        case other(UInt8)
    }

    /// The routing table.
    public var table: UInt32
    /// What it holds for.
    public var prefix: IPPrefix
    /// Of two for the same prefix the lower one wins. IPv4 has 0 for none, IPv6 has 1024.
    public var metric: UInt32
    /// Where it leads.
    public var destination: Destination
    /// Octets of the largest packet that may go by it (RTAX_MTU); nil: as many as its interface takes.
    public var mtu: UInt32?
    /// The address that packets of this host leave from by it where nothing else says one (RTA_PREFSRC); nil: the kernel
    /// chooses.
    public var source: IPAddress?

    /// Routes with equal keys replace each other.
    struct Key: Hashable {
        let table: UInt32
        let prefix: IPPrefix
        let metric: UInt32

        /// By what tells most routes apart: a table of a hundred thousand is looked up often.
        func hash(into hasher: inout Hasher) {
            hasher.combine(UInt64(truncatingIfNeeded: prefix.address.bits >> 64))
            hasher.combine(UInt64(truncatingIfNeeded: prefix.address.bits))
            hasher.combine(UInt64(table) << 32 | UInt64(metric))
        }
    }

    var key: Key { Key(table: table, prefix: prefix, metric: metric) }
}

/// A route as the kernel shows it, with what tells whose it is.
struct ObservedRoute: Hashable {
    var route: Route
    var routeProtocol: UInt8
    /// Where it leads, whether by its own attributes, by several hops or by a nexthop object.
    var hops: [Hop]
    /// The nexthop object that it leads by.
    var nexthop: UInt32?

    /// One of the ways that a route may take.
    struct Hop: Hashable {
        var link: Int32
        var gateway: IPAddress?
    }
}

enum RouteMessages {
    static func dump(_ family: AddressFamily) -> NetlinkMessage {
        var header = rtmsg()
        header.rtm_family = family.kernelNumber
        return NetlinkMessage(type: RTM_GETROUTE, flags: 0, header: header)
    }

    /// Whether a route may be ours, among our tables, or a default route of the main table: told by the header alone.
    static func concerns(_ header: rtmsg, _ reserved: ReservedNumbers) -> Bool {
        // Tables beyond 255 do not fit into the header and are called RT_TABLE_COMPAT there.
        let table = UInt32(header.rtm_table)
        return header.rtm_protocol == reserved.routeProtocol || table == UInt32(RT_TABLE_COMPAT.rawValue)
            || reserved.tables.contains(table)
            || (table == UInt32(RT_TABLE_MAIN.rawValue) && header.rtm_dst_len == 0)
    }

    static func parse(_ reply: NetlinkReply) -> ObservedRoute? {
        guard let header = reply.header(rtmsg.self),
            let family = AddressFamily(kernelNumber: header.rtm_family), header.rtm_flags & cloned == 0
        else { return nil }
        let attributes = reply.attributes(after: rtmsg.self)
        let any = IPAddress(family: family, bits: 0)
        guard let prefix = IPPrefix(holding: attributes.address(RTA_DST) ?? any, length: Int(header.rtm_dst_len)) else {
            return nil
        }
        let hops = hops(attributes)
        let destination: Route.Destination
        if let id = attributes.number(RTA_NH_ID, as: UInt32.self) {
            destination = .nexthop(id)
        } else if Int(header.rtm_type) == RTN_UNREACHABLE {
            destination = .unreachable
        } else if Int(header.rtm_type) == RTN_UNICAST, let hop = hops.first {
            destination = .device(link: hop.link, gateway: hop.gateway)
        } else {
            destination = .other(header.rtm_type)
        }
        let route = Route(
            table: attributes.number(RTA_TABLE, as: UInt32.self) ?? UInt32(header.rtm_table),
            prefix: prefix,
            metric: attributes.number(RTA_PRIORITY, as: UInt32.self) ?? 0,
            destination: destination,
            mtu: mtu(attributes),
            source: attributes.address(RTA_PREFSRC)
        )
        return ObservedRoute(
            route: route,
            routeProtocol: header.rtm_protocol,
            hops: hops,
            nexthop: attributes.number(RTA_NH_ID, as: UInt32.self)
        )
    }

    /// Asks for the way to an address that the kernel chooses for packets with a mark, out of an interface, or with
    /// neither.
    static func get(_ address: IPAddress, by selector: Selector) -> NetlinkMessage {
        var header = rtmsg()
        header.rtm_family = address.family.kernelNumber
        header.rtm_dst_len = UInt8(address.family.width)
        var message = NetlinkMessage(type: RTM_GETROUTE, flags: 0, header: header)
        message.put(RTA_DST, address.bytes)
        switch selector {
        case .mark(let mark): message.put(RTA_MARK, number: mark)
        case .output(let link): message.put(RTA_OIF, number: link)
        case .neither: break
        }
        return message
    }

    enum Selector: Hashable {
        case mark(UInt32)
        case output(Int32)
        case neither
    }

    /// The MTU of a route; of a way that was asked for it is what was learned of the path to the address, until that
    /// expires, else the route's own. nil where nothing says less than the interface.
    static func mtu(_ reply: NetlinkReply) -> UInt32? {
        guard reply.type == RTM_NEWROUTE || reply.type == RTM_DELROUTE else { return nil }
        return mtu(reply.attributes(after: rtmsg.self))
    }

    private static func mtu(_ attributes: NetlinkAttributes) -> UInt32? {
        attributes[RTA_METRICS].flatMap { NetlinkAttributes($0).number(Int(RTAX_MTU), as: UInt32.self) }
    }

    /// Whether a way that was asked for is one that the kernel learned from a router and will forget again: that alone
    /// has an expiry here, whatever the route that it leads by has of its own (`rt6_set_from`).
    static func isLearned(_ reply: NetlinkReply) -> Bool {
        guard let place = MemoryLayout<rta_cacheinfo>.offset(of: \.rta_expires),
            let information = reply.attributes(after: rtmsg.self)[RTA_CACHEINFO]
        else { return false }
        return Int32(hostOrder: information.dropFirst(place)) > 0
    }

    private static func hops(_ attributes: NetlinkAttributes) -> [ObservedRoute.Hop] {
        if let link = attributes.number(RTA_OIF, as: Int32.self) {
            return [ObservedRoute.Hop(link: link, gateway: attributes.address(RTA_GATEWAY))]
        }
        var hops: [ObservedRoute.Hop] = []
        var rest = attributes[RTA_MULTIPATH] ?? []
        // struct rtnexthop: u16 length, u8 flags, u8 weight, i32 interface; then attributes.
        while rest.count >= 8 {
            let length = Int(UInt16(hostOrder: rest))
            guard length >= 8, length <= rest.count else { break }
            let own = NetlinkAttributes(rest.prefix(length).dropFirst(8))
            hops.append(
                ObservedRoute.Hop(link: Int32(hostOrder: rest.dropFirst(4)), gateway: own.address(RTA_GATEWAY))
            )
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return hops
    }

    static func put(_ route: Route, _ reserved: ReservedNumbers) -> NetlinkMessage {
        message(RTM_NEWROUTE, flags: NLM_F_CREATE | NLM_F_REPLACE, route, reserved)
    }

    static func delete(_ route: Route, _ reserved: ReservedNumbers) -> NetlinkMessage {
        message(RTM_DELROUTE, flags: 0, route, reserved)
    }

    private static func message(
        _ type: Int,
        flags: Int32,
        _ route: Route,
        _ reserved: ReservedNumbers
    ) -> NetlinkMessage {
        var header = rtmsg()
        header.rtm_family = route.prefix.family.kernelNumber
        header.rtm_dst_len = UInt8(route.prefix.length)
        header.rtm_protocol = reserved.routeProtocol
        header.rtm_type = UInt8(RTN_UNICAST)
        var isOnLink = false
        // The gateway is on the link because the operator's own route says so, whatever addresses the link has.
        if case .device(_, .some) = route.destination { header.rtm_flags = UInt32(RTNH_F_ONLINK) }
        switch route.destination {
        case .unreachable: header.rtm_type = UInt8(RTN_UNREACHABLE)
        case .device(_, nil): isOnLink = true
        case .other(let type): header.rtm_type = type
        case .nexthop, .device: break
        }
        header.rtm_scope = UInt8(isOnLink ? RT_SCOPE_LINK.rawValue : RT_SCOPE_UNIVERSE.rawValue)
        var message = NetlinkMessage(type: type, flags: flags, header: header)
        message.put(RTA_TABLE, number: route.table)
        message.put(RTA_DST, route.prefix.address.bytes)
        message.put(RTA_PRIORITY, number: route.metric)
        switch route.destination {
        case .nexthop(let id): message.put(RTA_NH_ID, number: id)
        case .unreachable, .other: break
        case .device(let link, let gateway):
            message.put(RTA_OIF, number: link)
            if let gateway { message.put(RTA_GATEWAY, gateway.bytes) }
        }
        if let source = route.source { message.put(RTA_PREFSRC, source.bytes) }
        // Without this attribute a route gets the MTU of any that leads by the same nexthop object at the same metric, its own
        // before among them (fib_find_info_nh, net/ipv4/fib_semantics.c); an empty one says that it has none.
        if type == RTM_NEWROUTE {
            message.nest(RTA_METRICS) { metrics in
                if let mtu = route.mtu { metrics.put(Int(RTAX_MTU), number: mtu) }
            }
        }
        return message
    }
}

/// RTM_F_CLONED: a cached exception, not a route of a table.
private let cloned: UInt32 = 0x200
