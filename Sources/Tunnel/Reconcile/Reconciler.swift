// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes
public import PathHealth
public import SystemIO

/// Makes the kernel what the file and the decisions ask for: knows it, compares, changes what differs.
///
/// Run twice, the second run changes nothing. Every failure is reported and tried again by the next run.
public final class Reconciler {
    private let routing: NetlinkConversation
    private let generic: NetlinkConversation
    private let model: KernelModel
    private let carriers: CarrierQuestions
    /// The interfaces that carried nothing when last asked.
    private var dead: Set<InterfaceName>?
    private var firewall: Firewall
    private let tunnels: Tunnels
    let reserved: ReservedNumbers
    private let clock: any TimeSource
    private var pathStates: [PathName: PathState] = [:]
    private var disputes = Disputes()
    /// The endpoints of the file as the peers were last told them; to be kept for the next run.
    public private(set) var told: [InterfaceName: [WireGuardPublicKey: SocketEndpoint]]
    /// A digest of the settings that each interface was found or brought to have: the kernel tells of no change to them.
    private var configured: [InterfaceName: Int] = [:]
    private var listener: ((KernelNotice) -> Void)?
    private var overrunsTold: UInt64 = 0
    /// A digest of what was wished for last; the wish itself holds keys.
    private var lastWish: Int?
    /// What stood in the way of the wish when everything was last looked at: to move traffic changes none of it.
    private var hindrances: [String] = []
    /// What a preview found that no event had told of: the next result tells of it.
    private var untold: [String] = []
    /// Since when an interface that should be there is not, or cannot be read yet.
    private var missingSince: [InterfaceName: Instant] = [:]
    /// How long an interface may take to come before its path counts as down.
    private static let makingPatience = Duration.seconds(2)
    /// A whole reading of the kernel comes as often as this, as a net for what its events do not tell.
    private static let auditInterval = Duration.seconds(60)
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
        firewall = Firewall(over: NetlinkConversation(over: filter))
        generic = NetlinkConversation(over: try NetlinkSocket(bus: NETLINK_GENERIC))
        tunnels = Tunnels(
            routing: routing,
            kernelWireGuard: try? KernelWireGuard(over: generic),
            daemon: UserspaceDaemon(userspace)
        )
        carriers = CarrierQuestions(over: try NetlinkSocket(bus: NETLINK_ROUTE))
        model = try KernelModel(reserved: reserved)
        model.recognize([socket.port, filter.port])
        self.told = told
        self.reserved = reserved
        self.clock = clock
    }

    /// Netlink messages sent so far that change anything.
    var mutations: Int { routing.mutations + firewall.mutations + generic.mutations }

    /// Times that events of the kernel were lost.
    public var overruns: UInt64 { model.overruns }

    /// Lets go of the guard table, as the end of a process does: it stays, but anybody may touch it.
    func release() {
        guard let socket = try? NetlinkSocket(bus: NETLINK_NETFILTER) else { return }
        firewall = Firewall(over: NetlinkConversation(over: socket))
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
    }

    /// Takes in the events that wait and tells of those that came, whoever was the first to look.
    private func tell() {
        model.drain()
        if model.overruns != overrunsTold {
            overrunsTold = model.overruns
            listener?(.overrun)
        }
        guard !model.touches.isEmpty else { return }
        let links = model.touches.keys.compactMap { if case .link(let name) = $0 { name } else { nil } }
        listener?(.touched(links: Set(links), ports: Set(model.touches.values).subtracting([0])))
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
            + observed.absences(desired) + observed.sideways
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

    /// Reads the WireGuard side of an interface; nil where it cannot be read.
    public func readDevice(on interface: InterfaceName) -> WireGuardDevice? {
        let now = clock.now
        guard let link = model.observed.links[interface], let device = try? tunnels.read(link, now: now) else {
            return nil
        }
        model.note(device, on: interface)
        return device
    }

    /// The WireGuard side of an interface as it was read last.
    public func device(on interface: InterfaceName) -> WireGuardDevice? { model.observed.tunnels[interface] }

    /// The number of an interface; nil where there is none.
    public func index(of interface: InterfaceName) -> Int32? { model.observed.links[interface]?.index }

    /// What the kernel knows of a host on an interface's link; nil where it knows nothing.
    public func neighbour(_ address: IPAddress, on interface: InterfaceName) -> NeighbourState? {
        guard let link = index(of: interface) else { return nil }
        let question = NeighbourMessages.get(Neighbour(link: link, address: address))
        return (try? routing.ask(question, "ask for \(address) on \(interface)"))?.lazy.compactMap(
            NeighbourMessages.state
        )
        .first
    }

    /// Has the kernel look whether a host that it knows is still there.
    public func lookFor(_ address: IPAddress, on interface: InterfaceName) {
        guard let link = index(of: interface) else { return }
        let question = NeighbourMessages.lookFor(Neighbour(link: link, address: address))
        _ = try? routing.ask(question, "look for \(address) on \(interface)")
    }

    /// The families in which an underlay leads anywhere.
    /// - Parameter gateways: those of the file; nil for the kernel's.
    public func families(of underlay: InterfaceName, gateways: [IPAddress]?) -> Set<AddressFamily> {
        guard let link = model.observed.links[underlay] else { return [] }
        let own = model.observed.addresses.filter { $0.link == link.index && !$0.address.address.isLinkLocal }
        let routed = AddressFamily.allCases.filter { model.observed.defaultRoute(by: link, $0) != nil }
        return Set(own.map(\.address.address.family)).union(gateways?.map(\.family) ?? routed)
    }

    /// Whether somebody changed WireGuard's side of a path, or how an interface of ours checks sources: of that the kernel sends
    /// no event, so it has to be asked.
    public func hasTunnelToRepair(_ desired: Desired) -> Bool {
        desired.paths.contains { path in
            guard path.ownsInterface, configured[path.interface] == path.kind.hashValue,
                ask(for: path.interface) != nil
            else { return false }
            if path.wireGuard != nil {
                guard let device = readDevice(on: path.interface) else { return false }
                model.note(outerMTU: outerMTU(of: path, device), on: path.interface)
            }
            return !interfaceSteps(path, reserved, model.observed).isEmpty
        }
    }

    /// The interfaces that carry nothing now, by asking for each of them: a few microseconds.
    public func dead(among interfaces: Set<InterfaceName>) -> Set<InterfaceName> {
        let dead = interfaces.filter { !carriers.isCarrying($0) }
        guard dead != self.dead else { return dead }
        self.dead = dead
        // What stands in the model is what decides; what is drained by asking is told of all the same.
        defer { tell() }
        for name in interfaces { _ = ask(for: name) }
        return dead
    }

    private func ask(for name: InterfaceName, counters: Bool = false) -> Link? {
        let question = LinkMessages.get(name, counters: counters)
        // The answer is newer than the events that wait.
        model.drain()
        let replies = (try? routing.ask(question, "look at \(name)")) ?? []
        for reply in replies { model.take(answer: reply) }
        return replies.lazy.compactMap(LinkMessages.parse).first
    }

    /// What the links mean for the paths whose tunnels stood when last looked at.
    public func conditions(_ desired: Desired) -> [PathName: PathCondition] {
        var conditions: [PathName: PathCondition] = [:]
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
            func path(_ rank: ReservedNumbers.Rank) -> PathName? {
                for family in AddressFamily.allCases {
                    let group = model.observed.nexthops[reserved.group(ofNetwork: network.slot, rank, family)]
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
            _ = try model.refresh(now: clock.now, auditAfter: .zero)
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

// MARK: - Looking

extension Reconciler {
    /// Brings what is known up to now; false where the kernel cannot be read.
    private func observe(_ desired: Desired, _ result: inout ReconcileResult) -> Bool {
        let now = clock.now
        model.note(told: told)
        model.interests = Set(desired.paths.flatMap(\.interfaces))
        guard refresh(&result) else { return false }
        if model.takeGuardStaleness() {
            do { model.note(guard: try firewall.read()) } catch {
                model.forgetGuard()
                result.failures.append("guard: \(error)")
            }
        }
        for path in desired.paths { pathStates[path.name] = look(at: path, now, &result) }
        let known = Set(desired.paths.map(\.name))
        pathStates = pathStates.filter { known.contains($0.key) }
        return true
    }

    private func refresh(_ result: inout ReconcileResult) -> Bool {
        do {
            let untold = try model.refresh(now: clock.now, auditAfter: Self.auditInterval)
            result.untold += untold.map(\.description).sorted()
            return true
        } catch {
            result.failures.append("\(error)")
            return false
        }
    }

    private func look(at path: Desired.Path, _ now: Instant, _ result: inout ReconcileResult) -> PathState {
        var state = PathState()
        guard model.observed.links[path.interface] != nil, let link = ask(for: path.interface, counters: true)
        else {
            let since = missingSince[path.interface] ?? now
            missingSince[path.interface] = since
            configured[path.interface] = nil
            if now - since > Self.makingPatience { state.condition = .unusable(.interfaceMissing(path.interface)) }
            return state
        }
        state.link = link
        state.addresses = model.observed.usableAddresses(of: link).map(\.address)
        state.condition = model.observed.carrierCondition(path)
        guard path.wireGuard != nil else {
            missingSince[path.interface] = nil
            state.implementation = .kernel
            if path.ownsInterface, !path.mayUse(link, model.observed) {
                state.condition = .unusable(.interfaceForeign(path.interface))
            }
            return state
        }
        state.implementation = link.implementation
        do {
            let device = try tunnels.read(link, now: now)
            missingSince[path.interface] = nil
            model.note(device, on: path.interface)
            model.note(outerMTU: outerMTU(of: path, device), on: path.interface)
            if let device, path.mayUse(link, device, model.observed) {
                state.device = device
            } else {
                state.condition = .unusable(.interfaceForeign(path.interface))
            }
        } catch {
            // A tunnel that stands and cannot be read may well carry traffic: that is for the probes to say.
            model.note(nil, on: path.interface)
            // The interface of a userspace tunnel comes a moment before its control socket.
            if let since = missingSince[path.interface], now - since <= Self.makingPatience { return PathState() }
            result.failures.append("\(path.name): \(error)")
        }
        return state
    }

    /// What the kernel knows of the way to a path's peers: of the routes there, and of what routers on it said.
    private func outerMTU(of path: Desired.Path, _ device: WireGuardDevice?) -> UInt32? {
        guard let device, let name = path.underlay?.interface, let underlay = model.observed.links[name] else {
            return nil
        }
        let questions = RouteMessages.questions(device, reserved.underlayMark(path.slot), underlay)
        return questions.flatMap { question in
            let answers = try? routing.ask(question.message, "ask for the way to a peer of \(path.name)")
            return (answers ?? []).compactMap(question.mtu)
        }.min()
    }

    private func finish(_ result: inout ReconcileResult) {
        result.untold = untold + result.untold
        untold = []
        disputes.forget(before: clock.now)
        result.hindrances = hindrances
        result.disputes = disputes.open
        result.paths = pathStates
        result.collisions = model.observed.collisions
        result.precedences = model.observed.precedences
        result.guardIsOwned = firewall.isOwned
    }
}

// MARK: - Changing

extension Reconciler {
    /// How many messages go into one datagram.
    private static let batchSize = 128

    /// Takes the steps, and returns those that were taken.
    private func carryOut(
        _ steps: [Step],
        _ desired: Desired,
        after touches: [KernelObject: UInt32] = [:],
        isPatient: Bool = false,
        _ result: inout ReconcileResult
    ) -> [Step] {
        let now = clock.now
        var waiting: Set<KernelObject> = []
        var taken: [Step] = []
        var batch: [(step: Step, message: NetlinkMessage)] = []
        do {
            for step in steps {
                if isPatient, waits(step, &waiting, now, &result) { continue }
                if let willCarryOut {
                    // Whoever wants to stop between two steps gets them one by one.
                    send(&batch, &taken, &result)
                    try willCarryOut(step)
                }
                if let port = touches[step.object] ?? (isRepairOfTunnel(step, desired) ? 0 : nil),
                    port != 0 || isUnsigned(step, touches)
                {
                    disputes.repaired(step.object, from: port, at: now)
                    result.repairs.append(Repair(object: step.object.description, port: port))
                }
                if let message = step.message(reserved) {
                    batch.append((step, message))
                    if batch.count == Self.batchSize { send(&batch, &taken, &result) }
                } else {
                    send(&batch, &taken, &result)
                    if takeAlone(step, desired, now, &result) { taken.append(step) }
                }
            }
            send(&batch, &taken, &result)
        } catch {
            result.failures.append("\(error)")
        }
        result.changes += StepSummary.lines(taken)
        result.changeCount += taken.count
        return taken
    }

    /// Whether a step, once taken, makes others possible that could not be said before.
    private func opensTheWay(_ step: Step) -> Bool {
        switch step {
        case .makeLink(let name, _): model.observed.links[name] != nil
        case .setUp(let link, _, _, _): !(model.observed.isOurs(link) && link.isUp)
        default: false
        }
    }

    /// Whether somebody's change that a step undoes is one that the kernel does not sign: to an interface that was set up
    /// once, to its WireGuard side or its IPv6 addresses, or its end. A userspace tunnel ends with its process as well.
    private func isUnsigned(_ step: Step, _ touches: [KernelObject: UInt32]) -> Bool {
        switch step {
        case .setUp(let link, _, _, _): model.observed.isOurs(link)
        case .addAddress(let address), .deleteAddress(let address):
            // With an interface that somebody set down go its IPv6 addresses.
            model.observed.links.values.contains { link in
                link.index == address.link && model.observed.claimed.contains(link.index)
                    && touches[.link(link.name)] == nil
            }
        case .makeLink(_, let kind): kind != .wireGuard || tunnels.isKernels
        case .configure: true
        default: false
        }
    }

    /// Whether a tunnel that was as the same file wants it is so no more.
    private func isRepairOfTunnel(_ step: Step, _ desired: Desired) -> Bool {
        guard case .configure(let name, _) = step, let known = configured[name] else { return false }
        return desired.paths.first { $0.interface == name }?.kind.hashValue == known
    }

    /// Whether a step is left for later: what is in dispute, and with it what hangs on it.
    private func waits(
        _ step: Step,
        _ waiting: inout Set<KernelObject>,
        _ now: Instant,
        _ result: inout ReconcileResult
    ) -> Bool {
        let pause = disputes.pause(before: step.object, isGuard: step.isGuard, at: now)
        if pause > .zero { result.pause = min(pause, result.pause ?? pause) }
        guard pause > .zero || !waiting.isDisjoint(with: step.needs) else { return false }
        waiting.insert(step.object)
        return true
    }

    /// Sends what goes into one datagram, and takes in what the kernel tells of it before its buffer is full.
    private func send(
        _ batch: inout [(step: Step, message: NetlinkMessage)],
        _ taken: inout [Step],
        _ result: inout ReconcileResult
    ) {
        guard !batch.isEmpty else { return }
        let sent = batch
        batch = []
        do {
            let errors = try routing.change(sent.map(\.message)) { "\(sent[$0].step)" }
            model.drain()
            for (place, item) in sent.enumerated() {
                guard let error = errors[place] else {
                    taken.append(item.step)
                    if case .setUp(let link, let path, let mtu, _) = item.step {
                        model.disown(link, of: path, mtu: mtu)
                    }
                    continue
                }
                if !item.step.isFulfilled(by: error.code) { result.failures.append("\(error)") }
            }
        } catch {
            result.failures.append("\(error)")
            model.drain()
        }
    }

    private func takeAlone(_ step: Step, _ desired: Desired, _ now: Instant, _ result: inout ReconcileResult) -> Bool {
        do {
            switch step {
            case .putGuard(let table):
                model.forgetGuard()
                try firewall.replace(table)
            case .adoptGuard(let table):
                model.forgetGuard()
                return try firewall.own(table)
            case .makeLink(let name, let kind): try tunnels.make(name, kind, now: now)
            case .configure(let name, let change):
                if let link = model.observed.links[name] {
                    model.note(change, for: name)
                    try tunnels.apply(change, to: link)
                }
            default: preconditionFailure("a step of one message goes with others: \(step)")
            }
            model.drain()
            return true
        } catch {
            noteFailure(of: step, error, desired, &result)
            return false
        }
    }

    private func noteFailure(
        of step: Step,
        _ error: any Error,
        _ desired: Desired,
        _ result: inout ReconcileResult
    ) {
        switch step {
        case .makeLink(let name, _), .configure(let name, _):
            guard let path = desired.paths.first(where: { $0.interface == name }) else { break }
            result.failures.append("\(path.name): \(error)")
            if case .makeLink = step { pathStates[path.name]?.condition = .unusable(.refused("\(error)")) }
            return
        default: break
        }
        result.failures.append("guard: \(error)")
    }

    /// Keeps what the peers were told, for telling later a peer that roamed from a line of the file that changed.
    private func remember(_ desired: Desired, _ result: ReconcileResult) {
        let interfaces = Set(desired.paths.map(\.interface))
        told = told.filter { interfaces.contains($0.key) }
        configured = configured.filter { interfaces.contains($0.key) }
        for path in desired.paths where path.ownsInterface && pathStates[path.name]?.isOurs == true {
            guard !result.failures.contains(where: { $0.hasPrefix("\(path.name): ") }) else { continue }
            if let link = model.observed.links[path.interface] { model.claim(link) }
            configured[path.interface] = path.kind.hashValue
            guard let peers = path.wireGuard?.peers else { continue }
            told[path.interface] = Dictionary(
                peers.compactMap { peer in peer.endpoint.map { (peer.publicKey, $0) } },
                uniquingKeysWith: { first, _ in first }
            )
        }
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
