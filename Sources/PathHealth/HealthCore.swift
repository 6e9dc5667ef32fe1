// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// What the file says of one network, as far as health and decisions go.
public struct NetworkPolicy: Hashable, Sendable, Codable {
    /// The network.
    public var network: NetworkName
    /// Its paths, best first.
    public var paths: [PathName]
    /// Those of its paths that carry its traffic together have the same one; a path without one carries alone.
    public var priorities: [PathName: Int]
    /// Who is asked through each of them.
    public var targets: [Target]
    /// How many of them must answer.
    public var need: TargetNeed
    /// How soon a silent failure must be known, and how seldom it may be believed in vain.
    public var promise: DetectionPromise
    /// From where on a path that carries traffic is degraded.
    public var degraded: QualityLimits
    /// Those of its paths whose every packet costs: they are probed at a tenth of the pace.
    public var metered: Set<PathName>
    /// When traffic returns to a better path.
    public var failback: Failback
    /// Whether a path that goes down again and again is kept off for a while.
    public var damping: Bool
    /// What happens when none is up.
    public var whenDown: WhenDown

    /// Makes a policy.
    public init(
        network: NetworkName,
        paths: [PathName],
        priorities: [PathName: Int] = [:],
        targets: [Target],
        need: TargetNeed,
        promise: DetectionPromise,
        degraded: QualityLimits = QualityLimits(),
        metered: Set<PathName> = [],
        failback: Failback,
        damping: Bool = true,
        whenDown: WhenDown
    ) {
        self.network = network
        self.paths = paths
        self.priorities = priorities
        self.targets = targets
        self.need = need
        self.promise = promise
        self.degraded = degraded
        self.metered = metered
        self.failback = failback
        self.damping = damping
        self.whenDown = whenDown
    }

    /// What is promised of one path's silence.
    public func promise(for path: PathName) -> DetectionPromise {
        DetectionPromise(within: pace(promise.within, through: path), falseAlarmsPerYear: promise.falseAlarmsPerYear)
    }

    /// A time between questions as it is where each may cost.
    func pace(_ interval: Duration, through path: PathName) -> Duration {
        metered.contains(path) ? interval * 10 : interval
    }
}

/// What the core wants done.
public enum Action: Hashable, Sendable, Codable {
    /// Send this probe by its path, now.
    case send(Probe)
    /// The verdict of a network through a path changed.
    case judged(NetworkName, PathName, from: Verdict, to: Verdict, [Reason])
    /// The network's decision changed.
    case decided(Decision, from: Decision)
}

/// The decision core: (state, evidence, now) to (state, actions). No clock, no socket, no file.
///
/// Each observation touches the one view that it speaks for; what nothing was told of is not looked at until its time
/// comes, so thousands of targets cost no more than their own questions and answers.
public struct HealthCore: Sendable, Hashable, Codable {
    private var facts = PathFacts()
    /// Networks whose traffic does not come back to better paths just now.
    private var closed: Set<NetworkName> = []
    /// Whether there is somebody who can ask by a TLS handshake.
    public private(set) var hasHandshakes = false
    /// The networks in the file's order.
    private(set) var networks: [NetworkView] = []

    /// Makes a core that holds nothing yet; ``apply(_:adopting:at:)`` gives it the file.
    public init() {}

    /// Takes a new file. What it does not change goes on undisturbed: probes, verdicts, holds, decisions.
    ///
    /// - Parameter adopted: decisions that an earlier run left in the kernel, for networks not known yet; they stand
    ///   until there are verdicts.
    public mutating func apply(
        _ policies: [NetworkPolicy],
        adopting adopted: [NetworkName: Decision] = [:],
        at now: Instant
    ) -> [Action] {
        closed.formIntersection(policies.map(\.network))
        networks = policies.map { policy in
            let before = networks.first { $0.policy.network == policy.network }
            var network = NetworkView(policy, after: before, adopting: adopted[policy.network], at: now)
            network.decider.isReturnOpen = !closed.contains(policy.network)
            return network
        }
        facts.forget(besides: Set(policies.flatMap(\.paths)))
        facts.reached = [:]
        for network in networks {
            for (path, view) in zip(network.policy.paths, network.views) where view.isAnswered {
                facts.reached[path, default: 0] += 1
            }
        }
        let (mayAsk, reflectors) = (hasHandshakes, facts.reflectors)
        forEachView { view, path in
            view.take(reflectors[path] ?? .unknown)
            view.schedule(mayAsk: mayAsk)
        }
        return advance(to: now)
    }

