// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes

extension Observed {
    /// Takes one message in, whether it answers a dump or tells of an event.
    ///
    /// The kernel does not tell of everything that goes. With an interface that goes down, loses its carrier or is
    /// removed, it takes the nexthops on it, the groups that are empty then, and the routes by them, without a word
    /// (net/ipv4/nexthop.c, fib_flush). The IPv4 routes that name an interface go as silently when it goes down, is
    /// removed or loses its last address; a lost carrier leaves them. That is concluded here.
    /// What cannot be, as which default routes come back with an uplink, is marked as doubtful.
    ///
    /// - Returns: what of ours, or of the links and addresses, is not as it was.
    @discardableResult
    mutating func take(_ reply: NetlinkReply, _ reserved: ReservedNumbers) -> KernelObject? {
        switch reply.type {
        case RTM_NEWLINK, RTM_DELLINK: takeLink(reply)
        case RTM_NEWADDR, RTM_DELADDR: takeAddress(reply)
        case RTM_NEWNEXTHOP, RTM_DELNEXTHOP: takeNexthop(reply, reserved)
        case RTM_NEWROUTE, RTM_DELROUTE: takeRoute(reply, reserved)
        case RTM_NEWRULE, RTM_DELRULE: takeRule(reply, reserved)
        case RTM_NEWNEIGH, RTM_DELNEIGH: takeNeighbour(reply)
        default: nil
        }
    }

    /// What becomes of neighbours explains and changes nothing: it is no news by itself.
    private mutating func takeNeighbour(_ reply: NetlinkReply) -> KernelObject? {
        guard let (neighbour, isMissing) = NeighbourMessages.parse(reply) else { return nil }
        if isMissing { missingNeighbours.insert(neighbour) } else { missingNeighbours.remove(neighbour) }
        return nil
    }

    private mutating func takeLink(_ reply: NetlinkReply) -> KernelObject? {
        guard let link = LinkMessages.parse(reply) else { return nil }
        if reply.type == RTM_DELLINK {
            guard link.index == links[link.name]?.index else { return nil }
            loseLink(link)
            return .link(link.name)
        }
        let before = links.values.first { $0.index == link.index }
        if let before, before.name != link.name {
            links[before.name] = nil
            tunnels[before.name] = nil
            sightings[before.name] = nil
        }
        links[link.name] = link
        if !(link.isUp && link.hasCarrier) { loseNexthops(on: link.index) }
        if !link.isUp, before?.isUp == true || defaultRoutes.contains(where: { $0.link == link.index }) {
            loseRoutes(on: link.index)
        }
        return before?.withoutCounters == link.withoutCounters ? nil : .link(link.name)
    }

    mutating func loseLink(_ link: Link) {
        loseNexthops(on: link.index)
        loseRoutes(on: link.index)
        links[link.name] = nil
        tunnels[link.name] = nil
        sightings[link.name] = nil
        outerMTUs[link.name] = nil
        claimed.remove(link.index)
        addresses = addresses.filter { $0.link != link.index }
        doubts = doubts.filter { $0.key.link != link.index }
        missingNeighbours = missingNeighbours.filter { $0.link != link.index }
    }

    private mutating func loseNexthops(on link: Int32) {
        for nexthop in nexthops.values where nexthop.leads(outOf: link) { loseNexthop(nexthop.id) }
    }

    private mutating func loseRoutes(on link: Int32, of families: [AddressFamily] = AddressFamily.allCases) {
        routes = routes.filter { !($0.value.leads(outOf: link) && families.contains($0.key.prefix.family)) }
        defaultRoutes = defaultRoutes.filter { !($0.link == link && families.contains($0.family)) }
    }

    mutating func loseNexthop(_ id: UInt32) {
        nexthops[id] = nil
        routes = routes.filter { $0.value.destination != .nexthop(id) }
        for group in nexthops.values {
            guard group.destination.members.contains(id) else { continue }
            let rest = group.destination.without(id)
            if rest.members.isEmpty {
                loseNexthop(group.id)
            } else {
                nexthops[group.id]?.destination = rest
            }
        }
    }

    private mutating func takeAddress(_ reply: NetlinkReply) -> KernelObject? {
        guard let address = AddressMessages.parse(reply) else { return nil }
        let doubt = reply.type == RTM_NEWADDR ? AddressMessages.doubt(reply) : nil
        let before = doubts[address]
        doubts[address] = doubt
        if reply.type == RTM_NEWADDR {
            return addresses.insert(address).inserted || before != doubt ? .address(address) : nil
        }
        guard addresses.remove(address) != nil else { return nil }
        let family = address.address.address.family
        let isLast = !addresses.contains { $0.link == address.link && $0.address.address.family == family }
        if family == .ipv4, isLast { loseRoutes(on: address.link, of: [.ipv4]) }
        // What becomes of routes that name it as their source depends on their table, their nexthop and the kernel
        // (fib_sync_down_addr, fib6_remove_prefsrc).
        if routes.values.contains(where: { $0.source == address.address.address }) { isDoubtful = true }
        return .address(address)
    }

