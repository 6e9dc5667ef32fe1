// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes
public import PathHealth
public import SystemIO

/// Makes the kernel what the file and the decisions ask for: knows it, compares, changes what differs.
///
/// Run twice, the second run changes nothing. Every failure is reported and tried again by the next run.
public final class Reconciler {
    let routing: NetlinkConversation
    let generic: NetlinkConversation
    let model: KernelModel
    let carriers: CarrierQuestions
    /// Nil where the kernel cannot be told of IPsec.
    let security: SecurityView?
    /// The interfaces that carried nothing when last asked.
    var dead: Set<InterfaceName>?
    var firewall: Firewall
    let tunnels: Tunnels
    let reserved: ReservedNumbers
    let clock: any TimeSource
    var pathStates: [PathName: PathState] = [:]
    var disputes = Disputes()
    /// The endpoints of the file as the peers were last told them; to be kept for the next run.
    public internal(set) var told: [InterfaceName: [WireGuardPublicKey: SocketEndpoint]]
    /// A digest of the settings that each interface was found or brought to have: the kernel tells of no change to them.
    var configured: [InterfaceName: Int] = [:]
    var listener: ((KernelNotice) -> Void)?
    var overrunsTold: UInt64 = 0
    /// A digest of what was wished for last; the wish itself holds keys.
    var lastWish: Int?
    /// What stood in the way of the wish when everything was last looked at: to move traffic changes none of it.
    var hindrances: [String] = []
    /// The prefixes that no path leads to, though their network has one.
    var unrouted: [IPPrefix] = []
    /// What a preview found that no event had told of: the next result tells of it.
    var untold: [String] = []
    /// Since when an interface that should be there is not, or cannot be read yet.
    var missingSince: [InterfaceName: Instant] = [:]
    /// How long an interface may take to come before its path counts as down.
    static let makingPatience = Duration.seconds(2)
    /// A whole reading of the kernel comes as often as this, as a net for what its events do not tell.
    static let auditInterval = Duration.seconds(60)
    /// Called before each step; what it throws ends the work there, as the end of the process would.
    var willCarryOut: ((Step) throws -> Void)?

    /// Opens the sockets for commands, dumps and events. Throws where the kernel gives none, as without CAP_NET_ADMIN.
    ///
    /// - Parameters:
    ///   - userspace: who starts userspace WireGuard where it is needed.
    ///   - told: the endpoints that an earlier run told the peers.
    public init(
        reserved: ReservedNumbers,
        userspace: UserspaceLaunch,
        told: [InterfaceName: [WireGuardPublicKey: SocketEndpoint]],
        clock: any TimeSource = SystemClock()
    ) throws(NetlinkError) {
        let socket = try NetlinkSocket(bus: NETLINK_ROUTE)
        routing = NetlinkConversation(over: socket)
        let filter = try NetlinkSocket(bus: NETLINK_NETFILTER)
        firewall = Firewall(over: NetlinkConversation(over: filter), clock: clock)
        generic = NetlinkConversation(over: try NetlinkSocket(bus: NETLINK_GENERIC))
        tunnels = Tunnels(
            routing: routing,
            kernelWireGuard: try? KernelWireGuard(over: generic),
            daemon: UserspaceDaemon(userspace)
        )
        carriers = CarrierQuestions(over: try NetlinkSocket(bus: NETLINK_ROUTE))
        security = try? SecurityView(reserved)
        model = try KernelModel(reserved: reserved)
        model.recognize([socket.port, filter.port])
        self.told = told
        self.reserved = reserved
        self.clock = clock
    }

    /// Netlink messages sent so far that change anything.
    var mutations: Int { routing.mutations + firewall.mutations + generic.mutations }

    /// Times that events of the kernel were lost.
    public var overruns: UInt64 { model.overruns + (security?.overruns ?? 0) }

    /// Lets go of the guard table, as the end of a process does: it stays, but anybody may touch it.
    func release() {
        guard let socket = try? NetlinkSocket(bus: NETLINK_NETFILTER) else { return }
        firewall = Firewall(over: NetlinkConversation(over: socket), clock: clock)
        model.forgetGuard()
    }

