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
    let targets: [Target]
    var liveness: [TargetLiveness]
    private(set) var verdict: Verdict = .starting
    private(set) var reasons: [Reason] = [.notYetProbed]
    /// When the verdict last changed.
    private(set) var since: Instant
    /// Whether enough targets answer, also while the path is drained.
    private(set) var isAnswered = false

    /// Keeps traffic from coming back to a path that goes down again and again; nil where the file does not want that.
    var damping: FlapDamping?

    init(need: TargetNeed, targets: [Target], _ promise: DetectionPromise, _ limits: QualityLimits, now: Instant) {
        self.need = need
        self.targets = targets
        liveness = targets.map { _ in TargetLiveness(promise, limits, now: now) }
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

    /// Judges anew; true where verdict or reasons changed.
    ///
    /// - Parameter hint: what is known of why targets are silent, if they are.
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
        let threshold = need.threshold(of: targets.count)
        let answering = liveness.count { $0.state == .answering }
        let well = liveness.count { $0.state == .answering && $0.quality.faults.isEmpty }
        if well >= threshold { return (.up, []) }
        if answering >= threshold { return (.degraded, zip(targets, liveness).flatMap(Self.faults)) }
        let open = liveness.count { $0.state == .starting }
        if answering + open >= threshold { return (.starting, [.notYetProbed]) }
        return (.down, (hint.map { [$0] } ?? []) + zip(targets, liveness).compactMap(Self.reason))
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

    private static func reason(_ target: Target, _ liveness: TargetLiveness) -> Reason? {
        guard case .silent(let unanswered, let since, let answers) = liveness.state else { return nil }
        if answers > 0 || unanswered == 0 {
            return .recovering(target, answers: answers, of: LivenessTimers.riseCount)
        }
        // The count and time at which it was given up: a verdict's reason does not change with every further probe.
        return .unanswered(target, probes: unanswered, over: liveness.givenUpAt - since)
    }
}
