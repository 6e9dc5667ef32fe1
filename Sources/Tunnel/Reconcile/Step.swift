// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes

/// One change to the kernel's routing.
enum Step: Hashable, Sendable {
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
        case .addAddress(let address): "add address \(address.address)"
        case .deleteAddress(let address): "remove address \(address.address)"
        case .putNexthop(let nexthop): "set nexthop \(nexthop.id)"
        case .deleteNexthop(let id): "remove nexthop \(id)"
        case .putRoute(let route): "set route \(route.prefix) metric \(route.metric) in table \(route.table)"
        case .deleteRoute(let route): "remove route \(route.prefix) metric \(route.metric) from table \(route.table)"
        case .addRule(let rule): "add \(rule.family) rule \(rule.priority)"
        case .deleteRule(let rule): "remove \(rule.family) rule \(rule.priority)"
        case .deleteLink(let link): "remove interface \(link.name)"
        }
    }

    func message(_ reserved: ReservedNumbers) -> NetlinkMessage {
        switch self {
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
        case .deleteAddress, .deleteNexthop, .deleteRoute, .deleteRule, .deleteLink: nil
        }
    }

    /// Whether an error says that the wish holds already.
    func isFulfilled(by code: Int32?) -> Bool {
        switch self {
        case .addRule: code == EEXIST
        case .deleteAddress: code == EADDRNOTAVAIL
        case .deleteNexthop, .deleteRule: code == ENOENT
        case .deleteRoute: code == ESRCH
        case .deleteLink: code == ENODEV
        case .addAddress, .putNexthop, .putRoute: false
        }
    }
}

/// The steps from what is to what should be. Pure: planned twice, the second plan is empty.
///
/// The order leaves no moment in which a protected packet could leave in the open: guard routes and their rule come
/// first, then what traffic moves to, and what it moved from goes last.
func plan(_ desired: Desired, _ observed: Observed) -> [Step] {
    let layout = Layout(desired, observed)
    var steps: [Step] = []
    let missing = layout.routes.values.filter { !observed.routes.contains($0) }.sorted { $0.key < $1.key }
    steps += missing.filter { $0.destination == .unreachable }.map(Step.putRoute)
    steps += layout.rules.subtracting(observed.rules).sorted().map(Step.addRule)
    steps += addressSteps(desired, observed)

    let changed = layout.nexthops.values.filter { observed.nexthops[$0.id] != $0 }.sorted { $0.id < $1.id }
    steps += changed.map(Step.putNexthop)
    steps += missing.filter { $0.destination != .unreachable }.map(Step.putRoute)

    let superfluous = observed.routes.filter { layout.routes[$0.key] == nil }.sorted { $0.key < $1.key }
    steps += superfluous.map(Step.deleteRoute)
    let unused = observed.nexthops.keys.filter { layout.nexthops[$0] == nil }.sorted(by: >)
    steps += unused.map(Step.deleteNexthop)
    steps += observed.rules.subtracting(layout.rules).sorted().map(Step.deleteRule)
    let wanted = Set(desired.paths.map(\.interface))
    let orphans = observed.links.values.filter { $0.isOurs && !wanted.contains($0.name) }
    steps += orphans.sorted { $0.name < $1.name }.map(Step.deleteLink)
    return steps.filter { $0.family.map(observed.families.contains) ?? true }
}

private func addressSteps(_ desired: Desired, _ observed: Observed) -> [Step] {
    var steps: [Step] = []
    for path in desired.paths {
        guard let link = observed.links[path.interface], link.isOurs else { continue }
        let wanted = Set(path.addresses.map { LinkAddress(link: link.index, address: $0) })
        let found = observed.addresses.filter { $0.link == link.index }
        // A link-local address is the kernel's own affair.
        let foreign = found.subtracting(wanted).filter { !$0.address.address.isLinkLocal }
        steps += wanted.subtracting(found).sorted { $0.address.address < $1.address.address }.map(Step.addAddress)
        steps += foreign.map(Step.deleteAddress)
    }
    return steps
}

extension IPAddress {
    /// fe80::/10 (RFC 4291 section 2.5.6).
    var isLinkLocal: Bool {
        guard case .v6(let address) = self else { return false }
        return address.bits >> 118 == 0x3fa
    }
}

extension Route.Key: Comparable {
    static func < (left: Self, right: Self) -> Bool {
        (left.table, left.prefix, left.metric) < (right.table, right.prefix, right.metric)
    }
}

extension Rule: Comparable {
    /// By family, then by priority.
    public static func < (left: Self, right: Self) -> Bool {
        (left.family.rawValue, left.priority, "\(left.selector)") < (
            right.family.rawValue, right.priority, "\(right.selector)"
        )
    }
}
