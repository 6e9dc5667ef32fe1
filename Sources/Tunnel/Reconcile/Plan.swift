// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// The steps from what is to what should be, as far as they can be said now: an interface that is yet to be made has no
/// number to hang routes on. Pure: planned again after they were carried out, there is nothing left.
///
/// The order leaves no moment in which a protected packet could leave in the open: the guard table, the guard routes and
/// their rule come first, then what traffic moves to, and what it moved from goes last.
func plan(_ desired: Desired, _ observed: Observed) -> [Step] {
    let layout = Layout(desired, observed)
    var steps = guardSteps(desired, observed)
    let missing = layout.routes.values.filter { observed.routes[$0.key] != $0 }.sorted { $0.key < $1.key }
    steps += missing.filter { $0.destination == .unreachable }.map(Step.putRoute)
    steps += layout.rules.subtracting(observed.rules).sorted().map(Step.addRule)
    let interfaces = desired.paths.map { ($0.slot, interfaceSteps($0, desired.reserved, observed)) }
    let blocks = observed.blocks.map { desired.blocks.difference(from: $0) }
    if let missing = blocks?.missing, !missing.isEmpty {
        steps.append(.putBlocks(.init(missing: missing, surplus: [])))
    }
    let changed = layout.nexthops.values.filter { observed.nexthops[$0.id] != $0 }.sorted { $0.id < $1.id }
    // What moves to a path that stands goes there before anything is done to the path that it leaves.
    let standing = Set(interfaces.filter(\.1.isEmpty).map(\.0))
    let (first, later) = changed.partitioned { $0.moves(to: standing, desired.reserved, observed) }
    steps += first.map(Step.putNexthop)
    steps += interfaces.flatMap(\.1)
    steps += addressSteps(desired, observed)
    steps += later.map(Step.putNexthop)
    steps += missing.filter { $0.destination != .unreachable }.map(Step.putRoute)

    steps += superfluousRoutes(layout, observed, missing).map(Step.deleteRoute)
    let unused = observed.nexthops.keys.filter { layout.nexthops[$0] == nil }.sorted(by: >)
    steps += unused.map(Step.deleteNexthop)
    steps += observed.rules.subtracting(layout.rules).sorted().map(Step.deleteRule)
    let wanted = Set(desired.paths.map(\.interface))
    let orphans = observed.links.values.filter { observed.isOurs($0) && !wanted.contains($0.name) }
    steps += orphans.sorted { $0.name < $1.name }.map(Step.deleteLink)
    if let surplus = blocks?.surplus, !surplus.isEmpty {
        steps.append(.putBlocks(.init(missing: [], surplus: surplus)))
    }
    return steps.filter { $0.family.map(observed.families.contains) ?? true }
}

extension Nexthop {
    /// Whether it is a group that is there already and comes to lead by paths of these slots only.
    fileprivate func moves(to slots: Set<Int>, _ reserved: ReservedNumbers, _ observed: Observed) -> Bool {
        let members = destination.members
        guard !members.isEmpty, observed.nexthops[id] != nil else { return false }
        return members.allSatisfy { member in
            observed.nexthops[member] != nil && reserved.path(ofNexthop: member).map(slots.contains) ?? false
        }
    }
}

extension Array {
    /// Those that satisfy a condition and those that do not, each in their order.
    fileprivate func partitioned(by condition: (Element) -> Bool) -> (satisfying: [Element], others: [Element]) {
        (filter(condition), filter { !condition($0) })
    }
}

/// What moves networks between paths whose groups are there already: one message a group, whatever the number of
/// prefixes. Empty where that is not enough.
func moves(_ desired: Desired, _ observed: Observed) -> [Step] {
    var steps: [Step] = []
    for network in desired.networks {
        for use in Layout.groups(of: network, desired, observed) {
            let sample = network.prefixes.first { $0.family == use.group.family }.map {
                use.route(to: $0, desired.reserved)
            }
            // A path with less room than the network's own MTU, or with another source, changes the routes as well.
            guard let before = observed.nexthops[use.group.id],
                sample.map({ observed.routes[$0.key] == $0 }) ?? true
            else { return [] }
            if before != use.group { steps.append(.putNexthop(use.group)) }
        }
    }
    return steps
}

private func superfluousRoutes(_ layout: Layout, _ observed: Observed, _ missing: [Route]) -> [Route] {
    let absent = missing.count { observed.routes[$0.key] == nil }
    guard observed.routes.count > layout.routes.count - absent else { return [] }
    return observed.routes.values.filter { layout.routes[$0.key] == nil }.sorted { $0.key < $1.key }
}

private func guardSteps(_ desired: Desired, _ observed: Observed) -> [Step] {
    // Whoever takes everything down removes the table himself, at the end.
    guard !(desired.paths.isEmpty && desired.networks.isEmpty) else { return [] }
    let wanted = desired.guard.table
    guard observed.guard?.contents == NftTable.Contents(of: wanted) else { return [.putGuard(wanted)] }
    return observed.guard?.isOrphan == true ? [.adoptGuard(wanted)] : []
}

extension Set<BlockPolicy> {
    /// What has to be done about those that are there. Nothing leaves an xfrm interface in the open while no policy of an
    /// IKE daemon's stands: what is missing comes first, and what is left over goes last.
    fileprivate func difference(from present: Set<BlockPolicy>) -> BlockPolicy.Difference {
        BlockPolicy.Difference(missing: subtracting(present), surplus: present.subtracting(self))
    }
}

