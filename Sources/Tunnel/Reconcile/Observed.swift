// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes

/// What the kernel has, as far as it concerns us.
struct Observed: Hashable, Sendable {
    var links: [InterfaceName: Link] = [:]
    var addresses: Set<LinkAddress> = []
    /// Those that this kernel has.
    var families = Set(AddressFamily.allCases)
    /// Ours, by their ids.
    var nexthops: [UInt32: Nexthop] = [:]
    /// Those in our tables and with our protocol.
    var routes: Set<Route> = []
    /// Anybody's default routes of the main table, for underlays whose gateway is found by itself.
    var defaultRoutes: [DefaultRoute] = []

    /// A way out of the site by one interface.
    struct DefaultRoute: Hashable, Sendable {
        var family: AddressFamily
        var link: Int32
        /// nil on a point-to-point link, as of PPPoE or LTE.
        var gateway: IPAddress?
        var metric: UInt32
    }
    /// Ours.
    var rules: Set<Rule> = []
    /// What somebody else has put among our reserved numbers, in words.
    var collisions: Set<String> = []

    /// Reads everything, in the order in which one thing hangs on another.
    static func read(over kernel: NetlinkConversation, _ reserved: ReservedNumbers) throws(NetlinkError) -> Observed {
        var observed = Observed()
        for reply in try kernel.dump(LinkMessages.dump(), "read the links") {
            if let link = LinkMessages.parse(reply) { observed.links[link.name] = link }
        }
        for reply in try kernel.dump(AddressMessages.dump(), "read the addresses") {
            if let address = AddressMessages.parse(reply) { observed.addresses.insert(address) }
        }
        for reply in try kernel.dump(NexthopMessages.dump(), "read the nexthops") {
            if let nexthop = NexthopMessages.parse(reply, reserved) { observed.nexthops[nexthop.id] = nexthop }
            if let id = NexthopMessages.foreign(reply, reserved) {
                observed.collisions.insert("nexthop \(id) is not pnetd's, but among its reserved ids")
            }
        }
        for family in AddressFamily.allCases {
            let before = observed
            do {
                try observed.readRouting(family, over: kernel, reserved)
            } catch  where error.code == EAFNOSUPPORT {
                // As with ipv6.disable=1 on the kernel's command line: there is nothing to guard or to route. Asked for
                // such a family's routes, the kernel gives all others'.
                observed = before
                observed.families.remove(family)
            }
        }
        return observed
    }

    private mutating func readRouting(
        _ family: AddressFamily,
        over kernel: NetlinkConversation,
        _ reserved: ReservedNumbers
    ) throws(NetlinkError) {
        for reply in try kernel.dump(RouteMessages.dump(family), "read the \(family) routes") {
            guard let found = RouteMessages.parse(reply) else { continue }
            if found.routeProtocol == reserved.routeProtocol {
                routes.insert(found.route)
            } else if reserved.tables.contains(found.route.table) {
                collisions.insert(
                    "table \(found.route.table), reserved for pnetd, has somebody else's routes"
                )
            } else if found.route.table == UInt32(RT_TABLE_MAIN.rawValue), found.route.prefix.length == 0 {
                defaultRoutes += found.hops.map {
                    DefaultRoute(family: family, link: $0.link, gateway: $0.gateway, metric: found.route.metric)
                }
            }
        }
        for reply in try kernel.dump(RuleMessages.dump(family), "read the \(family) rules") {
            if let rule = RuleMessages.parse(reply, reserved) { rules.insert(rule) }
            if let priority = RuleMessages.foreign(reply, reserved) {
                collisions.insert(
                    "\(family) rule \(priority) is not pnetd's, but among its reserved priorities"
                )
            }
        }
    }

    /// Local networks that a protected prefix holds, in words: while pnetd runs they are reached by the paths or not at all.
    func swallowed(by desired: Desired) -> [String] {
        let own = Set(desired.paths.compactMap { links[$0.interface]?.index })
        let names = Dictionary(links.values.map { ($0.index, $0.name) }, uniquingKeysWith: { first, _ in first })
        return addresses.filter { !own.contains($0.link) && !$0.address.address.isLinkLocal }.flatMap { local in
            desired.networks.compactMap { network in
                guard let name = names[local.link], name.text != "lo",
                    let prefix = network.prefixes.first(where: { $0.contains(local.address.prefix) })
                else { return nil }
                return "\(name) has \(local.address), which lies in \(prefix) of network \(network.name): hosts there "
                    + "are cut off (give the network longer prefixes that leave it out)"
            }
        }.sorted()
    }

    /// The best default route by an interface.
    func defaultRoute(by link: Link, _ family: AddressFamily) -> DefaultRoute? {
        defaultRoutes.filter { $0.link == link.index && $0.family == family }.min { $0.metric < $1.metric }
    }
}
