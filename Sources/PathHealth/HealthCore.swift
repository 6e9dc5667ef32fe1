// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// What the file says of one network, as far as health and decisions go.
public struct NetworkPolicy: Hashable, Sendable, Codable {
    /// The network.
    public var network: NetworkName
    /// Its paths, best first.
    public var paths: [PathName]
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
public struct HealthCore: Sendable, Hashable, Codable {
    private var policies: [NetworkPolicy] = []
    private var conditions: [PathName: PathCondition] = [:]
    private var drained: [PathName: Reason] = [:]
    private var sessions: [PathName: BFDStatus] = [:]
    private var peers: [PathName: PeerStatus] = [:]
    /// Networks whose traffic does not come back to better paths just now.
    private var closed: Set<NetworkName> = []
    /// Whether there is somebody who can ask by a TLS handshake.
    public private(set) var hasHandshakes = false
    private var views: [NetworkName: [PathName: PathView]] = [:]
    private var deciders: [NetworkName: NetworkDecision] = [:]

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
        var views: [NetworkName: [PathName: PathView]] = [:]
        var deciders: [NetworkName: NetworkDecision] = [:]
        for policy in policies {
            let before = self.policies.first { $0.network == policy.network }
            let sameTargets = before?.targets == policy.targets && before?.need == policy.need
            for path in policy.paths {
                let promise = policy.promise(for: path)
                let isKept = sameTargets && before?.promise(for: path) == promise
                var view =
                    (isKept ? self.views[policy.network]?[path] : nil)
                    ?? PathView(policy, through: path, now: now)
                for index in view.targets.indices { view.liveness[index].limit(policy.degraded) }
                if !policy.damping {
                    view.damping = nil
                } else if view.damping == nil {
                    view.damping = FlapDamping(now: now)
                }
                views[policy.network, default: [:]][path] = view
            }
            let start = Decision(
                network: policy.network,
                generation: 1,
                outcome: .blocked,
                reasons: [.notYetProbed],
                since: now,
                provisional: true
            )
            let current = self.deciders[policy.network]?.current ?? adopted[policy.network] ?? start
            let wish = self.deciders[policy.network]?.wish
            deciders[policy.network] = NetworkDecision(
                failback: policy.failback,
                whenDown: policy.whenDown,
                current: current,
                left: self.deciders[policy.network]?.left ?? [:],
                wish: wish.flatMap { policy.paths.contains($0.preference.path) ? $0 : nil }
            )
        }
        self.policies = policies
        self.views = views
        self.deciders = deciders
        let known = Set(policies.flatMap(\.paths))
        conditions = conditions.filter { known.contains($0.key) }
        drained = drained.filter { known.contains($0.key) }
        sessions = sessions.filter { known.contains($0.key) }
        peers = peers.filter { known.contains($0.key) }
        closed.formIntersection(policies.map(\.network))
        for network in closed { self.deciders[network]?.isReturnOpen = false }
        return advance(to: now)
    }

    /// Takes one observation.
    public mutating func handle(_ evidence: Evidence, at now: Instant) -> [Action] {
        switch evidence {
        case .answer(let probe):
            guard answered(probe, at: now) else { return [] }
        case .failure(let probe, let failure):
            let subject = probe.subject
            guard let index = place(of: subject) else { return [] }
            views[subject.network]?[subject.path]?.paced[index].liveness.failed(probe.sequence, failure, at: now)
        case .handshakes(let areThere):
            guard hasHandshakes != areThere else { return [] }
            hasHandshakes = areThere
            if areThere { forEachPaced { $0.enter(at: now) } }
        case .drained(let path, let reason):
            drained[path] = reason
        case .session(let path, let status):
            sessions[path] = status
        case .peer(let path, let status):
            peers[path] = status
        case .preferred(let network, let preference):
            deciders[network]?.wish = preference.map { Wish(preference: $0, since: now) }
        case .failback(let network, let isOpen):
            if isOpen { closed.remove(network) } else { closed.insert(network) }
            deciders[network]?.isReturnOpen = isOpen
        case .condition(let path, let condition):
            guard self.condition(of: path) != condition else { return [] }
            let wasReady = self.condition(of: path) == .ready
            conditions[path] = condition
            for network in views.keys {
                guard let targets = views[network]?[path]?.targets.indices else { continue }
                for index in targets {
                    if condition == .ready {
                        views[network]?[path]?.liveness[index].pathReady(at: now)
                    } else if wasReady {
                        views[network]?[path]?.liveness[index].pathLost(at: now)
                    }
                }
            }
            forEachPaced(through: path) {
                if condition == .ready { $0.pathReady(at: now) } else if wasReady { $0.pathLost(at: now) }
            }
        }
        return advance(to: now)
    }

