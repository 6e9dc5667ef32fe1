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
    private(set) var liveness: [TargetLiveness]
    /// The others.
    private(set) var paced: [PacedTarget]
    private(set) var verdict: Verdict = .starting
    private(set) var reasons: [Reason] = [.notYetProbed]
    /// When the verdict last changed.
    private(set) var since: Instant
    /// Whether enough targets answer, also while the path is drained.
    private(set) var isAnswered = false

    /// What this host's own TCP connections show.
    private(set) var flows = FlowStatus.unknown
    /// When they were the reason to ask last, and how long they are none after that.
    private var confirmed: Instant?
    private let rest: Duration

    /// Whether one way of the path loses more than the network bears.
    private var ways: OneWayFault
    /// Keeps traffic from coming back to a path that goes down again and again; nil where the file does not want that.
    private(set) var damping: FlapDamping?

    /// When each of the targets has something to do next, those that are asked closely before the others: looking for
    /// the first of a thousand numbers in a row costs less than to keep them in order.
    private var deadlines: [Instant]
    private(set) var nextDeadline: Instant?
    /// Whether something was told or found since the view was judged last.
    private var isTouched = true
    /// The targets that speak for all while the others rest, and whether they may be others now.
    private var speakers: [Int] = []
    private var areSpeakersOpen = true

    init(_ policy: NetworkPolicy, through path: PathName, now: Instant) {
        let promise = policy.promise(for: path)
        need = policy.need
        rest = max(.seconds(5), promise.longestInterval * 10)
        targets = policy.targets.filter { $0.pace == nil }
        let keepsStep = targets.count <= Self.volley
        liveness = targets.map { _ in TargetLiveness(promise, policy.degraded, keepsStep: keepsStep, now: now) }
        paced = policy.targets.compactMap { target in
            target.pace.map { pace in
                let seed = "\(policy.network) \(path) \(target)"
                let interval = policy.pace(pace, through: path)
                return PacedTarget(target: target, liveness: PacedLiveness(every: interval, seed: seed, now: now))
            }
        }
        since = now
        ways = OneWayFault(limit: policy.degraded.loss)
        damping = FlapDamping(now: now)
        deadlines = policy.targets.map { _ in now }
        nextDeadline = now
    }

    // MARK: - Questions and answers

    /// Goes by another file, as far as that leaves what is known standing.
    mutating func follow(_ policy: NetworkPolicy, at now: Instant) {
        for index in liveness.indices { liveness[index].limit(policy.degraded) }
        ways.limit = policy.degraded.loss
        if !policy.damping { damping = nil } else if damping == nil { damping = FlapDamping(now: now) }
        (isTouched, areSpeakersOpen) = (true, true)
    }

    /// Takes an answer; false where no such target is asked.
    mutating func answered(_ probe: Probe, mayAsk: Bool, at now: Instant) -> Bool {
        if let index = targets.firstIndex(of: probe.subject.target) {
            change(index) { _ = $0.answered(probe.sequence, at: now) }
            _ = chooseSpeakers(at: now)
            nextDeadline = deadlines.min()
            return true
        }
        return changePaced(probe, mayAsk) { $0.answered(probe.sequence, at: now) }
    }

    /// Takes a failure; false where no such target is asked.
    mutating func failed(_ probe: Probe, _ failure: TargetFailure, mayAsk: Bool, at now: Instant) -> Bool {
        changePaced(probe, mayAsk) { $0.failed(probe.sequence, failure, at: now) }
    }

    /// Whether there is somebody who can ask those that are asked at their own pace.
    mutating func handshakes(_ areThere: Bool, at now: Instant) {
        if areThere { for index in paced.indices { paced[index].liveness.enter(at: now) } }
        schedule(mayAsk: areThere)
    }

    /// The path can carry again.
    mutating func pathReady(mayAsk: Bool, at now: Instant) {
        for index in liveness.indices { liveness[index].pathReady(at: now) }
        areSpeakersOpen = true
        for index in paced.indices { paced[index].liveness.pathReady(at: now) }
        schedule(mayAsk: mayAsk)
    }

    /// The path cannot carry anything any more.
    mutating func pathLost(mayAsk: Bool, at now: Instant) {
        for index in liveness.indices { liveness[index].pathLost(at: now) }
        areSpeakersOpen = true
        for index in paced.indices { paced[index].liveness.pathLost(at: now) }
        schedule(mayAsk: mayAsk)
    }

    /// What the path's STAMP session shows.
    mutating func take(_ status: ReflectorStatus) {
        ways.take(status)
        isTouched = true
    }

    /// What this host's own TCP connections show. Where more wait in vain than before, the targets are asked at once.
    mutating func take(_ status: FlowStatus, at now: Instant) {
        let isWorse = status.stalledConnections > flows.stalledConnections
        flows = status
        isTouched = true
        if isWorse { confirm(at: now) }
    }

    /// Asks whether the targets still answer, without waiting for the next question's time. That is done so seldom that
    /// the questions which can begin a false alarm are no more than a tenth more, and not where there are many targets,
    /// of which one is about to be asked anyway.
    private mutating func confirm(at now: Instant) {
        guard targets.count <= Self.volley, confirmed.map({ now - $0 >= rest }) ?? true else { return }
        confirmed = now
        for index in liveness.indices { change(index) { $0.confirm(at: now) } }
        nextDeadline = deadlines.min()
    }

    /// Something that the verdict rests on changed outside of the view.
    mutating func touch() { isTouched = true }

    /// So few targets are asked together. Of more, there is hardly a moment when none is due, and all of them at once would
    /// find no room in an interface's queue.
    private static let volley = 16

    /// Does what is due; asks each target that is to be asked now. Where one of a few is asked, those that would be soon
    /// are asked with it, and from then on together: the host wakes once for all of them.
    mutating func advance(to now: Instant, mayAsk: Bool, ask: (Target, UInt16) -> Void) {
        askWhoIsDue(now, mayAsk, ask)
        if chooseSpeakers(at: now) { askWhoIsDue(now, mayAsk, ask) }
        nextDeadline = deadlines.min()
    }

    private mutating func askWhoIsDue(_ now: Instant, _ mayAsk: Bool, _ ask: (Target, UInt16) -> Void) {
        var isAsked = false
        for index in deadlines.indices where deadlines[index] <= now {
            if index < targets.count {
                let target = targets[index]
                change(index) {
                    guard let sequence = $0.advance(to: now) else { return }
                    ask(target, sequence)
                    isAsked = true
                }
            } else {
                let place = index - targets.count
                let sequence = paced[place].liveness.advance(to: now, mayAsk: mayAsk)
                if let sequence { ask(paced[place].target, sequence) }
                setPacedDeadline(place, mayAsk)
                isTouched = true
            }
        }
        if isAsked, targets.count <= Self.volley {
            for index in liveness.indices where liveness[index].isSoonAsked(at: now) {
                let target = targets[index]
                change(index) { ask(target, $0.askEarly(at: now)) }
            }
        }
    }

    /// Where one answer is enough, the first two that answer speak for all: while they are well, the others rest, and are
    /// asked only so often that it is known whether they are there. A dead path takes the answers of all, and as soon as one
    /// of the two misses a question, all are in doubt.
    ///
    /// - Returns: whether somebody is to be asked who was not.
    private mutating func chooseSpeakers(at now: Instant) -> Bool {
        guard areSpeakersOpen else { return false }
        areSpeakersOpen = false
        guard targets.count > Self.speakerCount, need.threshold(of: targets.count + paced.count) == 1 else {
            return false
        }
        let answering = liveness.indices.filter { liveness[$0].state == .answering }
        speakers = Array(answering.prefix(Self.speakerCount))
        let isWell = speakers.count == Self.speakerCount && speakers.allSatisfy { liveness[$0].isCalm }
        let doubt = speakers.compactMap { liveness[$0].doubt }.first
        let alive = speakers.map { liveness[$0].lastAlive }.max() ?? now
        var isWoken = false
        for (place, index) in answering.enumerated() {
            // Many at once would find no room in an interface's queue.
            let share = Double(place / Self.volley * Self.volley) / Double(answering.count)
            switch liveness[index].isResting {
            case false where isWell && !speakers.contains(index) && liveness[index].mayRest:
                liveness[index].rest(at: now, after: share)
            case true where speakers.contains(index): liveness[index].wake(at: now)
            case true where !isWell:
                guard let doubt else {
                    liveness[index].wake(at: now + Self.awakening * share)
                    break
                }
                liveness[index].doubt(
                    as: doubt,
                    at: now,
                    after: answering.count > Self.volley ? share : 0,
                    aliveAt: alive
                )
            default: continue
            }
            deadlines[index] = liveness[index].nextDeadline
            isWoken = isWoken || deadlines[index] <= now
        }
        return isWoken
    }

    private static let speakerCount = 2
    /// In so long a time those that rested are asked, all of them.
    private static let awakening = Duration.milliseconds(300)

    /// Whether the verdict may be another one now.
    func isToBeJudged(at now: Instant) -> Bool {
        isTouched || damping?.until.map { $0 <= now } ?? false
    }

    private mutating func change(_ index: Int, _ change: (inout TargetLiveness) -> Void) {
        let (state, faults) = (liveness[index].state, liveness[index].quality.faults)
        let (isCalm, mayRest) = (liveness[index].isCalm, liveness[index].mayRest)
        change(&liveness[index])
        if liveness[index].state != state || liveness[index].quality.faults != faults {
            (isTouched, areSpeakersOpen) = (true, true)
        } else if liveness[index].mayRest != mayRest || (liveness[index].isCalm != isCalm && speakers.contains(index)) {
            areSpeakersOpen = true
        }
        deadlines[index] = liveness[index].nextDeadline
    }

    private mutating func changePaced(_ probe: Probe, _ mayAsk: Bool, _ change: (inout PacedLiveness) -> Void) -> Bool {
        guard let place = paced.firstIndex(where: { $0.target == probe.subject.target }) else { return false }
        change(&paced[place].liveness)
        setPacedDeadline(place, mayAsk)
        nextDeadline = deadlines.min()
        isTouched = true
        return true
    }

    private mutating func setPacedDeadline(_ place: Int, _ mayAsk: Bool) {
        deadlines[targets.count + place] = paced[place].liveness.nextDeadline(mayAsk: mayAsk) ?? Self.never
    }

    /// Works out anew when each target has something to do.
    mutating func schedule(mayAsk: Bool) {
        for index in liveness.indices { deadlines[index] = liveness[index].nextDeadline }
        for place in paced.indices { setPacedDeadline(place, mayAsk) }
        nextDeadline = deadlines.min()
        isTouched = true
    }

    private static let never = Instant(nanoseconds: .max)

    // MARK: - The verdict

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

    /// Whether one answers that is asked by small packets.
    var carriesSmallPackets: Bool { liveness.contains { $0.state == .answering } }

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
    /// - Parameters:
    ///   - condition: what the path itself shows; nil where that is not known yet.
    ///   - hints: what is known of why targets are silent, if all of them are.
    ///   - circumstances: what may be behind it where the path does not carry, or not well; where it does, nothing.
    mutating func judge(
        _ condition: PathCondition?,
        drained: Reason?,
        silentFor hints: [Reason],
        beside circumstances: [Reason],
        at now: Instant
    ) -> Bool {
        isTouched = false
        guard let condition else { return false }
        var (verdict, reasons) = judged(condition, hints, circumstances)
        damping?.advance(to: now)
        isAnswered = verdict.isUsable
        if verdict == .down, self.verdict.isUsable { damping?.flapped(at: now) }
        if let drained, verdict.isUsable { (verdict, reasons) = (drained.drains ? .drained : .degraded, [drained]) }
        if let damping, damping.until != nil { reasons.append(.flapping(times: damping.count)) }
        guard verdict != self.verdict || reasons != self.reasons else { return false }
        if verdict != self.verdict { since = now }
        self.verdict = verdict
        self.reasons = reasons
        return true
    }

    private func judged(
        _ condition: PathCondition,
        _ hints: [Reason],
        _ circumstances: [Reason]
    ) -> (Verdict, [Reason]) {
        if case .unusable(let reason) = condition { return (.down, [reason]) }
        let known = paced.filter(counts)
        if targets.isEmpty, known.isEmpty, !paced.isEmpty { return (.starting, [.notYetProbed]) }
        let threshold = need.threshold(of: targets.count + known.count)
        let served = known.count(where: serves)
        let answering = served + liveness.count { $0.state == .answering }
        let well = served + liveness.count { $0.state == .answering && $0.quality.faults.isEmpty }
        if answering >= threshold {
            let faults = well >= threshold ? [] : zip(targets, liveness).flatMap(Self.faults)
            let reasons = faults + [ways.reason].compactMap { $0 }
            return reasons.isEmpty ? (.up, []) : (.degraded, reasons + circumstances)
        }
        let open = liveness.count { $0.state == .starting } + known.count(where: mayServe)
        if answering + open >= threshold { return (.starting, [.notYetProbed]) }
        let faults = zip(targets, liveness).compactMap(Self.reason) + paced.compactMap(reason)
        // Where one of them answers, the path carries.
        return (.down, (answering == 0 ? hints : []) + circumstances + faults)
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
        case .failing(.silent) where carriesSmallPackets: .silentToLarge(paced.target)
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
