// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes
public import SystemIO

/// Tells when something in the kernel changed that may concern us, and whose doing it was not.
public final class KernelEvents {
    /// What happened.
    public enum Notice: Hashable, Sendable {
        /// An interface changed: it may have lost its carrier, or be gone.
        case link(InterfaceName?)
        /// Addresses, routes, rules or nexthops of ours changed, or a default route.
        case routing
        /// The firewall changed.
        case firewall
        /// Events were lost: anything may have changed.
        case overrun
    }

    private let routing: NetlinkSocket
    private let firewall: NetlinkSocket
    private let reserved: ReservedNumbers
    private let own: Set<UInt32>
    private let loop: EventLoop

    /// Subscribes. What the ports in `own` caused is not reported.
    public init(
        reserved: ReservedNumbers,
        own: Set<UInt32>,
        on loop: EventLoop,
        handler: @escaping (Notice) -> Void
    ) throws(NetlinkError) {
        self.reserved = reserved
        self.own = own
        self.loop = loop
        routing = try NetlinkSocket(bus: NETLINK_ROUTE)
        try routing.subscribe(
            to: [
                RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
                RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_NEXTHOP,
            ].map { Int($0.rawValue) }
        )
        firewall = try NetlinkSocket(bus: NETLINK_NETFILTER)
        try firewall.subscribe(to: [Int(NFNLGRP_NFTABLES.rawValue)])
        do {
            try loop.watch(routing.raw) { [weak self] _ in self?.drain(handler) }
            try loop.watch(firewall.raw) { [weak self] _ in self?.drainFirewall(handler) }
        } catch {
            throw .socket(error)
        }
    }

    deinit {
        loop.unwatch(routing.raw)
        loop.unwatch(firewall.raw)
    }

    private func drain(_ handler: (Notice) -> Void) {
        var notices: Set<Notice> = []
        do {
            while let datagram = try routing.receive() {
                for reply in NetlinkReply.parse(datagram) where !own.contains(reply.port) {
                    if let notice = notice(reply) { notices.insert(notice) }
                }
            }
        } catch {
            notices = [.overrun]
        }
        for notice in notices { handler(notice) }
    }

    private func notice(_ reply: NetlinkReply) -> Notice? {
        switch reply.type {
        case RTM_NEWLINK, RTM_DELLINK:
            return .link(reply.attributes(after: ifinfomsg.self).text(IFLA_IFNAME).flatMap { InterfaceName($0) })
        case RTM_NEWADDR, RTM_DELADDR:
            return .routing
        case RTM_NEWROUTE, RTM_DELROUTE:
            guard let header = reply.header(rtmsg.self) else { return nil }
            let isOurs = header.rtm_protocol == reserved.routeProtocol
            return isOurs || header.rtm_dst_len == 0 ? .routing : nil
        case RTM_NEWRULE, RTM_DELRULE:
            let attributes = reply.attributes(after: fib_rule_hdr.self)
            let isOurs = attributes.number(Int(FRA_PROTOCOL), as: UInt8.self) == reserved.routeProtocol
            return isOurs ? .routing : nil
        case RTM_NEWNEXTHOP, RTM_DELNEXTHOP:
            return reply.header(nhmsg.self)?.nh_protocol == reserved.routeProtocol ? .routing : nil
        default:
            return nil
        }
    }

    private func drainFirewall(_ handler: (Notice) -> Void) {
        do {
            var changed = false
            while let datagram = try firewall.receive() {
                let replies = NetlinkReply.parse(datagram)
                changed = changed || replies.contains { !own.contains($0.port) && NftMessages.concernsOurTable($0) }
            }
            if changed { handler(.firewall) }
        } catch {
            handler(.overrun)
        }
    }
}