/// What a path's interface needs, apart from addresses and routes.
func interfaceSteps(_ path: Desired.Path, _ reserved: ReservedNumbers, _ observed: Observed) -> [Step] {
    guard let kind = path.linkKind(reserved, observed) else { return [] }
    guard let link = observed.links[path.interface] else { return [.makeLink(path.interface, kind)] }
    // One that an earlier file had made as something else.
    if observed.isOurs(link), !link.is(kind) { return [.deleteLink(link), .makeLink(path.interface, kind)] }
    switch path.kind {
    case .wireGuard(let tunnel): return tunnelSteps(path, tunnel, link, reserved, observed)
    case .ipsec, .routed: return path.mayUse(link, reserved, observed) ? setUpSteps(path, link, observed) : []
    }
}

private func tunnelSteps(
    _ path: Desired.Path,
    _ tunnel: Desired.Path.WireGuardTunnel,
    _ link: Link,
    _ reserved: ReservedNumbers,
    _ observed: Observed
) -> [Step] {
    guard let device = observed.tunnels[path.interface], path.mayUse(link, device, observed) else { return [] }
    var settings = tunnel.settings
    settings.mark = reserved.underlayMark(path.slot)
    let told = observed.told[path.interface] ?? [:]
    let strays = observed.sightings[path.interface]?.strays ?? [:]
    let change = WireGuardChange(from: device, to: settings, toldBefore: told, strays: strays)
    let configuring = change.isEmpty ? [] : [Step.configure(path.interface, change)]
    return configuring + setUpSteps(path, link, observed)
}

private func setUpSteps(_ path: Desired.Path, _ link: Link, _ observed: Observed) -> [Step] {
    let mtu = path.mtu(observed)
    guard !link.isSetUp(for: path.name, mtu: mtu) else { return [] }
    let withoutLinkLocals = path.underlay != nil && observed.families.contains(.ipv6)
    return [.setUp(link, path.name, mtu: mtu, withoutLinkLocals: withoutLinkLocals)]
}

private func addressSteps(_ desired: Desired, _ observed: Observed) -> [Step] {
    var steps: [Step] = []
    for path in desired.paths {
        guard path.ownsInterface, let link = path.usableLink(observed) else { continue }
        let wanted = Set(path.addresses.map { LinkAddress(link: link.index, address: $0) })
        let found = observed.addresses.filter { $0.link == link.index }
        // A link-local address is the kernel's own affair.
        let foreign = found.subtracting(wanted).filter { !$0.address.address.isLinkLocal }
        steps += wanted.subtracting(found).sorted { $0.address.address < $1.address.address }.map(Step.addAddress)
        steps += foreign.sorted { $0.address.address < $1.address.address }.map(Step.deleteAddress)
    }
    return steps
}

extension Desired.Path {
    /// What its interface is made as; nil where it is not ours to make, or cannot be made yet.
    func linkKind(_ reserved: ReservedNumbers, _ observed: Observed) -> LinkKind? {
        switch kind {
        case .wireGuard: .wireGuard
        case .ipsec: .xfrm(interfaceID: reserved.xfrmInterfaceID(slot))
        case .routed(let line):
            line.vlan.flatMap { vlan in
                observed.links[vlan.parent].map { .vlan(Link.VLAN(id: vlan.id, parent: $0.index)) }
            }
        }
    }

    /// Whether the interface of this name is ours, or one that nobody configured yet: what an earlier run, or this one,
    /// has just made.
    func mayUse(_ link: Link, _ device: WireGuardDevice, _ observed: Observed) -> Bool {
        guard let wireGuard, link.implementation != nil else { return false }
        return observed.isOurs(link) || device.privateKey == nil || device.privateKey == wireGuard.privateKey
    }

    /// The same of an interface that has no WireGuard side.
    func mayUse(_ link: Link, _ reserved: ReservedNumbers, _ observed: Observed) -> Bool {
        guard let kind = linkKind(reserved, observed), link.is(kind) else { return false }
        return observed.isOurs(link) || !link.isUp && link.alias == nil
    }

    /// Its interface, where that is the path's to use. Anybody may change the alias of one that is ours, but nobody else
    /// has its key.
    func usableLink(_ observed: Observed) -> Link? {
        guard let link = observed.links[interface], ownsInterface else { return observed.links[interface] }
        let hasKey =
            wireGuard != nil && link.implementation != nil
            && observed.tunnels[interface]?.privateKey == wireGuard?.privateKey
        return observed.isOurs(link) || hasKey ? link : nil
    }
}

extension Link {
    /// Whether it was made as this. Who encrypts in a WireGuard tunnel does not matter.
    func `is`(_ kind: LinkKind) -> Bool {
        switch kind {
        case .wireGuard: implementation != nil
        case .xfrm(let id): xfrmInterfaceID == id
        case .vlan(let wanted): vlan == wanted
        }
    }

    /// Whether it is as we set it up.
    func isSetUp(for path: PathName, mtu: Int) -> Bool {
        isUp && alias == Link.alias(of: path) && self.mtu == mtu && (sourceCheck ?? .ours) == .ours
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
