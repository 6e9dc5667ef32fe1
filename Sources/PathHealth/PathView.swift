// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// How many of a network's targets must answer through a path for the path to be up for that network.
public enum TargetNeed: Hashable, Sendable, Codable {
    /// At least one.
    case any
    /// Every one.
    case all
    /// At least so many.
    case count(Int)

    func threshold(of targets: Int) -> Int {
        switch self {
        case .any: min(1, targets)
        case .all: targets
        case .count(let count): min(count, targets)
        }
    }
}

/// One network through one path: its targets, and what they show together.
struct PathView: Sendable, Hashable, Codable {
    let need: TargetNeed
    /// Those that are asked as often as the promise wants.
    let targets: [Target]
    var liveness: [TargetLiveness]
    /// The others.
    var paced: [PacedTarget]
    private(set) var verdict: Verdict = .starting
    private(set) var reasons: [Reason] = [.notYetProbed]
    /// When the verdict last changed.
    private(set) var since: Instant
    /// Whether enough targets answer, also while the path is drained.
    private(set) var isAnswered = false

    /// Keeps traffic from coming back to a path that goes down again and again; nil where the file does not want that.
    var damping: FlapDamping?

    init(_ policy: NetworkPolicy, through path: PathName, now: Instant) {
        let promise = policy.promise(for: path)
        need = policy.need
        targets = policy.targets.filter { $0.pace == nil }
        liveness = targets.map { _ in TargetLiveness(promise, policy.degraded, now: now) }
        paced = policy.targets.compactMap { target in
            target.pace.map { pace in
                let seed = "\(policy.network) \(path) \(target)"
                let interval = policy.pace(pace, through: path)
                return PacedTarget(target: target, liveness: PacedLiveness(every: interval, seed: seed, now: now))
            }
        }
        since = now
        damping = FlapDamping(now: now)
    }

    /// How the promise stands: as with the target that it is hardest to keep with.
    var outlook: DetectionOutlook? {
        liveness.map(\.timers.outlook).max {
            ($0.detection, $0.falseAlarmsPerYear) < ($1.detection, $1.falseAlarmsPerYear)
        }
    }

    /// The targets that do not answer although enough others do.
    var silentTargets: [Target] {
        guard isAnswered else { return [] }
        return zip(targets, liveness).filter { if case .silent = $1.state { true } else { false } }.map(\.0)
    }

    /// Why targets that are asked at their own pace do not serve although enough others answer.
    var failures: [Reason] {
        isAnswered ? paced.compactMap(reason) : []
    }

    /// When the last of its targets was given up; nil while one answers, or traffic goes there all the same.
    var muteSince: Instant? {
        guard verdict == .down, !liveness.contains(where: { $0.state == .answering }) else { return nil }
        return liveness.map(\.givenUpAt).max().map { max($0, since) }
    }

    /// Since when none of those answers any more that are asked closely; nil while one does, or may.
    private var silence: Instant? {
        let silences = liveness.map(\.silentSince)
        return silences.contains(nil) ? nil : silences.compactMap { $0 }.max()
    }

    /// Whether a target's last answer still counts. It is old when the next one comes: against the silence of all that
    /// are asked more often it proves nothing, or it would hold traffic on a dead path.
    private func serves(_ paced: PacedTarget) -> Bool {
        guard case .answering(let last) = paced.liveness.state else { return false }
        return silence.map { $0 < last } ?? true
    }

    /// Whether a target may turn out to serve, which is waited for at its beginning only.
    private func mayServe(_ paced: PacedTarget) -> Bool {
        paced.liveness.state == .starting && paced.liveness.isNew
    }

    /// Whether anything is known of a target, or will be soon: else it counts neither way.
    private func counts(_ paced: PacedTarget) -> Bool {
        paced.liveness.state != .unknown && (paced.liveness.state != .starting || paced.liveness.isNew)
    }

    /// Judges anew; true where verdict or reasons changed.
    ///
    /// - Parameter hint: what is known of why targets are silent, if all of them are.
    mutating func judge(
        _ condition: PathCondition,
        drained: Reason?,
        silentFor hint: Reason?,
        at now: Instant
    ) -> Bool {
        var (verdict, reasons) = judged(condition, hint)
        isAnswered = verdict.isUsable
        if verdict == .down, self.verdict.isUsable { damping?.flapped(at: now) }
        damping?.advance(to: now)
        if let drained, verdict.isUsable { (verdict, reasons) = (drained.drains ? .drained : .degraded, [drained]) }
        if let damping, damping.until != nil { reasons.append(.flapping(times: damping.count)) }
        guard verdict != self.verdict || reasons != self.reasons else { return false }
        if verdict != self.verdict { since = now }
        self.verdict = verdict
        self.reasons = reasons
        return true
    }

    private func judged(_ condition: PathCondition, _ hint: Reason?) -> (Verdict, [Reason]) {
        if case .unusable(let reason) = condition { return (.down, [reason]) }
        let known = paced.filter(counts)
        if targets.isEmpty, known.isEmpty, !paced.isEmpty { return (.starting, [.notYetProbed]) }
        let threshold = need.threshold(of: targets.count + known.count)
        let served = known.count(where: serves)
        let answering = served + liveness.count { $0.state == .answering }
        let well = served + liveness.count { $0.state == .answering && $0.quality.faults.isEmpty }
        if well >= threshold { return (.up, []) }
        if answering >= threshold { return (.degraded, zip(targets, liveness).flatMap(Self.faults)) }
        let open = liveness.count { $0.state == .starting } + known.count(where: mayServe)
        if answering + open >= threshold { return (.starting, [.notYetProbed]) }
        let faults = zip(targets, liveness).compactMap(Self.reason) + paced.compactMap(reason)
        // Where one of them answers, the path carries.
        return (.down, (answering == 0 ? hint.map { [$0] } ?? [] : []) + faults)
    }

    private static func faults(_ target: Target, _ liveness: TargetLiveness) -> [Reason] {
        guard liveness.state == .answering else { return [] }
        let limits = liveness.quality.limits
        return liveness.quality.faults.map { fault in
            switch fault {
            case .loss(let share): .lossy(target, share: share, limit: limits.loss ?? 0)
            case .roundTrip(let time): .slow(target, roundTrip: time, limit: limits.roundTrip ?? .zero)
            case .jitter(let time): .unsteady(target, jitter: time, limit: limits.jitter ?? .zero)
            }
        }
    }

    private func reason(_ paced: PacedTarget) -> Reason? {
        switch paced.liveness.state {
        case .starting, .unknown: nil
        case .answering: serves(paced) ? nil : .unconfirmed(paced.target)
        case .failing(let failure): .failing(paced.target, failure)
        case .recovering: .recovering(paced.target, answers: 0, of: 1)
        }
    }

    private static func reason(_ target: Target, _ liveness: TargetLiveness) -> Reason? {
        guard case .silent(let unanswered, let since, let answers) = liveness.state else { return nil }
        if answers > 0 || unanswered == 0 {
            return .recovering(target, answers: answers, of: LivenessTimers.riseCount)
        }
        // The count and time at which it was given up: a verdict's reason does not change with every further probe.
        return .unanswered(target, probes: unanswered, over: liveness.givenUpAt - since)
    }
}
