// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth

/// The kernel objects that a wish comes to, given the links that there are: nexthops, routes and rules.
///
///     rule  fwmark UNDERLAY-MARK   -> underlay table (default by the underlay's gateway), else unreachable
///     rule  oif PATH | fwmark PATH -> path table     (all prefixes of its networks through the path)
///     rule  all                    -> network table  (prefix metric 100 active, 200 standby, 4294967294 unreachable;
///                                                     50 where a drill leads it elsewhere)
///
/// The network table is asked before main, so a foreign route there, however specific, never takes a protected packet.
struct Layout: Hashable, Sendable {
    var nexthops: [UInt32: Nexthop] = [:]
    var routes: [Route.Key: Route] = [:]
    var rules: Set<Rule> = []

    init(_ desired: Desired, _ observed: Observed) {
        let reserved = desired.reserved
        // The guard, active, standby, and one in the table of each path.
        routes.reserveCapacity(desired.networks.reduce(64) { $0 + $1.prefixes.count * (3 + $1.paths.count) })
        for path in desired.paths {
            addUnderlay(of: path, observed, reserved)
            addPath(path, observed, desired)
        }
        for network in desired.networks { addNetwork(network, desired, observed) }
        if !desired.networks.isEmpty {
            for family in AddressFamily.allCases {
                rules.insert(
                    Rule(
                        family: family,
                        priority: reserved.networkPriority,
                        selector: .all,
                        action: .lookup(reserved.networkTable)
                    )
                )
            }
        }
    }

    private mutating func add(_ route: Route) {
        routes[route.key] = route
    }

    private mutating func addUnderlay(of path: Desired.Path, _ observed: Observed, _ reserved: ReservedNumbers) {
        guard let outer = path.underlay else { return }
        let (table, mark) = (reserved.underlayTable(path.slot), reserved.underlayMark(path.slot))
        let priority = reserved.underlayPriority(path.slot)
        for family in AddressFamily.allCases {
            let selector = Rule.Selector.mark(mark, mask: reserved.markMask)
            rules.insert(Rule(family: family, priority: priority, selector: selector, action: .lookup(table)))
            rules.insert(Rule(family: family, priority: priority + 1, selector: selector, action: .unreachable))
        }
        if let remote = path.ipsec?.remote {
            addIKE(of: path, from: observed.sources(on: outer.interface, remote.family), to: remote, reserved)
        }
        guard let underlay = observed.links[outer.interface], underlay.isUp, underlay.hasCarrier else { return }
        for address in observed.usableAddresses(of: underlay) {
            let onLink = address.address.prefix
            add(
                Route(
                    table: table,
                    prefix: onLink,
                    metric: 1024,
                    destination: .device(link: underlay.index, gateway: nil)
                )
            )
        }
        for family in AddressFamily.allCases {
            guard let hop = path.hop(family, observed),
                let all = IPPrefix(holding: IPAddress(family: family, bits: 0), length: 0)
            else { continue }
            add(
                Route(
                    table: table,
                    prefix: all,
                    metric: 1024,
                    destination: .device(link: hop.link, gateway: hop.gateway),
                    mtu: hop.mtu
                )
            )
        }
    }

    /// What an IKE daemon sends has no mark of the path's: it is known by the underlay's address, its ports (RFC 7296 section
    /// 2.23) and where it goes. What else such a daemon sends from there is none of ours.
    private mutating func addIKE(
        of path: Desired.Path,
        from sources: [IPAddress],
        to remote: IPAddress,
        _ reserved: ReservedNumbers
    ) {
        let (table, priority) = (reserved.underlayTable(path.slot), reserved.underlayPriority(path.slot))
        for source in sources {
            for port: UInt16 in [500, 4500] {
                let selector = Rule.Selector.datagrams(from: source, port: port, to: remote)
                let family = source.family
                rules.insert(Rule(family: family, priority: priority, selector: selector, action: .lookup(table)))
                rules.insert(Rule(family: family, priority: priority + 1, selector: selector, action: .unreachable))
            }
        }
    }