    /// Takes one observation.
    public mutating func handle(_ evidence: Evidence, at now: Instant) -> [Action] {
        switch evidence {
        case .answer(let probe):
            guard let place = place(of: probe.subject),
                networks[place.network].views[place.view].answered(probe, mayAsk: hasHandshakes, at: now)
            else { return [] }
        case .failure(let probe, let failure):
            guard let place = place(of: probe.subject),
                networks[place.network].views[place.view].failed(probe, failure, mayAsk: hasHandshakes, at: now)
            else { return [] }
        case .handshakes(let areThere):
            guard hasHandshakes != areThere else { return [] }
            hasHandshakes = areThere
            forEachView { view, _ in view.handshakes(areThere, at: now) }
        case .drained(let path, let reason):
            facts.drained[path] = reason
            touch(path)
        case .session(let path, let status):
            facts.sessions[path] = status
            touch(path)
        case .peer(let path, let status):
            facts.peers[path] = status
            touch(path)
        case .refusals(let path, let refusals):
            facts.refusals[path] = refusals
            touch(path)
        case .detour(let path, let other):
            facts.detours[path] = other
            touch(path)
        case .flows(let network, let path, let status):
            guard let place = place(of: network, through: path) else { return [] }
            networks[place.network].views[place.view].take(status, at: now)
        case .reflector(let path, let status):
            facts.reflectors[path] = status
            forEachView { view, name in if name == path { view.take(status) } }
        case .preferred(let network, let preference):
            change(network) { $0.wish = preference.map { Wish(preference: $0) } }
        case .drilled(let network, let preference):
            change(network) { $0.drill = preference.map { Wish(preference: $0) } }
        case .failback(let network, let isOpen):
            if isOpen { closed.remove(network) } else { closed.insert(network) }
            change(network) { $0.isReturnOpen = isOpen }
        case .condition(let path, let condition):
            guard self.condition(of: path) != condition else { return [] }
            let wasReady = self.condition(of: path) == .ready
            facts.conditions[path] = condition
            let mayAsk = hasHandshakes
            forEachView { view, name in
                guard name == path else { return }
                if condition == .ready {
                    view.pathReady(mayAsk: mayAsk, at: now)
                } else if wasReady {
                    view.pathLost(mayAsk: mayAsk, at: now)
                }
                view.touch()
            }
        }
        return advance(to: now)
    }

    /// Does what is due.
    public mutating func advance(to now: Instant) -> [Action] {
        var actions: [Action] = []
        var turned: Set<PathName> = []
        for index in networks.indices {
            turned.formUnion(networks[index].advance(to: now, &facts, mayAsk: hasHandshakes, &actions))
        }
        // Whether a path carries one network says something of the silence of the others.
        guard !turned.isEmpty else { return actions }
        for path in turned { touch(path) }
        for index in networks.indices {
            _ = networks[index].advance(to: now, &facts, mayAsk: hasHandshakes, &actions)
        }
        return actions
    }

    /// When ``advance(to:)`` has something to do next; nil where nothing is configured.
    public var nextDeadline: Instant? {
        networks.lazy.compactMap { $0.nextDeadline(facts) }.min()
    }

    /// What a path showed last; telling the core the same once more changes nothing.
    public func condition(of path: PathName) -> PathCondition { facts.condition(of: path) }

    /// Why a path was taken out, or is to be left where there is another; nil where it was not.
    public func drained(_ path: PathName) -> Reason? { facts.drained[path] }

    /// What a path's BFD session showed last; telling the core the same once more changes nothing.
    public func session(of path: PathName) -> BFDStatus { facts.sessions[path] ?? .silent }

