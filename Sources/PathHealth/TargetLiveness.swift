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

    private struct Outstanding: Hashable, Sendable, Codable {
        let sequence: UInt16
        let sent: Instant
        /// Asked because of a miss, not because it was time.
        let isFollowUp: Bool
    }

    private struct Burst: Hashable, Sendable, Codable {
        var sent: Int
        var next: Instant
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
    private var sequence: UInt16 = 0
    private var lastAlive: Instant
    /// When it was given up last.
    private(set) var givenUpAt: Instant
    /// When the first of the answers in a row was asked for that end a silence.
    private var revivedAt: Instant

    package init(_ promise: DetectionPromise, _ limits: QualityLimits, now: Instant) {
        self.promise = promise
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
        nextSteady = now + timers.interval
        return question(now, isFollowUp: false)
    }

    /// Does what is due; the sequence number of the probe to send now, if any.
    package mutating func advance(to now: Instant) -> UInt16? {
        forgetOld(now)
        if burst == nil, state.expectsAnswers, let oldest = outstanding.first, oldest.sent + timers.timeout <= now {
            burst = Burst(sent: 0, next: now)
        }
        guard let running = burst else {
            guard nextSteady <= now else { return nil }
            nextSteady = now + (state.expectsAnswers ? timers.interval : promise.longestInterval)
            return question(now, isFollowUp: false)
        }
        if running.sent < timers.burstCount {
            guard running.next <= now else { return nil }
            burst = Burst(sent: running.sent + 1, next: now + timers.burstSpacing)
            return question(now, isFollowUp: true)
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
            nextSteady = now + timers.interval
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

    private mutating func question(_ now: Instant, isFollowUp: Bool) -> UInt16 {
        sequence &+= 1
        outstanding.append(Outstanding(sequence: sequence, sent: now, isFollowUp: isFollowUp))
        return sequence
    }

    private mutating func learn(_ question: Outstanding, roundTrip: Duration?) {
        if let roundTrip { roundTrips.answered(after: roundTrip) } else { roundTrips.lost() }
        if question.isFollowUp {
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
