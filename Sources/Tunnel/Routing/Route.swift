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
    }

    /// The routing table.
    public var table: UInt32
    /// What it holds for.
    public var prefix: IPPrefix
    /// Of two for the same prefix the lower one wins. IPv4 has 0 for none, IPv6 has 1024.
    public var metric: UInt32
    /// Where it leads.
    public var destination: Destination

    /// Routes with equal keys replace each other.
    struct Key: Hashable {
        let table: UInt32
        let prefix: IPPrefix
        let metric: UInt32
    }

    var key: Key { Key(table: table, prefix: prefix, metric: metric) }
}

/// A route as the kernel shows it, with what tells whose it is.
struct ObservedRoute: Hashable {
    var route: Route
    var routeProtocol: UInt8
}

enum RouteMessages {
    static func dump(_ family: AddressFamily) -> NetlinkMessage {
        var header = rtmsg()
        header.rtm_family = family.kernelNumber
        return NetlinkMessage(type: RTM_GETROUTE, flags: 0, header: header)
    }

    static func parse(_ reply: NetlinkReply) -> ObservedRoute? {
        guard reply.type == RTM_NEWROUTE, let header = reply.header(rtmsg.self),
            let family = AddressFamily(kernelNumber: header.rtm_family), header.rtm_flags & cloned == 0
        else { return nil }
        let attributes = reply.attributes(after: rtmsg.self)
        let any = IPAddress(family: family, bits: 0)
        guard let prefix = IPPrefix(holding: attributes.address(RTA_DST) ?? any, length: Int(header.rtm_dst_len)) else {
            return nil
        }
        let destination: Route.Destination
        if let id = attributes.number(RTA_NH_ID, as: UInt32.self) {
            destination = .nexthop(id)
        } else if Int(header.rtm_type) == RTN_UNREACHABLE {
            destination = .unreachable
        } else if Int(header.rtm_type) == RTN_UNICAST, let link = attributes.number(RTA_OIF, as: Int32.self) {
            destination = .device(link: link, gateway: attributes.address(RTA_GATEWAY))
        } else {
            return nil
        }
        let route = Route(
            table: attributes.number(RTA_TABLE, as: UInt32.self) ?? UInt32(header.rtm_table),
            prefix: prefix,
            metric: attributes.number(RTA_PRIORITY, as: UInt32.self) ?? 0,
            destination: destination
        )
        return ObservedRoute(route: route, routeProtocol: header.rtm_protocol)
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
        switch route.destination {
        case .unreachable: header.rtm_type = UInt8(RTN_UNREACHABLE)
        case .device(_, nil): isOnLink = true
        case .nexthop, .device: break
        }
        header.rtm_scope = UInt8(isOnLink ? RT_SCOPE_LINK.rawValue : RT_SCOPE_UNIVERSE.rawValue)
        var message = NetlinkMessage(type: type, flags: flags, header: header)
        message.put(RTA_TABLE, number: route.table)
        message.put(RTA_DST, route.prefix.address.bytes)
        message.put(RTA_PRIORITY, number: route.metric)
        switch route.destination {
        case .nexthop(let id): message.put(RTA_NH_ID, number: id)
        case .unreachable: break
        case .device(let link, let gateway):
            message.put(RTA_OIF, number: link)
            if let gateway { message.put(RTA_GATEWAY, gateway.bytes) }
        }
        return message
    }
}

/// RTM_F_CLONED: a cached exception, not a route of a table.
private let cloned: UInt32 = 0x200
