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
    /// Through a path and those of its priority that carry beside it, in the file's order, with another one that the
    /// kernel falls to by itself.
    case active(PathName, beside: [PathName] = [], standby: PathName?)
    /// Nowhere: the guard answers.
    case blocked
    /// Prefixes nowhere, names to the public.
    case `public`

    /// The path that carries traffic, if one does. Where several do, it is the one that names are asked by, and it changes
    /// only when it carries no longer.
    public var path: PathName? {
        guard case .active(let path, _, _) = self else { return nil }
        return path
    }

    /// All paths that carry traffic, ``path`` first.
    public var carriers: [PathName] {
        guard case .active(let path, let others, _) = self else { return [] }
        return [path] + others
    }

    /// The path that the kernel falls to by itself, if there is one.
    public var standby: PathName? {
        guard case .active(_, _, let standby) = self else { return nil }
        return standby
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
    /// Those of one priority carry together; one without has none beside it.
    let priority: Int?
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
///
/// One path leads, and the others of its priority carry beside it as long as they are no worse. They are left and come
/// back as it does, each for itself, and while it carries none of them takes the lead.
struct NetworkDecision: Sendable, Hashable, Codable {
    var failback: Failback
    var whenDown: WhenDown
    /// Whether this is a time to come back to a better path.
    var isReturnOpen = true
    /// What is wanted by hand.
    var wish: Wish? { didSet { if wish == nil, oldValue != nil { isChoiceBack = true } } }
    /// What a drill wants meanwhile.
    var drill: Wish? { didSet { if drill == nil, oldValue != nil { isChoiceBack = true } } }
    /// Whether a wish has just ended, for which a path carried alone: those of its priority take part again at once.
    private var isChoiceBack = false
    private(set) var current: Decision
    /// When traffic left each path last.
    private(set) var left: [PathName: Instant]

    init(
        failback: Failback,
        whenDown: WhenDown,
        current: Decision,
        left: [PathName: Instant] = [:],
        wish: Wish? = nil,
        drill: Wish? = nil,
        isChoiceBack: Bool = false
    ) {
        self.failback = failback
        self.whenDown = whenDown
        self.current = current
        self.left = left
        self.wish = wish
        self.drill = drill
        self.isChoiceBack = isChoiceBack
    }

    /// The wish that goes before all others.
    var preference: Preference? { (drill ?? wish)?.preference }

    /// Decides anew, candidates best first by the file; true where the decision changed.
    mutating func decide(among candidates: [Candidate], at now: Instant) -> Bool {
        let candidates = ordered(candidates)
        guard let outcome = outcome(candidates, now) else { return false }
        isChoiceBack = false
        if outcome.path == drill?.preference.path {
            drill?.isHonoured = true
        } else if drill == nil, outcome.path == wish?.preference.path {
            wish?.isHonoured = true
        }
        guard outcome != current.outcome || current.provisional else { return false }
        if outcome.changesRealm(from: current.outcome) { current.generation += 1 }
        for path in current.outcome.carriers where !outcome.carriers.contains(path) { left[path] = now }
        if outcome.path != current.outcome.path || outcome.changesRealm(from: current.outcome) {
            current.since = now
            current.reasons = reasons(for: outcome, candidates)
        } else if current.provisional || outcome.carriers != current.outcome.carriers {
            // The same path, but now there is evidence for it, or others beside it.
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
        times += resting(beside: held, candidates).compactMap { candidate in
            joins(candidate).map { (candidate.path, $0) }
        }
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
            if isOffered, candidates.contains(where: { $0.verdict == .starting }) { return remainder(candidates) }
            if let end = takenUpUntil(candidates), now < end { return nil }
            return whenDown == .block ? .blocked : .public
        }
        let beside = beside(choice, candidates, now)
        return .active(choice, beside: beside, standby: standby(behind: [choice] + beside, candidates))
    }

    /// Those that carry, without the ones that can no longer, while too little is known to decide anew; nil where that leaves
    /// all of them or none.
    private func remainder(_ candidates: [Candidate]) -> Outcome? {
        let rest = current.outcome.carriers.filter { path in
            candidates.contains { $0.path == path && ($0.verdict.isUsable || $0.verdict == .starting) }
        }
        guard let lead = rest.first, rest != current.outcome.carriers else { return nil }
        return .active(lead, beside: Array(rest.dropFirst()), standby: standby(behind: rest, candidates))
    }

    /// The best path for traffic whose lead can't carry it any more: those beside it go on, if none is better.
    private func heir(_ candidates: [Candidate]) -> Candidate? {
        let best = best(of: candidates)
        let beside = self.best(of: candidates.filter { current.outcome.carriers.contains($0.path) })
        guard let rank = beside?.rank, let least = best?.rank, rank <= least else { return best }
        return beside
    }

    /// Who carries beside a path. Where a path is wanted, it carries alone.
    private func beside(_ choice: PathName, _ candidates: [Candidate], _ now: Instant) -> [PathName] {
        guard choice != preference?.path, let lead = candidates.first(where: { $0.path == choice }) else { return [] }
        let resting = resting(beside: lead, candidates)
        return candidates.filter { candidate in
            guard candidate.shares(with: lead) else { return false }
            guard resting.contains(candidate) else { return candidate.isNoWorse(than: lead) }
            return candidate.rank == 0 && joins(candidate).map { $0 <= now } ?? false
        }.map(\.path)
    }

    /// Those of a path's priority that carry nothing just now.
    private func resting(beside lead: Candidate, _ candidates: [Candidate]) -> [Candidate] {
        candidates.filter { $0.shares(with: lead) && !current.outcome.carriers.contains($0.path) }
    }

    /// From when on a path may carry beside one of its priority; nil where that is not by itself.
    private func joins(_ candidate: Candidate) -> Instant? {
        guard candidate.verdict == .up, preference == nil else { return nil }
        // It was never left: nothing says that it would have to be again.
        if isChoiceBack || left[candidate.path] == nil { return candidate.freeFrom(after: .zero) }
        guard case .automatic(let hold) = failback, isReturnOpen else { return nil }
        return candidate.freeFrom(after: hold)
    }

    /// Until when traffic stays on the current path though that is down: the other side answers what goes by it by another one,
    /// which is about to show that it carries by itself. A few questions long traffic goes there by the one and comes back by
    /// the other. nil where that is not so.
    private func takenUpUntil(_ candidates: [Candidate]) -> Instant? {
        // Nothing is decided before it is known of all whether they carry.
        guard let held = candidates.first(where: { $0.path == current.outcome.path }), held.verdict == .down,
            !candidates.contains(where: { $0.verdict == .starting })
        else { return nil }
        for case .answersElsewhere(let path) in held.reasons {
            guard let other = candidates.first(where: { $0.path == path }), other.isRecovering else { continue }
            return held.since + other.recovery
        }
        return nil
    }

    /// The next best path; one that stands by already stays while too little is known of it to say otherwise.
    private func standby(behind carriers: [PathName], _ candidates: [Candidate]) -> PathName? {
        let others = candidates.filter { !carriers.contains($0.path) }
        if let held = current.outcome.standby,
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
        guard let active = current.outcome.path, let held = candidates.first(where: { $0.path == active }) else {
            // From nothing, the best path is worth the wait until what is better than it has shown itself.
            let undecided = candidates.prefix { !$0.verdict.isUsable }.contains { $0.verdict == .starting }
            return undecided && current.provisional ? nil : heir(candidates)?.path
        }
        if held.verdict == .starting { return nil }
        guard held.verdict.isUsable else { return heir(candidates)?.path }
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

    /// Those that the file puts before it and that are no worse.
    private func better(than held: Candidate, _ candidates: [Candidate]) -> [Candidate] {
        candidates.prefix { $0.path != held.path }.filter {
            [.up, held.verdict].contains($0.verdict) && ($0.path == preference?.path || !$0.shares(with: held))
        }
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
        case .active(let path, _, _) where path == preference?.path: preference.map { [$0.reason] } ?? []
        case .active(let path, let others, _):
            candidates.filter { candidate in
                // Those before it, and those that might carry beside it.
                let lead = candidates.first { $0.path == path }
                let isBefore = candidates.prefix { $0.path != path }.contains(candidate)
                return !others.contains(candidate.path) && (isBefore || lead.map(candidate.shares(with:)) ?? false)
            }.flatMap(\.reasons)
        case .blocked, .public: candidates.flatMap(\.reasons)
        }
    }
}

extension Candidate {
    /// Whether it is another path of the same priority.
    fileprivate func shares(with other: Candidate) -> Bool {
        priority != nil && priority == other.priority && path != other.path
    }

    /// Whether it carries on beside another: also while too little is known of it to say otherwise.
    fileprivate func isNoWorse(than other: Candidate) -> Bool { [.up, .starting, other.verdict].contains(verdict) }

    /// When traffic may come back to it.
    fileprivate func freeFrom(after hold: Duration) -> Instant {
        max(since + hold, dampedUntil ?? since)
    }
}