    private mutating func takeNexthop(_ reply: NetlinkReply, _ reserved: ReservedNumbers) -> KernelObject? {
        let id = reply.attributes(after: nhmsg.self).number(NHA_ID, as: UInt32.self)
        if let id, defaultNexthops.contains(id) { isDoubtful = true }
        if let id = NexthopMessages.foreign(reply, reserved) {
            if reply.type == RTM_NEWNEXTHOP { strangers.insert(.nexthop(id)) } else { strangers.remove(.nexthop(id)) }
            // One that somebody else has put in the place of ours.
            guard reply.type == RTM_NEWNEXTHOP, nexthops[id] != nil else { return nil }
            nexthops[id] = nil
            return .nexthop(id)
        }
        guard let nexthop = NexthopMessages.parse(reply, reserved) else { return nil }
        if reply.type == RTM_DELNEXTHOP {
            guard nexthops[nexthop.id] != nil else { return nil }
            loseNexthop(nexthop.id)
            return .nexthop(nexthop.id)
        }
        strangers.remove(.nexthop(nexthop.id))
        let before = nexthops.updateValue(nexthop, forKey: nexthop.id)
        return before == nexthop ? nil : .nexthop(nexthop.id)
    }

    private mutating func takeRoute(_ reply: NetlinkReply, _ reserved: ReservedNumbers) -> KernelObject? {
        // Most routes of a router are nobody's business here, and may come by the ten thousand a second.
        guard let header = reply.header(rtmsg.self),
            RouteMessages.concerns(header, reserved), let found = RouteMessages.parse(reply)
        else { return nil }
        let key = found.route.key
        let isNew = reply.type == RTM_NEWROUTE
        if found.routeProtocol == reserved.routeProtocol {
            guard isNew else { return routes.removeValue(forKey: key) == nil ? nil : .route(key) }
            // Ours has its place: routes with equal keys replace each other.
            strangers.remove(.route(key))
            let before = routes.updateValue(found.route, forKey: key)
            return before == found.route ? nil : .route(key)
        }
        if reserved.tables.contains(key.table) {
            if isNew { strangers.insert(.route(key)) } else { strangers.remove(.route(key)) }
            guard isNew, reply.flags & NLM_F_REPLACE != 0, routes.removeValue(forKey: key) != nil else { return nil }
            return .route(key)
        }
        guard key.table == UInt32(RT_TABLE_MAIN.rawValue), key.prefix.length == 0 else { return nil }
        let before = defaultRoutes
        let family = key.prefix.family
        if let nexthop = found.nexthop { defaultNexthops.insert(nexthop) }
        if isNew, reply.flags & NLM_F_REPLACE != 0 {
            // Of several that were appended the kernel replaces the first.
            if defaultRoutes.count(where: { $0.family == family && $0.metric == key.metric }) > 1 { isDoubtful = true }
            defaultRoutes = defaultRoutes.filter { $0.family != family || $0.metric != key.metric }
        }
        for hop in found.hops {
            var route = DefaultRoute(family: family, link: hop.link, gateway: hop.gateway, metric: key.metric)
            // What a router's advertisement says of the MTU comes into a route without a word.
            defaultRoutes = defaultRoutes.filter { $0.withoutMTU != route }
            route.mtu = found.route.mtu
            if isNew { defaultRoutes.insert(route) }
        }
        return before == defaultRoutes ? nil : .route(key)
    }

    private mutating func takeRule(_ reply: NetlinkReply, _ reserved: ReservedNumbers) -> KernelObject? {
        let isNew = reply.type == RTM_NEWRULE
        if let foreign = RuleMessages.foreign(reply, reserved) {
            let object = KernelObject.rule(foreign.family, priority: foreign.priority)
            let place: WritableKeyPath<Self, Set<KernelObject>> =
                switch foreign.kind {
                case .overtaker: \.overtakers
                case .bypass: \.bypasses
                case .stranger: \.strangers
                }
            let isNews =
                isNew ? self[keyPath: place].insert(object).inserted : self[keyPath: place].remove(object) != nil
            return isNews ? object : nil
        }
        guard let rule = RuleMessages.parse(reply, reserved) else { return nil }
        let isNews = isNew ? rules.insert(rule).inserted : rules.remove(rule) != nil
        return isNews ? .rule(rule.family, priority: rule.priority) : nil
    }
}

extension Observed.DefaultRoute {
    fileprivate var withoutMTU: Self {
        var route = self
        route.mtu = nil
        return route
    }
}

extension Nexthop {
    fileprivate func leads(outOf link: Int32) -> Bool {
        if case .device(link, _) = destination { true } else { false }
    }
}

extension Route {
    fileprivate func leads(outOf link: Int32) -> Bool {
        if case .device(link, _) = destination { true } else { false }
    }
}