    /// The netlink port of a process that keeps the guard table for its own, most often its number; nil where none does.
    public var guardOwner: UInt32? { firewall.owner }

    /// Whether a guard table stands, ours or an earlier run's.
    public var hasGuard: Bool { firewall.isThere }

    /// Calls the handler when something changed in the kernel that may concern us and was not our doing.
    public func watch(on loop: EventLoop, handler: @escaping (KernelNotice) -> Void) throws(SystemError) {
        listener = handler
        for descriptor in model.descriptors {
            try loop.watch(descriptor) { [weak self] _ in self?.tell() }
        }
        guard let security else { return }
        try loop.watch(security.descriptor) { [weak self] _ in self?.tellOfSecurity() }
    }

    /// Takes in the events that wait and tells of those that came, whoever was the first to look.
    func tell() {
        model.drain()
        if model.overruns != overrunsTold {
            overrunsTold = model.overruns
            listener?(.overrun)
        }
        guard !model.touches.isEmpty else { return }
        let links = model.touches.keys.compactMap { if case .link(let name) = $0 { name } else { nil } }
        listener?(.touched(links: Set(links), ports: Set(model.touches.values).subtracting([0])))
    }

    private func tellOfSecurity() {
        security?.drain()
        guard security?.takeTouch() == true else { return }
        let links = model.observed.links.values.filter {
            $0.xfrmInterfaceID.map(reserved.xfrmInterfaceIDs.contains) ?? false
        }
        listener?(.touched(links: Set(links.map(\.name)), ports: []))
    }

    /// What the kernel has of IPsec for paths, read at this moment; none where it cannot be read.
    public func security(of paths: [Desired.Path]) -> [PathName: SecurityFacts] {
        guard let security, (try? model.refresh(security, always: true)) != nil else { return [:] }
        // What is taken in by asking is told of all the same.
        defer { tellOfSecurity() }
        return Dictionary(
            paths.map { ($0.name, model.observed.security[reserved.xfrmInterfaceID($0.slot)] ?? SecurityFacts()) }
        ) { first, _ in first }
    }

    /// Takes associations of a path away that an IKE daemon left which is no more.
    public func remove(_ associations: [SecurityAssociation]) {
        for association in associations where reserved.xfrmInterfaceIDs.contains(association.interfaceID) {
            try? security?.remove(association)
        }
    }

    /// Everything: guard, interfaces, addresses, nexthops, routes, rules.
    public func reconcile(_ desired: Desired) -> ReconcileResult {
        var result = ReconcileResult()
        var isKnown = false
        // Only what was there already can be somebody's to fight over: a new wish is carried out at once.
        let digest = desired.hashValue
        let isOldWish = digest == lastWish
        lastWish = digest
        // An interface that was just made is configured, one that was configured is set up and led to, in one run.
        for _ in 0..<4 {
            isKnown = observe(desired, &result)
            guard isKnown else { break }
            let steps = plan(desired, model.observed)
            let taken = carryOut(steps, desired, after: model.takeTouches(), isPatient: isOldWish, &result)
            guard result.failures.isEmpty, taken.contains(where: opensTheWay) else { break }
        }
        if isKnown { remember(desired, result) }
        let observed = model.observed
        hindrances =
            observed.swallowed(by: desired) + observed.duplicates(desired) + observed.narrowWays(desired)
            + observed.absences(desired) + observed.sideways + observed.missingSources(desired)
        unrouted = observed.unrouted(desired)
        finish(&result)
        return result
    }

    /// Moves traffic between paths, as a decision says: no word to WireGuard or the firewall.
    public func move(_ desired: Desired) -> ReconcileResult {
        var result = ReconcileResult()
        model.drain()
        let moves = moves(desired, model.observed)
        if !moves.isEmpty {
            _ = carryOut(moves, desired, &result)
        } else if refresh(&result) {
            _ = carryOut(plan(desired, model.observed).filter(\.isRouting), desired, &result)
        }
        unrouted = model.observed.unrouted(desired, among: Set(unrouted))
        finish(&result)
        return result
    }

