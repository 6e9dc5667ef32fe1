// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import PathHealth

/// One change to the kernel, or to the process that stands in for it where it has no WireGuard.
enum Step: Hashable, Sendable {
    /// Replaces the guard table as a whole, in one transaction.
    case putGuard(NftTable)
    /// Takes over a guard table that is as it should be and has no owner.
    case adoptGuard(NftTable)
    /// Policies that block what IPsec does not protect.
    case putBlocks(BlockPolicy.Difference)
    case makeLink(InterfaceName, LinkKind)
    case configure(InterfaceName, WireGuardChange)
    case setUp(Link, PathName, mtu: Int, withoutLinkLocals: Bool)
    case addAddress(LinkAddress)
    case deleteAddress(LinkAddress)
    case putNexthop(Nexthop)
    case deleteNexthop(UInt32)
    case putRoute(Route)
    case deleteRoute(Route)
    case addRule(Rule)
    case deleteRule(Rule)
    case deleteLink(Link)
}

extension Step: CustomStringConvertible {
    var description: String {
        switch self {
        case .putGuard: "put the guard table in place"
        case .adoptGuard: "take the guard table over"
        case .putBlocks(let difference):
            "block what IPsec does not protect (\(difference.missing.count) policies more, \(difference.surplus.count) less)"
        case .makeLink(let name, .wireGuard): "make interface \(name)"
        case .makeLink(let name, .xfrm(let id)): "make interface \(name), xfrm if_id \(id)"
        case .makeLink(let name, .vlan(let vlan)): "make interface \(name), VLAN \(vlan.id) of interface \(vlan.parent)"
        case .configure(let name, let change): "configure WireGuard on \(name): \(change)"
        case .setUp(let link, _, let mtu, _):
            "set interface \(link.name) up, MTU \(mtu)" + (link.isUp ? SourceCheck.change(from: link.sourceCheck) : "")
        case .addAddress(let address): "add address \(address.address)"
        case .deleteAddress(let address): "remove address \(address.address)"
        case .putNexthop(let nexthop): "set nexthop \(nexthop)"
        case .deleteNexthop(let id): "remove nexthop \(id)"
        case .putRoute(let route): "set route \(route)"
        case .deleteRoute(let route): "remove route \(route)"
        case .addRule(let rule): "add \(rule.family) rule \(rule)"
        case .deleteRule(let rule): "remove \(rule.family) rule \(rule)"
        case .deleteLink(let link): "remove interface \(link.name)"
        }
    }

    /// What it is about.
    var object: KernelObject {
        switch self {
        case .putGuard, .adoptGuard: .guardTable
        case .putBlocks: .blocks
        case .makeLink(let name, _): .link(name)
        case .configure(let name, _): .tunnel(name)
        case .setUp(let link, _, _, _), .deleteLink(let link): .link(link.name)
        case .addAddress(let address), .deleteAddress(let address): .address(address)
        case .putNexthop(let nexthop): .nexthop(nexthop.id)
        case .deleteNexthop(let id): .nexthop(id)
        case .putRoute(let route), .deleteRoute(let route): .route(route.key)
        case .addRule(let rule), .deleteRule(let rule): .rule(rule.family, priority: rule.priority)
        }
    }

    /// What has to be there for it.
    var needs: [KernelObject] {
        switch self {
        case .putRoute(let route):
            if case .nexthop(let id) = route.destination { [.nexthop(id)] } else { [] }
        case .putNexthop(let nexthop):
            nexthop.destination.members.map(KernelObject.nexthop)
        default: []
        }
    }

