// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// One network: what the file says of it, what is seen of it through each of its paths, and what was decided.
struct NetworkView: Sendable, Hashable, Codable {
    let policy: NetworkPolicy
    /// One a path, in the policy's order.
    var views: [PathView]
    var decider: NetworkDecision
    /// Whether something changed that the decision rests on.
    var isToBeDecided = true
    /// When time alone may change the decision.
    private var decisionDeadline: Instant?

    /// - Parameter before: the same network as it was, whose unchanged parts go on undisturbed.
    init(_ policy: NetworkPolicy, after before: NetworkView?, adopting adopted: Decision?, at now: Instant) {
        self.policy = policy
        let sameTargets = before?.policy.targets == policy.targets && before?.policy.need == policy.need
        views = policy.paths.map { path in
            let isKept = sameTargets && before?.policy.promise(for: path) == policy.promise(for: path)
            var view = (isKept ? before?.view(of: path) : nil) ?? PathView(policy, through: path, now: now)
            view.follow(policy, at: now)
            return view
        }
        let start = Decision(
            network: policy.network,
            generation: 1,
            outcome: .blocked,
            reasons: [.notYetProbed],
            since: now,
            provisional: true
        )
        // Those beside the path that carries were left by an earlier run, who knows when.
        let priority = adopted?.outcome.path.flatMap { policy.priorities[$0] }
        let resting = policy.paths.filter {
            priority != nil && policy.priorities[$0] == priority && adopted?.outcome.carriers.contains($0) == false
        }
        decider = NetworkDecision(
            failback: policy.failback,
            whenDown: policy.whenDown,
            current: before?.decider.current ?? adopted ?? start,
            left: before?.decider.left ?? Dictionary(uniqueKeysWithValues: resting.map { ($0, now) }),
            wish: (before?.decider.wish).flatMap { policy.paths.contains($0.preference.path) ? $0 : nil },
            drill: (before?.decider.drill).flatMap { policy.paths.contains($0.preference.path) ? $0 : nil },
            // A file without the path that was wanted gives the choice back.
            isChoiceBack: before?.decider.preference.map { !policy.paths.contains($0.path) } ?? false
        )
    }

    func view(of path: PathName) -> PathView? { policy.paths.firstIndex(of: path).map { views[$0] } }

    /// What the paths offer now, best first by the file.
    var candidates: [Candidate] {
        zip(policy.paths, views).map { path, view in
            Candidate(
                path: path,
                priority: policy.priorities[path],
                verdict: view.verdict,
                reasons: view.reasons,
                since: view.since,
                dampedUntil: view.damping?.until,
                recovery: policy.promise(for: path).longestInterval * LivenessTimers.riseCount
            )
        }
    }

    /// When ``advance(to:_:mayAsk:_:)`` has something to do next.
    func nextDeadline(_ facts: PathFacts) -> Instant? {
        var next = decisionDeadline
        for (path, view) in zip(policy.paths, views) {
            let probing = facts.condition(of: path) == .ready ? view.nextDeadline : nil
            for deadline in [probing, view.damping?.until] {
                if let deadline, next.map({ deadline < $0 }) ?? true { next = deadline }
            }
        }
        return next
    }

    /// Asks who is due, judges anew what was touched, and decides where that changed something.
    ///
    /// - Returns: the paths through which the network is reached from now on, or is no longer.
    mutating func advance(
        to now: Instant,
        _ facts: inout PathFacts,
        mayAsk: Bool,
        _ actions: inout [Action]
    ) -> [PathName] {
        var turned: [PathName] = []
        for index in views.indices {
            let wasReached = views[index].isAnswered
            advance(index, now, &facts, mayAsk, &actions)
            if views[index].isAnswered != wasReached { turned.append(policy.paths[index]) }
        }
        if isToBeDecided || decisionDeadline.map({ $0 <= now }) ?? false { decide(at: now, &actions) }
        return turned
    }

    private mutating func decide(at now: Instant, _ actions: inout [Action]) {
        isToBeDecided = false
        let before = decider.current
        let candidates = candidates
        if decider.decide(among: candidates, at: now) { actions.append(.decided(decider.current, from: before)) }
        decisionDeadline = decider.nextDeadline(candidates)
    }

    private mutating func advance(
        _ index: Int,
        _ now: Instant,
        _ facts: inout PathFacts,
        _ mayAsk: Bool,
        _ actions: inout [Action]
    ) {
        let path = policy.paths[index]
        if let due = views[index].nextDeadline, due <= now, facts.condition(of: path) == .ready {
            let network = policy.network
            views[index].advance(to: now, mayAsk: mayAsk) { target, sequence in
                let subject = ProbeSubject(network: network, path: path, target: target)
                actions.append(.send(Probe(subject: subject, sequence: sequence)))
            }
        }
        guard views[index].isToBeJudged(at: now) else { return }
        let (verdict, wasReached) = (views[index].verdict, views[index].isAnswered)
        let carriesOthers = facts.reached[path, default: 0] > (wasReached ? 1 : 0)
        // A path whose session was lost is probed on, so that it is known at once once the session is back.
        let session = facts.sessions[path] ?? .silent
        let changed = views[index].judge(
            facts.conditions[path].map(session.limit),
            drained: facts.drained[path] ?? session.drain,
            silentFor: facts.silence(of: path, carriesOthers: carriesOthers),
            beside: facts.circumstances(of: path) + views[index].flows.reasons,
            at: now
        )
        if views[index].isAnswered != wasReached { facts.reached[path, default: 0] += wasReached ? -1 : 1 }
        guard changed else { return }
        isToBeDecided = true
        actions.append(.judged(policy.network, path, from: verdict, to: views[index].verdict, views[index].reasons))
    }
}
