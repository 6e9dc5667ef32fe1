// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes
import PathHealth
import SystemIO

extension Reconciler {
    /// Brings what is known up to now; false where the kernel cannot be read.
    func observe(_ desired: Desired, _ result: inout ReconcileResult) -> Bool {
        let now = clock.now
        model.note(told: told)
        model.interests = Set(desired.paths.flatMap(\.interfaces))
        model.sources = Set(desired.paths.flatMap(\.sources))
        guard refresh(&result) else { return false }
        if model.takeGuardStaleness() {
            do { model.note(guard: try firewall.read()) } catch {
                model.forgetGuard()
                result.failures.append("guard: \(error)")
            }
        }
        look(atSecurityFor: desired, &result)
        for path in desired.paths { pathStates[path.name] = look(at: path, now, &result) }
        let known = Set(desired.paths.map(\.name))
        pathStates = pathStates.filter { known.contains($0.key) }
        return true
    }

    func refresh(_ result: inout ReconcileResult) -> Bool {
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
            if let lack = path.ipsec?.remote.flatMap({ security?.lack($0.family) }) {
                state.condition = .unusable(.refused("\(lack)"))
            }
            if path.ownsInterface, !path.mayUse(link, reserved, model.observed) {
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

    private func look(atSecurityFor desired: Desired, _ result: inout ReconcileResult) {
        let paths = desired.paths.filter { $0.ipsec != nil }
        guard let security else {
            result.failures += paths.map { "\($0.name): \(IPsecLack.security)" }
            return
        }
        // The first look is for what an earlier run left.
        guard !paths.isEmpty || model.observed.blocks != [] else { return }
        do {
            try model.refresh(security)
        } catch {
            result.failures.append("\(error)")
        }
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

    func finish(_ result: inout ReconcileResult) {
        result.untold = untold + result.untold
        untold = []
        disputes.forget(before: clock.now)
        result.hindrances = hindrances
        result.unrouted = unrouted
        result.disputes = disputes.open
        result.paths = pathStates
        result.collisions = model.observed.collisions
        result.precedences = model.observed.precedences
        result.guardIsOwned = firewall.isOwned
    }
}

// MARK: - Questions

extension Reconciler {
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

    /// The address that packets to a host leave from by an interface: the one that they left from before as long as it can
    /// be used, else one on the host's link, else the first; nil where there is none.
    public func source(
        on interface: InterfaceName,
        for host: IPAddress,
        preferring before: IPAddress?
    ) -> IPAddress? {
        guard let link = model.observed.links[interface] else { return nil }
        let usable = model.observed.sources(on: interface, host.family)
        if let before, usable.contains(before) { return before }
        let near = model.observed.usableAddresses(of: link).filter { $0.address.prefix.contains(host) }
        return near.map(\.address.address).min() ?? usable.first
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
        // What is drained by asking, or was by the last pass, wakes nobody any more.
        defer { tell() }
        return desired.paths.contains { path in
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
}