    /// The steps to a wish, without taking any: all of them, also those that others make possible.
    public func preview(_ desired: Desired) -> Preview {
        let known = (pathStates, missingSince)
        defer { (pathStates, missingSince) = known }
        var result = ReconcileResult()
        _ = observe(desired, &result)
        untold += result.untold
        return Preview(of: desired, from: model.observed, failures: result.failures)
    }

    /// The next pass tells a peer its endpoint once more, wherever it is called by now.
    public func forgetTold(_ key: WireGuardPublicKey, on interface: InterfaceName) {
        told[interface]?[key] = nil
    }

    /// What the links mean for the paths whose tunnels stood when last looked at.
    public func conditions(_ desired: Desired) -> [PathName: PathCondition] {
        var conditions: [PathName: PathCondition] = [:]
        if let security, desired.paths.contains(where: { $0.ipsec != nil }) { try? model.refresh(security) }
        for path in desired.paths where pathStates[path.name]?.condition == .ready {
            conditions[path.name] = model.observed.linkCondition(path)
        }
        return conditions
    }

    /// What an earlier run left: where each network's traffic leads now, by the groups in the kernel.
    public func adoptable(_ desired: Desired) throws(NetlinkError) -> [NetworkName: Outcome] {
        _ = try model.refresh(now: clock.now, auditAfter: Self.auditInterval)
        var outcomes: [NetworkName: Outcome] = [:]
        for network in desired.networks {
            func paths(_ rank: ReservedNumbers.Rank) -> [PathName] {
                // The file of the earlier run may have had its paths carry together, and this one not, or the other way round.
                let ids = AddressFamily.allCases.flatMap { family in
                    [reserved.group(ofNetwork: network.slot, rank, family)]
                        + (rank == .active ? [reserved.sharedGroup(ofNetwork: network.slot, family)] : [])
                }
                for id in ids {
                    let members = model.observed.nexthops[id]?.destination.members ?? []
                    let slots = members.compactMap(reserved.path(ofNexthop:))
                    let names = desired.paths.filter { slots.contains($0.slot) }.map(\.name)
                    let paths = network.paths.filter(names.contains)
                    if !paths.isEmpty { return paths }
                }
                return []
            }
            let active = paths(.active)
            if let lead = active.first {
                outcomes[network.name] = .active(
                    lead,
                    beside: Array(active.dropFirst()),
                    standby: paths(.standby).first
                )
            }
        }
        return outcomes
    }

    /// Removes all that is ours, whatever the file says; returns what went, in words.
    public func removeEverything() -> (removed: [String], failures: [String]) {
        let nothing = Desired(reserved: reserved, paths: [], networks: [])
        var result = ReconcileResult()
        do {
            // Interfaces first: what has no way out needs no guard.
            _ = try model.refresh(now: clock.now, auditAfter: .zero)
            if let security { try model.refresh(security, always: true) }
            _ = carryOut(plan(nothing, model.observed), nothing, &result)
            if try firewall.remove() { result.changes.append("remove the guard table") }
            model.forgetGuard()
        } catch {
            result.failures.append("\(error)")
        }
        pathStates = [:]
        return (result.changes, result.failures)
    }
}

/// What the kernel told of.
public enum KernelNotice: Hashable, Sendable {
    /// Something of ours, an interface, an address or a default route is not as it was, and that was not our doing.
    ///
    /// `ports` are the netlink ports of those who did it.
    case touched(links: Set<InterfaceName>, ports: Set<UInt32>)
    /// Events were lost: anything may have changed.
    case overrun
}

extension Step {
    fileprivate var isRouting: Bool {
        switch self {
        case .putGuard, .adoptGuard, .makeLink, .configure, .setUp, .deleteLink: false
        default: true
        }
    }
}