    private mutating func answered(_ probe: Probe, at now: Instant) -> Bool {
        let subject = probe.subject
        if let index = place(of: subject) {
            views[subject.network]?[subject.path]?.paced[index].liveness.answered(probe.sequence, at: now)
            return true
        }
        guard condition(of: subject.path) == .ready, let view = views[subject.network]?[subject.path],
            let index = view.targets.firstIndex(of: subject.target)
        else { return false }
        _ = views[subject.network]?[subject.path]?.liveness[index].answered(probe.sequence, at: now)
        return true
    }

    /// Where a target that is asked at its own pace stands in its view; nil where it can say nothing.
    private func place(of subject: ProbeSubject) -> Int? {
        guard condition(of: subject.path) == .ready else { return nil }
        return views[subject.network]?[subject.path]?.paced.firstIndex { $0.target == subject.target }
    }

    private mutating func forEachPaced(through path: PathName? = nil, _ change: (inout PacedLiveness) -> Void) {
        for (network, views) in views {
            for (name, view) in views where path == nil || name == path {
                var view = view
                for index in view.paced.indices { change(&view.paced[index].liveness) }
                self.views[network]?[name] = view
            }
        }
    }

    /// Does what is due.
    public mutating func advance(to now: Instant) -> [Action] {
        var actions: [Action] = []
        for policy in policies {
            for path in policy.paths { advance(policy.network, path, now, &actions) }
            decide(policy, now, &actions)
        }
        return actions
    }

    /// When ``advance(to:)`` has something to do next; nil where nothing is configured.
    public var nextDeadline: Instant? {
        var deadlines: [Instant] = []
        for policy in policies {
            for path in policy.paths where condition(of: path) == .ready {
                deadlines += views[policy.network]?[path]?.liveness.map(\.nextDeadline) ?? []
                deadlines +=
                    views[policy.network]?[path]?.paced.compactMap {
                        $0.liveness.nextDeadline(mayAsk: hasHandshakes)
                    } ?? []
            }
            deadlines += views[policy.network]?.values.compactMap(\.damping?.until) ?? []
            if let hold = deciders[policy.network]?.nextDeadline(candidates(policy)) { deadlines.append(hold) }
        }
        return deadlines.min()
    }

    /// The networks in the file's order, with the views of their paths and the decisions in force.
    var networks: [(network: NetworkName, paths: [(PathName, PathView)], decision: Decision)] {
        policies.compactMap { policy in
            guard let views = views[policy.network], let decision = deciders[policy.network]?.current else {
                return nil
            }
            return (policy.network, policy.paths.compactMap { path in views[path].map { (path, $0) } }, decision)
        }
    }

    /// When a network's traffic may come back to each of the paths that are better than its own.
    func returns(to network: NetworkName) -> [PathName: Instant] {
        guard let policy = policies.first(where: { $0.network == network }) else { return [:] }
        return deciders[network]?.returns(candidates(policy)) ?? [:]
    }

