// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes

/// What the kernel has, as far as it concerns us.
struct Observed: Hashable, Sendable {
    var links: [InterfaceName: Link] = [:]
    var addresses: Set<LinkAddress> = []
    /// Ours, by their ids.
    var nexthops: [UInt32: Nexthop] = [:]
    /// Those in our tables and with our protocol.
    var routes: Set<Route> = []
    /// Anybody's default routes of the main table, for underlays whose gateway is found by itself.
    var defaultRoutes: [Route] = []
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
            for reply in try kernel.dump(RouteMessages.dump(family), "read the \(family) routes") {
                guard let found = RouteMessages.parse(reply) else { continue }
                if found.routeProtocol == reserved.routeProtocol {
                    observed.routes.insert(found.route)
                } else if reserved.tables.contains(found.route.table) {
                    observed.collisions.insert(
                        "table \(found.route.table), reserved for pnetd, has somebody else's routes"
                    )
                } else if found.route.table == UInt32(RT_TABLE_MAIN.rawValue), found.route.prefix.length == 0 {
                    observed.defaultRoutes.append(found.route)
                }
            }
            for reply in try kernel.dump(RuleMessages.dump(family), "read the \(family) rules") {
                if let rule = RuleMessages.parse(reply, reserved) { observed.rules.insert(rule) }
                if let priority = RuleMessages.foreign(reply, reserved) {
                    observed.collisions.insert(
                        "\(family) rule \(priority) is not pnetd's, but among its reserved priorities"
                    )
                }
            }
        }
        return observed
    }

    /// The gateway of the best default route by an interface.
    func gateway(by link: Link, _ family: AddressFamily) -> IPAddress? {
        let candidates = defaultRoutes.compactMap { route -> (metric: UInt32, gateway: IPAddress)? in
            guard case .device(link.index, let gateway?) = route.destination, gateway.family == family else {
                return nil
            }
            return (route.metric, gateway)
        }
        return candidates.min { $0.metric < $1.metric }?.gateway
    }
}