    /// The step as one message to rtnetlink; nil for those that are more than that.
    func message(_ reserved: ReservedNumbers) -> NetlinkMessage? {
        switch self {
        case .putGuard, .adoptGuard, .putBlocks, .makeLink, .configure: nil
        case .setUp(let link, let path, let mtu, let withoutLinkLocals):
            LinkMessages.setUp(
                link.index,
                alias: Link.alias(of: path),
                mtu: mtu,
                withoutLinkLocals: withoutLinkLocals
            )
        case .addAddress(let address): AddressMessages.add(address)
        case .deleteAddress(let address): AddressMessages.delete(address)
        case .putNexthop(let nexthop): NexthopMessages.put(nexthop, reserved)
        case .deleteNexthop(let id): NexthopMessages.delete(id)
        case .putRoute(let route): RouteMessages.put(route, reserved)
        case .deleteRoute(let route): RouteMessages.delete(route, reserved)
        case .addRule(let rule): RuleMessages.add(rule, reserved)
        case .deleteRule(let rule): RuleMessages.delete(rule, reserved)
        case .deleteLink(let link): LinkMessages.delete(link.index)
        }
    }

    /// The family that it is for; nil where it is for none, or for what is there already.
    var family: AddressFamily? {
        switch self {
        case .addAddress(let address): address.address.address.family
        case .putNexthop(let nexthop): nexthop.family
        case .putRoute(let route): route.prefix.family
        case .addRule(let rule): rule.family
        case .putGuard, .adoptGuard, .putBlocks, .makeLink, .configure, .setUp, .deleteAddress, .deleteNexthop,
            .deleteRoute,
            .deleteRule, .deleteLink:
            nil
        }
    }

    /// Whether an error says that the wish holds already.
    func isFulfilled(by code: Int32?) -> Bool {
        switch self {
        case .makeLink, .addRule: code == EEXIST
        case .deleteAddress: code == EADDRNOTAVAIL
        case .deleteNexthop, .deleteRule: code == ENOENT
        case .deleteRoute: code == ESRCH
        case .deleteLink: code == ENODEV
        case .putGuard, .adoptGuard, .putBlocks, .configure, .setUp, .addAddress, .putNexthop, .putRoute: false
        }
    }
}

extension SourceCheck {
    /// What it takes to bring an interface back to ours, as sysctl(8) names it.
    fileprivate static func change(from found: SourceCheck?) -> String {
        guard let found, found != .ours else { return "" }
        return ", rp_filter \(ours.filter), src_valid_mark \(ours.goesByMark ? 1 : 0)"
    }
}

extension Route: CustomStringConvertible {
    /// As `ip route` has it, in short: `10.20.0.0/16 metric 100 in table 7000 by nexthop 7204`.
    public var description: String {
        let way =
            switch destination {
            case .nexthop(let id): " by nexthop \(id)"
            case .unreachable: ", unreachable"
            case .other(let type): ", of type \(type)"
            case .device(let link, let gateway):
                gateway.map { " by \($0) on interface \(link)" } ?? " on interface \(link)"
            }
        return "\(prefix) metric \(metric) in table \(table)\(way)" + (source.map { " from \($0)" } ?? "")
            + (mtu.map { ", MTU \($0)" } ?? "")
    }
}

extension Nexthop: CustomStringConvertible {
    /// `7204 (nexthops 7002)`, `7902 (nexthops 7002 weight 3, 7004 weight 1)` or `7002 (interface 5)`.
    public var description: String {
        switch destination {
        case .device(let link, let gateway):
            "\(id) (" + (gateway.map { "\($0) on " } ?? "") + "interface \(link))"
        case .group(let members): "\(id) (nexthops \(members.map(String.init).joined(separator: ", ")))"
        case .shares(let shares):
            "\(id) (nexthops \(shares.map { "\($0.id) weight \($0.weight)" }.joined(separator: ", ")))"
        }
    }
}

extension Rule: CustomStringConvertible {
    /// `831: packets out of pn-a, table 7001`.
    public var description: String {
        let who =
            switch selector {
            case .all: "all packets"
            case .output(let name): "packets out of \(name)"
            case .datagrams(let source, let port, let host): "UDP from \(source) port \(port) to \(host)"
            case .mark(let mark, let mask): "mark 0x\(String(mark, radix: 16))/0x\(String(mask, radix: 16))"
            }
        let what =
            switch action {
            case .lookup(let table): "table \(table)"
            case .unreachable: "unreachable"
            }
        return "\(priority): \(who), \(what)"
    }
}