    /// What a path showed last; telling the core the same once more changes nothing.
    public func condition(of path: PathName) -> PathCondition {
        conditions[path] ?? .unusable(.notYetProbed)
    }

    /// What a path's BFD session showed last; telling the core the same once more changes nothing.
    public func session(of path: PathName) -> BFDStatus {
        sessions[path] ?? .silent
    }

    /// What the counters of a path's tunnel showed last; telling the core the same once more changes nothing.
    public func peer(of path: PathName) -> PeerStatus {
        peers[path] ?? .unknown
    }

    /// Whether a network's traffic may come back to better paths just now.
    public func isFailbackOpen(for network: NetworkName) -> Bool { !closed.contains(network) }

    /// The path that a network's traffic is wanted on, and why; nil where the file's order holds.
    public func preference(of network: NetworkName) -> Preference? { deciders[network]?.wish?.preference }

    /// All that holds of paths and networks: another core that is told it knows as much of them.
    public var standing: [Evidence] {
        [.handshakes(hasHandshakes)] + closed.sorted().map { .failback($0, isOpen: false) }
            + policies.compactMap { policy in preference(of: policy.network).map { .preferred(policy.network, $0) } }
            + Set(policies.flatMap(\.paths)).sorted().flatMap { path in
                [
                    conditions[path].map { .condition(path, $0) }, drained[path].map { .drained(path, $0) },
                    sessions[path].map { .session(path, $0) }, peers[path].map { .peer(path, $0) },
                ].compactMap { $0 }
            }
    }

    /// When the last network's targets fell silent through a path that can carry; nil where all networks are reached.
    public func silence(of path: PathName) -> Instant? {
        guard condition(of: path) == .ready else { return nil }
        return views.values.compactMap { $0[path]?.muteSince }.max()
    }

    private mutating func advance(_ network: NetworkName, _ path: PathName, _ now: Instant, _ actions: inout [Action]) {
        guard var view = views[network]?[path] else { return }
        let condition = condition(of: path)
        if condition == .ready {
            for (index, target) in view.targets.enumerated() {
                let subject = ProbeSubject(network: network, path: path, target: target)
                for sequence in view.liveness[index].advance(to: now) {
                    actions.append(.send(Probe(subject: subject, sequence: sequence)))
                }
            }
            for index in view.paced.indices {
                let subject = ProbeSubject(network: network, path: path, target: view.paced[index].target)
                if let sequence = view.paced[index].liveness.advance(to: now, mayAsk: hasHandshakes) {
                    actions.append(.send(Probe(subject: subject, sequence: sequence)))
                }
            }
        }
        let before = view.verdict
        let carriesOthers = views.contains { $0.key != network && $0.value[path]?.isAnswered == true }
        // A path whose session was lost is probed on, so that it is known at once once the session is back.
        let session = session(of: path)
        let drain = drained[path] ?? session.drain
        let hint = carriesOthers ? Reason.beyondPath : peer(of: path).reason
        let changed =
            conditions[path] != nil
            && view.judge(session.limit(condition), drained: drain, silentFor: hint, at: now)
        views[network]?[path] = view
        if changed { actions.append(.judged(network, path, from: before, to: view.verdict, view.reasons)) }
    }

    private func candidates(_ policy: NetworkPolicy) -> [Candidate] {
        policy.paths.compactMap { path in
            views[policy.network]?[path].map {
                Candidate(
                    path: path,
                    verdict: $0.verdict,
                    reasons: $0.reasons,
                    since: $0.since,
                    dampedUntil: $0.damping?.until
                )
            }
        }
    }

    private mutating func decide(_ policy: NetworkPolicy, _ now: Instant, _ actions: inout [Action]) {
        guard var decision = deciders[policy.network] else { return }
        let before = decision.current
        guard decision.decide(among: candidates(policy), at: now) else { return }
        deciders[policy.network] = decision
        actions.append(.decided(decision.current, from: before))
    }
}
