// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// When traffic returns to a better path that is up again.
public enum Failback: Hashable, Sendable, Codable {
    /// After the better path was up for so long without a break.
    case automatic(after: Duration)
    /// Never by itself.
    case manual

    /// How long a path that was left is not gone back to while traffic can stay.
    var hold: Duration {
        switch self {
        case .automatic(let hold): hold
        case .manual: .seconds(60)
        }
    }
}

/// What happens to a network when none of its paths is up.
public enum WhenDown: String, Hashable, Sendable, Codable {
    /// Names answer SERVFAIL, prefixes are unreachable.
    case block
    /// Names are answered publicly; prefixes are unreachable all the same.
    case `public`
}

/// Where a network's traffic and names lead.
public enum Outcome: Hashable, Sendable, Codable {
    /// Through a path, with another one that the kernel falls to by itself.
    case active(PathName, standby: PathName?)
    /// Nowhere: the guard answers.
    case blocked
    /// Prefixes nowhere, names to the public.
    case `public`

    /// The path that carries traffic, if one does.
    public var path: PathName? {
        guard case .active(let path, _) = self else { return nil }
        return path
    }

    /// Whether names lead elsewhere than under the other outcome; then the generation goes up.
    public func changesRealm(from other: Outcome) -> Bool {
        switch (self, other) {
        case (.active, .active), (.blocked, .blocked), (.public, .public): false
        default: true
        }
    }
}

/// What the verdicts mean for one network, from some time on.
public struct Decision: Hashable, Sendable, Codable {
    /// The network.
    public var network: NetworkName
    /// Goes up when the realm of the names changes: private, public, blocked.
    public var generation: UInt64
    /// Where traffic and names lead.
    public var outcome: Outcome
    /// Why it is not, or no longer, otherwise.
    public var reasons: [Reason]
    /// Since when.
    public var since: Instant
    /// Whether it is held from before the first verdicts came in.
    public var provisional: Bool

    /// Makes a decision.
    public init(
        network: NetworkName,
        generation: UInt64,
        outcome: Outcome,
        reasons: [Reason],
        since: Instant,
        provisional: Bool
    ) {
        self.network = network
        self.generation = generation
        self.outcome = outcome
        self.reasons = reasons
        self.since = since
        self.provisional = provisional
    }
}

/// What one path offers a network now.
struct Candidate: Hashable, Sendable {
    let path: PathName
    let verdict: Verdict
    let reasons: [Reason]
    let since: Instant
    /// Until when traffic does not come back to it; nil where it may.
    let dampedUntil: Instant?
    /// How long it takes to be up again from its first answer on, where none is lost.
    let recovery: Duration

    /// Whether it was given up, and answers are back.
    fileprivate var isRecovering: Bool {
        reasons.contains { if case .recovering(_, let answers, _) = $0 { answers > 0 } else { false } }
    }

    /// The lower the better; nil where it carries nothing.
    fileprivate var rank: Int? {
        switch verdict {
        case .up: dampedUntil == nil ? 0 : 2
        case .degraded: dampedUntil == nil ? 1 : 3
        default: nil
        }
    }
}

/// A ``Preference``, and whether it was followed.
struct Wish: Hashable, Sendable, Codable {
    let preference: Preference
    /// Whether the path has carried the traffic since. The first move waits for nothing; what comes later, as for any path.
    var isHonoured = false
}

/// Chooses by order, leaves what is down at once, comes back after a hold.
struct NetworkDecision: Sendable, Hashable, Codable {
    var failback: Failback
    var whenDown: WhenDown
    /// Whether this is a time to come back to a better path.
    var isReturnOpen = true
    /// What is wanted by hand.
    var wish: Wish?
    /// What a drill wants meanwhile.
    var drill: Wish?
    private(set) var current: Decision
    /// When traffic left each path last.
    private(set) var left: [PathName: Instant]

    init(
        failback: Failback,
        whenDown: WhenDown,
        current: Decision,
        left: [PathName: Instant] = [:],
        wish: Wish? = nil,
        drill: Wish? = nil
    ) {
        self.failback = failback
        self.whenDown = whenDown
        self.current = current
        self.left = left
        self.wish = wish
        self.drill = drill
    }

    /// The wish that goes before all others.
    var preference: Preference? { (drill ?? wish)?.preference }

    /// Decides anew, candidates best first by the file; true where the decision changed.
    mutating func decide(among candidates: [Candidate], at now: Instant) -> Bool {
        let candidates = ordered(candidates)
        guard let outcome = outcome(candidates, now) else { return false }
        if outcome.path == drill?.preference.path {
            drill?.isHonoured = true
        } else if drill == nil, outcome.path == wish?.preference.path {
            wish?.isHonoured = true
        }
        guard outcome != current.outcome || current.provisional else { return false }
        if outcome.changesRealm(from: current.outcome) { current.generation += 1 }
        if outcome.path != current.outcome.path || outcome.changesRealm(from: current.outcome) {
            current.since = now
            current.reasons = reasons(for: outcome, candidates)
            if let path = current.outcome.path { left[path] = now }
        } else if current.provisional {
            // The same outcome, but now there is evidence for it.
            current.reasons = reasons(for: outcome, candidates)
        }
        current.outcome = outcome
        current.provisional = false
        return true
    }

    /// When time alone may change the decision.
    func nextDeadline(_ candidates: [Candidate]) -> Instant? {
        [returns(candidates).values.min(), takenUpUntil(candidates)].compactMap(\.self).min()
    }

