// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes
public import PathHealth
public import SystemIO

/// Makes the kernel what the file and the decisions ask for: reads, compares, changes what differs.
///
/// Run twice, the second run changes nothing. Every failure is reported and tried again by the next run.
public final class Reconciler {
    private let routing: NetlinkConversation
    private var firewall: Firewall
    /// The ports by which the kernel names our own changes.
    public let ports: Set<UInt32>
    private let tunnels: TunnelKeeper
    private let reserved: ReservedNumbers
    private let clock: any TimeSource
    private var pathStates: [PathName: PathState] = [:]

    /// Opens the sockets for commands. Throws where the kernel gives none, as without CAP_NET_ADMIN.
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
        firewall = Firewall(over: NetlinkConversation(over: filter))
        ports = [socket.port, filter.port]
        let generic = NetlinkConversation(over: try NetlinkSocket(bus: NETLINK_GENERIC))
        tunnels = TunnelKeeper(
            routing: routing,
            kernelWireGuard: try? KernelWireGuard(over: generic),
            daemon: UserspaceDaemon(userspace),
            told: told
        )
        self.reserved = reserved
        self.clock = clock
    }

    /// Messages sent so far that change routing; those to WireGuard and the firewall are not counted.
    var mutations: Int { routing.mutations }

    /// Lets go of the guard table, as the end of a process does: it stays, but anybody may touch it.
    func release() {
        if let socket = try? NetlinkSocket(bus: NETLINK_NETFILTER) {
            firewall = Firewall(over: NetlinkConversation(over: socket))
        }
    }

    /// The endpoints of the file as the peers were last told them; to be kept for the next run.
    public var told: [InterfaceName: [WireGuardPublicKey: SocketEndpoint]] { tunnels.told }

    /// Whether a guard table stands, ours or an earlier run's.
    public var hasGuard: Bool { firewall.isThere }

    /// Everything: guard, interfaces, addresses, nexthops, routes, rules.
    public func reconcile(_ desired: Desired) -> ReconcileResult {
        var result = ReconcileResult()
        keepGuard(desired, &result)
        do {
            let observed = try Observed.read(over: routing, reserved)
            for path in desired.paths {
                let mark = reserved.underlayMark(path.slot)
                pathStates[path.name] = tunnels.keep(path, observed, mark: mark, now: clock.now, &result)
            }
            let known = Set(desired.paths.map(\.name))
            pathStates = pathStates.filter { known.contains($0.key) }
            try applyRouting(desired, &result)
        } catch {
            result.failures.append("\(error)")
        }
        result.paths = pathStates
        result.guardIsOwned = firewall.isOwned
        return result
    }

    /// The interfaces that carry nothing now, by asking for each of them: a few microseconds.
    public func dead(among interfaces: Set<InterfaceName>) -> Set<InterfaceName> {
        interfaces.filter { name in
            let replies = (try? routing.ask(LinkMessages.get(name), "look at \(name)")) ?? []
            guard let link = replies.lazy.compactMap(LinkMessages.parse).first else { return true }
            return !(link.isUp && link.hasCarrier)
        }
    }

    /// Looks at the links alone, and says what they mean for the paths whose tunnels stood when last looked at.
    public func conditions(_ desired: Desired) throws(NetlinkError) -> [PathName: PathCondition] {
        let observed = try Observed.read(over: routing, reserved)
        var conditions: [PathName: PathCondition] = [:]
        for path in desired.paths where pathStates[path.name]?.condition == .ready {
            conditions[path.name] = tunnels.linkCondition(path, observed)
        }
        return conditions
    }

    /// Routes only, as a decision moves them: no word to WireGuard or the firewall.
    public func move(_ desired: Desired) -> ReconcileResult {
        var result = ReconcileResult()
        do { try applyRouting(desired, &result) } catch { result.failures.append("\(error)") }
        result.paths = pathStates
        result.guardIsOwned = firewall.isOwned
        return result
    }

    private func keepGuard(_ desired: Desired, _ result: inout ReconcileResult) {
        do {
            if try firewall.reconcile(desired.guard.table) { result.changes.append("put the guard table in place") }
        } catch {
            result.failures.append("guard: \(error)")
        }
    }

    private func applyRouting(_ desired: Desired, _ result: inout ReconcileResult) throws(NetlinkError) {
        let observed = try Observed.read(over: routing, reserved)
        result.collisions = observed.collisions.sorted()
        result.swallowed = observed.swallowed(by: desired)
        for step in plan(desired, observed) {
            do {
                try routing.change(step.message(reserved), "\(step)")
                result.changes.append("\(step)")
            } catch {
                guard !step.isFulfilled(by: error.code) else { continue }
                result.failures.append("\(error)")
            }
        }
    }

    /// What an earlier run left: where each network's traffic leads now, by the groups in the kernel.
    public func adoptable(_ desired: Desired) throws(NetlinkError) -> [NetworkName: Outcome] {
        let observed = try Observed.read(over: routing, reserved)
        var outcomes: [NetworkName: Outcome] = [:]
        for network in desired.networks {
            func path(_ rank: ReservedNumbers.Rank) -> PathName? {
                for family in AddressFamily.allCases {
                    let group = observed.nexthops[reserved.group(ofNetwork: network.slot, rank, family)]
                    if case .group(let members) = group?.destination, let member = members.first,
                        let slot = reserved.path(ofNexthop: member),
                        let path = desired.paths.first(where: { $0.slot == slot }), network.paths.contains(path.name)
                    {
                        return path.name
                    }
                }
                return nil
            }
            if let active = path(.active) { outcomes[network.name] = .active(active, standby: path(.standby)) }
        }
        return outcomes
    }

    /// Removes all that is ours, whatever the file says; returns what went, in words.
    public func removeEverything() -> (removed: [String], failures: [String]) {
        let nothing = Desired(reserved: reserved, paths: [], networks: [])
        var result = ReconcileResult()
        do {
            // Interfaces first: what has no way out needs no guard.
            try applyRouting(nothing, &result)
            if try firewall.remove() { result.changes.append("remove the guard table") }
        } catch {
            result.failures.append("\(error)")
        }
        pathStates = [:]
        return (result.changes, result.failures)
    }
}
