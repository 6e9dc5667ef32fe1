// SPDX-License-Identifier: Apache-2.0

package import NetworkTypes

/// Whether one target answers through one path: the probes to send, and what their answers and silence mean.
package struct TargetLiveness: Sendable, Hashable, Codable {
    package enum State: Hashable, Sendable, Codable {
        /// Nothing is known yet.
        case starting
        /// The last question was answered, or may still be.
        case answering
        /// Given up; `answers` of late came in a row.
        case silent(unanswered: Int, since: Instant, answers: Int)
    }

    /// Why a question is asked.
    enum Cause: Hashable, Sendable, Codable {
        /// It was time.
        case time
        /// An answer was missing.
        case miss
        /// Something else said that the path may be dead.
        case hint
    }

    private struct Outstanding: Hashable, Sendable, Codable {
        let sequence: UInt16
        let sent: Instant
        let cause: Cause
    }

    private struct Burst: Hashable, Sendable, Codable {
        var sent: Int
        var next: Instant
        var cause = Cause.miss
    }

    private let promise: DetectionPromise
    package private(set) var timers: LivenessTimers
    private var loss = LossModel()
    package private(set) var quality: Quality
    package private(set) var state: State = .starting
    private(set) var roundTrips = RoundTrips()
    /// Sent and not answered, the oldest first; kept until answered or older than any answer that counts.
    private var outstanding: [Outstanding] = []
    private var burst: Burst?
    private var nextSteady: Instant
    /// Whether others are asked as often as the promise wants, and it is not.
    private(set) var isResting = false
    /// Whether it is asked when the clock shows whole intervals, as all others that keep step: the host wakes once for them.
    private let keepsStep: Bool
    private var sequence: UInt16 = 0
    private(set) var lastAlive: Instant
    /// When it was given up last.
    private(set) var givenUpAt: Instant
    /// When the first of the answers in a row was asked for that end a silence.
    private var revivedAt: Instant

    package init(_ promise: DetectionPromise, _ limits: QualityLimits, keepsStep: Bool, now: Instant) {
        self.promise = promise
        self.keepsStep = keepsStep
        timers = LivenessTimers(keeping: promise)
        quality = Quality(limits, promise)
        nextSteady = now
        lastAlive = now
        givenUpAt = now
        revivedAt = now
    }

    /// Measures the quality by other limits from now on.
    mutating func limit(_ limits: QualityLimits) {
        if quality.limits != limits { quality = Quality(limits, promise) }
    }

    /// Whether it answers, and nothing is open.
    package var isQuiet: Bool { state == .answering && burst == nil && outstanding.isEmpty }

    /// Why questions go out closely; nil where they do not.
    var doubt: Cause? { burst?.cause }

    /// Whether all is well with it.
    var isCalm: Bool { state == .answering && burst == nil && quality.faults.isEmpty }

    /// Since when it is silent; nil where it is not.
    var silentSince: Instant? {
        if case .silent(_, let since, _) = state { max(since, givenUpAt) } else { nil }
    }

    /// When ``advance(to:)`` has something to do next.
    package var nextDeadline: Instant {
        guard let burst else {
            guard let oldest = outstanding.first else { return nextSteady }
            return min(nextSteady, oldest.sent + (state.expectsAnswers ? timers.timeout : timers.patience))
        }
        return burst.sent < timers.burstCount ? burst.next : (outstanding.last?.sent ?? burst.next) + timers.timeout
    }

    /// Whether its next steady question may be asked now: it is due within a sixteenth of its interval.
    func isSoonAsked(at now: Instant) -> Bool {
        let rest = nextSteady.nanoseconds - now.nanoseconds
        return burst == nil && state.expectsAnswers && (1...timers.leadNanoseconds).contains(rest)
    }

    /// Asks the next steady question before its time.
    mutating func askEarly(at now: Instant) -> UInt16 {
        nextSteady = nextStep(after: now)
        return question(now, .time)
    }

    /// Asks at once and closely, as after a miss, since something else says that the path may be dead.
    mutating func confirm(at now: Instant) {
        // What is asked in a moment anyway is known no sooner by this.
        guard state == .answering, burst == nil, nextSteady > now + timers.burstSpacing else { return }
        // In the place of the question that was missed stands one that still waits, or one more is asked: a false alarm takes
        // as many losses.
        burst = Burst(sent: outstanding.isEmpty ? -1 : 0, next: now, cause: .hint)
    }

    private var steadyInterval: Duration {
        guard state.expectsAnswers else { return promise.longestInterval }
        return isResting ? restingInterval : timers.interval
    }

    /// When it is asked again: after its interval, or half of it and more where that leads into step.
    private func nextStep(after now: Instant) -> Instant {
        let interval = steadyInterval
        // Of an interval that follows the round trips no two are the same: there is no step to keep.
        guard keepsStep, interval.nanoseconds % promise.longestInterval.nanoseconds == 0 else { return now + interval }
        let left = interval.nanoseconds - now.nanoseconds % interval.nanoseconds
        // Who was asked early, with others that have another interval, is in step.
        guard left > timers.leadNanoseconds else { return now + interval }
        return now + .nanoseconds(left >= interval.nanoseconds / 2 ? left : left + interval.nanoseconds / 2)
    }

    /// So often one is asked that rests.
    var restingInterval: Duration { promise.longestInterval * 8 }

    /// Whether it may rest: its timers are those of the path, and it is known well enough.
    var mayRest: Bool { state == .answering && roundTrips.isSettled }

    /// Others are asked in its place from now on.
    mutating func rest(at now: Instant, after share: Double) {
        isResting = true
        if burst == nil { nextSteady = now + restingInterval * share }
    }

    /// It is asked as often as the promise wants from now on.
    mutating func wake(at time: Instant) {
        isResting = false
        nextSteady = min(nextSteady, time)
    }

    /// One that is asked in its place missed a question: the burst that follows that begins here as well, as if this one had
    /// missed one too.
    ///
    /// - Parameters:
    ///   - share: of the time between two questions, how much passes until the first one.
    ///   - alive: when the path showed last that it carries.
    mutating func doubt(as cause: Cause, at now: Instant, after share: Double, aliveAt alive: Instant) {
        isResting = false
        guard burst == nil else { return }
        lastAlive = max(lastAlive, alive)
        burst = Burst(sent: 0, next: now + timers.burstSpacing * share, cause: cause)
    }

    /// Does what is due; the sequence number of the probe to send now, if any.
    package mutating func advance(to now: Instant) -> UInt16? {
        forgetOld(now)
        if burst == nil, state.expectsAnswers, let oldest = outstanding.first, oldest.sent + timers.timeout <= now {
            burst = Burst(sent: 0, next: now)
        }
        guard let running = burst else {
            guard nextSteady <= now else { return nil }
            nextSteady = nextStep(after: now)
            return question(now, .time)
        }
        if running.sent < timers.burstCount {
            guard running.next <= now else { return nil }
            burst = Burst(sent: running.sent + 1, next: now + timers.burstSpacing, cause: running.cause)
            return question(now, running.cause)
        }
        if running.sent == timers.burstCount, let last = outstanding.last, last.sent + timers.timeout <= now {
            giveUp(now)
        }
        return nil
    }

    /// Takes an answer; false where no such probe is waiting.
    package mutating func answered(_ sequence: UInt16, at now: Instant) -> Bool {
        guard let index = outstanding.firstIndex(where: { $0.sequence == sequence }) else { return false }
        // What was asked before says nothing about the time after: it is lost, not missed. Later questions still wait.
        // What an outage took says nothing of how the path loses while it lives.
        if state.expectsAnswers { for question in outstanding[..<index] { learn(question, roundTrip: nil) } }
        let asked = outstanding[index].sent
        learn(outstanding[index], roundTrip: now - asked)
        outstanding.removeFirst(index + 1)
        switch state {
        case .starting, .answering:
            state = .answering
        case .silent(let unanswered, let since, let answers):
            let inRow = index == 0 ? answers + 1 : 1
            if inRow == 1 { revivedAt = asked }
            if inRow < LivenessTimers.riseCount {
                state = .silent(unanswered: unanswered, since: since, answers: inRow)
                return true
            }
            // An outage within the promised time is one of the path's losses: the next one like it is ridden through. To
            // learn from longer ones would be to break the promise at the next.
            if revivedAt - since <= promise.within { for _ in 0..<unanswered { loss.followedUp(isLost: true) } }
            state = .answering
        }
        timers = LivenessTimers(keeping: promise, loss, roundTrips)
        if burst != nil {
            burst = nil
            nextSteady = nextStep(after: now)
        }
        lastAlive = now
        return true
    }

    /// The path cannot carry anything: silence is certain at once, and probing rests until the path is ready.
    mutating func pathLost(at now: Instant) {
        outstanding = []
        burst = nil
        state = .silent(unanswered: 0, since: now, answers: 0)
    }

    /// The path can carry again: ask at once.
    mutating func pathReady(at now: Instant) {
        nextSteady = now
    }

    private mutating func question(_ now: Instant, _ cause: Cause) -> UInt16 {
        sequence &+= 1
        outstanding.append(Outstanding(sequence: sequence, sent: now, cause: cause))
        return sequence
    }

    private mutating func learn(_ question: Outstanding, roundTrip: Duration?) {
        // Whoever can give hints chose the moment: as a sample of how the path is, it is worth nothing.
        guard question.cause != .hint else { return }
        if let roundTrip { roundTrips.answered(after: roundTrip) } else { roundTrips.lost() }
        if question.cause == .miss {
            loss.followedUp(isLost: roundTrip == nil)
        } else {
            loss.asked(isLost: roundTrip == nil)
            if let roundTrip { quality.answered(after: roundTrip) } else { quality.lost() }
        }
    }

    private mutating func giveUp(_ now: Instant) {
        state = .silent(unanswered: outstanding.count, since: lastAlive, answers: 0)
        for _ in outstanding { roundTrips.lost() }
        outstanding = []
        burst = nil
        nextSteady = now
        givenUpAt = now
        // Whatever it was like before: when it is back, it is measured anew.
        quality = Quality(quality.limits, promise)
    }

    /// A probe that no answer can reach any more leaves; among the given up it breaks the row of answers.
    private mutating func forgetOld(_ now: Instant) {
        while let oldest = outstanding.first, !state.expectsAnswers, oldest.sent + timers.patience <= now {
            outstanding.removeFirst()
            roundTrips.lost()
            if case .silent(let unanswered, let since, _) = state {
                state = .silent(unanswered: unanswered, since: since, answers: 0)
            }
        }
    }
}

extension TargetLiveness.State {
    /// Whether a missing answer still means something new.
    fileprivate var expectsAnswers: Bool {
        switch self {
        case .starting, .answering: true
        case .silent: false
        }
    }
}