    /// When traffic may come back to each path that is better than the one that carries it.
    func returns(_ candidates: [Candidate]) -> [PathName: Instant] {
        let candidates = ordered(candidates)
        guard let active = current.outcome.path,
            let held = candidates.first(where: { $0.path == active && $0.verdict.isUsable })
        else { return [:] }
        var times = refuges(from: held, candidates)
        if case .automatic(let hold) = failback, isReturnOpen {
            times += better(than: held, candidates).map { ($0.path, $0.freeFrom(after: hold)) }
        }
        return Dictionary(times, uniquingKeysWith: min)
    }

    /// What is wanted by hand is put before what the file puts first.
    private func ordered(_ candidates: [Candidate]) -> [Candidate] {
        guard let wanted = preference?.path else { return candidates }
        return candidates.filter { $0.path == wanted } + candidates.filter { $0.path != wanted }
    }

    /// The outcome that the candidates call for; nil where there is too little evidence to leave the current one.
    private func outcome(_ candidates: [Candidate], _ now: Instant) -> Outcome? {
        guard let choice = choice(candidates, now) else {
            let isOffered = current.outcome.path.map { path in candidates.contains { $0.path == path } } ?? true
            if isOffered, candidates.contains(where: { $0.verdict == .starting }) { return nil }
            if let end = takenUpUntil(candidates), now < end { return nil }
            return whenDown == .block ? .blocked : .public
        }
        return .active(choice, standby: standby(behind: choice, candidates))
    }

    /// Until when traffic stays on the current path though that is down: the other side answers what goes by it by another one,
    /// which is about to show that it carries by itself. A few questions long traffic goes there by the one and comes back by
    /// the other. nil where that is not so.
    private func takenUpUntil(_ candidates: [Candidate]) -> Instant? {
        guard let held = candidates.first(where: { $0.path == current.outcome.path }), held.verdict == .down else {
            return nil
        }
        for case .answersElsewhere(let path) in held.reasons {
            guard let other = candidates.first(where: { $0.path == path }), other.isRecovering else { continue }
            return held.since + other.recovery
        }
        return nil
    }

    /// The next best path; one that stands by already stays while too little is known of it to say otherwise.
    private func standby(behind choice: PathName, _ candidates: [Candidate]) -> PathName? {
        let others = candidates.filter { $0.path != choice }
        if case .active(_, let held?) = current.outcome,
            others.contains(where: { $0.path == held && $0.verdict == .starting })
        {
            return held
        }
        return best(of: others)?.path
    }

    /// The first of the best verdict.
    private func best(of candidates: some Sequence<Candidate>) -> Candidate? {
        candidates.reduce(nil) { best, candidate in
            guard let rank = candidate.rank else { return best }
            return (best?.rank).map { rank < $0 } ?? true ? candidate : best
        }
    }

    private func choice(_ candidates: [Candidate], _ now: Instant) -> PathName? {
        let best = best(of: candidates)
        guard let active = current.outcome.path, let held = candidates.first(where: { $0.path == active }) else {
            // From nothing, the best path is worth the wait until what is better than it has shown itself.
            let undecided = candidates.prefix { !$0.verdict.isUsable }.contains { $0.verdict == .starting }
            return undecided && current.provisional ? nil : best?.path
        }
        if held.verdict == .starting { return nil }
        guard held.verdict.isUsable else { return best?.path }
        if let wanted = candidates.first, wanted.verdict.isUsable, isFreshlyWanted(wanted) { return wanted.path }
        // Off a bad path to a good one; back to an earlier one of the same kind after the hold.
        if let refuge = refuges(from: held, candidates).first(where: { $0.from <= now }) { return refuge.path }
        return better(than: held, candidates).first { mayReturn(to: $0, now) }?.path ?? active
    }

    /// The good paths for traffic on a bad one, and from when on: at once, but for those that it left itself within the
    /// hold, or two bad paths would toss it to and fro. What the far end takes out is left for them all the same.
    private func refuges(from held: Candidate, _ candidates: [Candidate]) -> [(path: PathName, from: Instant)] {
        guard held.verdict == .degraded else { return [] }
        let isTakenOut = held.reasons.contains { !$0.drains }
        return candidates.filter { $0.rank == 0 }.map { candidate in
            let wait = isTakenOut ? nil : left[candidate.path].map { $0 + failback.hold }
            return (candidate.path, max(candidate.since, wait ?? candidate.since))
        }
    }

    /// Those that the file puts first and that are no worse.
    private func better(than held: Candidate, _ candidates: [Candidate]) -> [Candidate] {
        candidates.prefix { $0.path != held.path }.filter { [.up, held.verdict].contains($0.verdict) }
    }

    private func mayReturn(to candidate: Candidate, _ now: Instant) -> Bool {
        guard case .automatic(let hold) = failback else { return false }
        return isReturnOpen && candidate.freeFrom(after: hold) <= now
    }

    private func isFreshlyWanted(_ candidate: Candidate) -> Bool {
        guard let wish = drill ?? wish else { return false }
        return wish.preference.path == candidate.path && !wish.isHonoured
    }

    private func reasons(for outcome: Outcome, _ candidates: [Candidate]) -> [Reason] {
        switch outcome {
        case .active(let path, _) where path == preference?.path: preference.map { [$0.reason] } ?? []
        case .active(let path, _): candidates.prefix { $0.path != path }.flatMap(\.reasons)
        case .blocked, .public: candidates.flatMap(\.reasons)
        }
    }
}

extension Candidate {
    /// When traffic may come back to it.
    fileprivate func freeFrom(after hold: Duration) -> Instant {
        max(since + hold, dampedUntil ?? since)
    }
}
