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

    init(need: TargetNeed, targets: [Target], timers: LivenessTimers, now: Instant) {
        self.need = need
        self.targets = targets
        liveness = targets.map { _ in TargetLiveness(timers: timers, now: now) }
        since = now
    }

    /// Judges anew; true where verdict or reasons changed.
    mutating func judge(_ condition: PathCondition, drained: Reason?, at now: Instant) -> Bool {
        var (verdict, reasons) = judged(condition, now)
        isAnswered = verdict == .up
        if let drained, verdict.isUsable { (verdict, reasons) = (.drained, [drained]) }
        guard verdict != self.verdict || reasons != self.reasons else { return false }
        if verdict != self.verdict { since = now }
        self.verdict = verdict
        self.reasons = reasons
        return true
    }

    private func judged(_ condition: PathCondition, _ now: Instant) -> (Verdict, [Reason]) {
        if case .unusable(let reason) = condition { return (.down, [reason]) }
        let threshold = need.threshold(of: targets.count)
        let answering = liveness.count { $0.state == .answering }
        if answering >= threshold { return (.up, []) }
        let open = liveness.count { $0.state == .starting }
        if answering + open >= threshold { return (.starting, [.notYetProbed]) }
        return (.down, zip(targets, liveness).compactMap(Self.reason))
    }

    private static func reason(_ target: Target, _ liveness: TargetLiveness) -> Reason? {
        guard case .silent(let unanswered, let since, let answers) = liveness.state else { return nil }
        if answers > 0 || unanswered == 0 {
            return .recovering(target, answers: answers, of: liveness.timers.riseCount)
        }
        // The count and time at which it was given up: a verdict's reason does not change with every further probe.
        return .unanswered(target, probes: unanswered, over: liveness.givenUpAt - since)
    }
}