    /// What the counters of a path's tunnel showed last; telling the core the same once more changes nothing.
    public func peer(of path: PathName) -> PeerStatus { facts.peers[path] ?? .unknown }

    /// What was refused last of what came in by a path's tunnel; telling the core the same once more changes nothing.
    public func refusals(of path: PathName) -> PacketRefusals { facts.refusals(of: path) }

    /// The path by which the answers to a path's probes came in last; telling the core the same once more changes nothing.
    public func detour(of path: PathName) -> PathName? { facts.detours[path] }

    /// What TCP connections to a network by a path showed last; telling the core the same once more changes nothing.
    public func flows(to network: NetworkName, through path: PathName) -> FlowStatus {
        place(of: network, through: path).map { networks[$0.network].views[$0.view].flows } ?? .unknown
    }

    /// What a path's STAMP session showed last; telling the core the same once more changes nothing.
    public func reflector(of path: PathName) -> ReflectorStatus { facts.reflectors[path] ?? .unknown }

    /// Whether a network's traffic may come back to better paths just now.
    public func isFailbackOpen(for network: NetworkName) -> Bool { !closed.contains(network) }

    /// The path that a network's traffic is wanted on, and why; nil where the file's order holds.
    public func preference(of network: NetworkName) -> Preference? {
        networks.first { $0.policy.network == network }?.decider.preference
    }

    /// All that holds of paths and networks: another core that is told it knows as much of them.
    public var standing: [Evidence] {
        [.handshakes(hasHandshakes)] + closed.sorted().map { .failback($0, isOpen: false) }
            + networks.flatMap { network in
                [
                    network.decider.wish.map { .preferred(network.policy.network, $0.preference) },
                    network.decider.drill.map { .drilled(network.policy.network, $0.preference) },
                ].compactMap { $0 }
            }
            + networks.flatMap { network in
                zip(network.policy.paths, network.views).filter { $1.flows != .unknown }.map {
                    .flows(network.policy.network, $0, $1.flows)
                }
            }
            + Set(networks.flatMap(\.policy.paths)).sorted().flatMap { path in
                [
                    facts.conditions[path].map { .condition(path, $0) }, facts.drained[path].map { .drained(path, $0) },
                    facts.sessions[path].map { .session(path, $0) }, facts.peers[path].map { .peer(path, $0) },
                    facts.refusals[path].map { .refusals(path, $0) },
                    facts.detours[path].map { .detour(path, by: $0) },
                    facts.reflectors[path].map { .reflector(path, $0) },
                ].compactMap { $0 }
            }
    }

    /// When the last network's targets fell silent through a path that can carry; nil where all networks are reached.
    public func silence(of path: PathName) -> Instant? {
        guard condition(of: path) == .ready else { return nil }
        return networks.compactMap { $0.view(of: path)?.muteSince }.max()
    }

    /// Where a subject's view is; nil where it can say nothing.
    private func place(of subject: ProbeSubject) -> (network: Int, view: Int)? {
        condition(of: subject.path) == .ready ? place(of: subject.network, through: subject.path) : nil
    }

    /// Where the view of a network through a path is; nil where the file has none.
    private func place(of network: NetworkName, through path: PathName) -> (network: Int, view: Int)? {
        guard let network = networks.firstIndex(where: { $0.policy.network == network }),
            let view = networks[network].policy.paths.firstIndex(of: path)
        else { return nil }
        return (network, view)
    }

    private mutating func change(_ network: NetworkName, _ change: (inout NetworkDecision) -> Void) {
        guard let index = networks.firstIndex(where: { $0.policy.network == network }) else { return }
        change(&networks[index].decider)
        networks[index].isToBeDecided = true
    }

    private mutating func touch(_ path: PathName) {
        forEachView { view, name in if name == path { view.touch() } }
    }

    private mutating func forEachView(_ body: (inout PathView, PathName) -> Void) {
        for index in networks.indices {
            for place in networks[index].views.indices {
                body(&networks[index].views[place], networks[index].policy.paths[place])
            }
        }
    }
}