    private mutating func addPath(_ path: Desired.Path, _ observed: Observed, _ desired: Desired) {
        let reserved = desired.reserved
        let (table, priority) = (reserved.pathTable(path.slot), reserved.pathPriority(path.slot))
        for family in AddressFamily.allCases {
            for selector in [
                Rule.Selector.output(path.interface),
                .mark(reserved.pathMark(path.slot), mask: reserved.markMask),
            ] {
                rules.insert(Rule(family: family, priority: priority, selector: selector, action: .lookup(table)))
            }
        }
        guard let link = path.carrier(observed) else { return }
        let families = path.families(observed)
        let isShared = desired.networks.contains { $0.weights[path.name] != nil }
        for family in families {
            let destination = Nexthop.Destination.device(link: link.index, gateway: path.gateway(family))
            let ids = [reserved.nexthop(ofPath: path.slot, family)]
            for id in ids + (isShared ? [reserved.secondNexthop(ofPath: path.slot, family)] : []) {
                nexthops[id] = Nexthop(id: id, family: family, destination: destination)
            }
        }
        let own = desired.networks.filter { $0.paths.contains(path.name) }.flatMap(\.prefixes)
        for prefix in own + path.distantEnds(observed) where families.contains(prefix.family) {
            let id = reserved.nexthop(ofPath: path.slot, prefix.family)
            add(
                Route(
                    table: table,
                    prefix: prefix,
                    metric: 1024,
                    destination: .nexthop(id),
                    mtu: path.routeMTU(observed),
                    source: path.source(prefix.family, observed)
                )
            )
        }
    }

    private mutating func addNetwork(_ network: Desired.Network, _ desired: Desired, _ observed: Observed) {
        let reserved = desired.reserved
        for prefix in network.prefixes {
            add(
                Route(
                    table: reserved.networkTable,
                    prefix: prefix,
                    metric: ReservedNumbers.guardMetric,
                    destination: .unreachable
                )
            )
        }
        if let canary = network.canary, let route = canaryRoute(canary, of: network, desired, observed) { add(route) }
        for use in Self.groups(of: network, desired, observed) {
            nexthops[use.group.id] = use.group
            for prefix in network.prefixes where prefix.family == use.group.family {
                add(use.route(to: prefix, reserved))
            }
        }
    }

    private func canaryRoute(
        _ canary: Desired.Network.Canary,
        of network: Desired.Network,
        _ desired: Desired,
        _ observed: Observed
    ) -> Route? {
        guard let path = desired.paths.first(where: { $0.name == canary.path }), path.carrier(observed) != nil,
            path.families(observed).contains(canary.prefix.family)
        else { return nil }
        return Route(
            table: desired.reserved.networkTable,
            prefix: canary.prefix,
            metric: ReservedNumbers.canaryMetric,
            destination: .nexthop(desired.reserved.nexthop(ofPath: path.slot, canary.prefix.family)),
            mtu: path.routeMTU(for: network.mtu, observed),
            source: path.source(canary.prefix.family, observed)
        )
    }

    /// A group, and how routes lead by it.
    struct GroupUse {
        let rank: ReservedNumbers.Rank
        let group: Nexthop
        /// What is allowed less than the path's interface takes.
        let mtu: UInt32?
        /// What this host's own packets leave from.
        let source: IPAddress?

        func route(to prefix: IPPrefix, _ reserved: ReservedNumbers) -> Route {
            Route(
                table: reserved.networkTable,
                prefix: prefix,
                metric: rank.rawValue,
                destination: .nexthop(group.id),
                mtu: mtu,
                source: source
            )
        }
    }

    /// The groups that a network's prefixes are routed to, by its decision and as far as the paths' interfaces carry.
    static func groups(of network: Desired.Network, _ desired: Desired, _ observed: Observed) -> [GroupUse] {
        let standby = [network.outcome.standby].compactMap(\.self)
        return [(ReservedNumbers.Rank.active, network.outcome.carriers), (.standby, standby)].flatMap { rank, names in
            AddressFamily.allCases.compactMap { family in
                // By the file's order, so that a group stays as it is whichever of them leads.
                let paths = desired.paths.filter { path in
                    names.contains(path.name) && path.carrier(observed) != nil
                        && path.families(observed).contains(family)
                }
                guard !paths.isEmpty, network.prefixes.contains(where: { $0.family == family }) else { return nil }
                return group(of: network, rank, family, by: paths, desired.reserved, observed)
            }
        }
    }

    private static func group(
        of network: Desired.Network,
        _ rank: ReservedNumbers.Rank,
        _ family: AddressFamily,
        by paths: [Desired.Path],
        _ reserved: ReservedNumbers,
        _ observed: Observed
    ) -> GroupUse {
        let members = paths.map { reserved.nexthop(ofPath: $0.slot, family) }
        // A path of another priority is in such a group alone, and has no second nexthop: what it carries it gives back.
        let shares = paths.flatMap { path -> [Nexthop.Share] in
            let first = reserved.nexthop(ofPath: path.slot, family)
            guard let weight = network.weights[path.name] else { return [Nexthop.Share(id: first, weight: 1)] }
            let second = reserved.secondNexthop(ofPath: path.slot, family)
            return [first, second].map { Nexthop.Share(id: $0, weight: weight) }
        }
        let isShared = rank == .active && !network.weights.isEmpty
        let sources = Set(paths.map { $0.source(family, observed) })
        return GroupUse(
            rank: rank,
            group: Nexthop(
                id: network.group(rank, family, reserved),
                family: family,
                destination: isShared ? .shares(shares) : .group(members)
            ),
            mtu: paths.compactMap { $0.routeMTU(for: network.mtu, observed) }.min(),
            source: sources.count == 1 ? sources.first ?? nil : nil
        )
    }
}

extension Desired.Path {
    /// Its interface, where that is the path's to use and can carry.
    func carrier(_ observed: Observed) -> Link? {
        guard let link = usableLink(observed), link.isUp, link.hasCarrier else { return nil }
        return link
    }

    /// The families that go by it, IPv4 first: in a tunnel both, by a line those in which it has a router within reach.
    func families(_ observed: Observed) -> [AddressFamily] {
        guard line != nil else { return AddressFamily.allCases }
        return AddressFamily.allCases.filter { family in gateway(family).map { reaches($0, observed) } ?? false }
    }

    /// Whether its interface has an address that leads to a router on it: without, the kernel takes no nexthop by it.
    func reaches(_ gateway: IPAddress, _ observed: Observed) -> Bool {
        guard let link = observed.links[interface] else { return false }
        return gateway.isLinkLocal
            || observed.usableAddresses(of: link).contains { $0.address.prefix.contains(gateway) }
    }

    /// Who carries packets of a family on; nil in a tunnel, where nobody has to be named.
    func gateway(_ family: AddressFamily) -> IPAddress? { line?.gateways.first { $0.family == family } }

    /// The address of the file that this host's own packets leave from by it, as long as this host has it: the kernel takes
    /// no route with another's.
    func source(_ family: AddressFamily, _ observed: Observed) -> IPAddress? {
        sources.first { $0.family == family && observed.has($0) }
    }

    /// The far ends that its interface does not reach by itself.
    func distantEnds(_ observed: Observed) -> [IPPrefix] {
        guard let line, let link = observed.links[interface] else { return [] }
        let onLink = observed.usableAddresses(of: link).map(\.address.prefix)
        return line.farEnds.filter { end in !onLink.contains { $0.contains(end) } }
    }

    /// The way out by the underlay: the file's gateway, else what the underlay's best default route says. None while each
    /// address that outer packets could have there is in doubt: the kernel would give them another interface's.
    func hop(_ family: AddressFamily, _ observed: Observed) -> Observed.DefaultRoute? {
        guard let underlay, let link = observed.links[underlay.interface], observed.hasSource(on: link, family) else {
            return nil
        }
        guard let gateways = underlay.gateways else { return observed.defaultRoute(by: link, family) }
        return gateways.first { $0.family == family }.map {
            Observed.DefaultRoute(family: family, link: link.index, gateway: $0, metric: 0)
        }
    }
}
