// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// Whether one target answers through one path: the probes to send, and what their answers and silence mean.
struct TargetLiveness: Sendable, Hashable, Codable {
    enum State: Hashable, Sendable, Codable {
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
    }

    private struct Burst: Hashable, Sendable, Codable {
        var sent: Int
        var next: Instant
    }

    let timers: LivenessTimers
    private(set) var state: State = .starting
    private(set) var roundTrips = RoundTrips()
    /// Sent and not answered, the oldest first; kept until answered or older than any answer that counts.
    private var outstanding: [Outstanding] = []
    private var burst: Burst?
    private var nextSteady: Instant
    private var sequence: UInt16 = 0
    private var lastAlive: Instant
    /// When it was given up last.
    private(set) var givenUpAt: Instant

    init(timers: LivenessTimers, now: Instant) {
        self.timers = timers
        nextSteady = now
        lastAlive = now
        givenUpAt = now
    }

    /// How long an answer may take before its probe counts as missed: a multiple of the round trip, within limits.
    var timeout: Duration {
        guard let smoothed = roundTrips.smoothed else { return timers.mostTimeout }
        return min(max(smoothed * 2 + roundTrips.variation * 4, timers.leastTimeout), timers.mostTimeout)
    }

    /// When ``advance(to:)`` has something to do next.
    var nextDeadline: Instant {
        guard let burst else {
            guard let oldest = outstanding.first else { return nextSteady }
            return min(nextSteady, oldest.sent + (state.expectsAnswers ? timeout : timers.mostTimeout))
        }
        return burst.sent < timers.burstCount ? burst.next : (outstanding.last?.sent ?? burst.next) + timeout
    }

    /// Does what is due; returns the sequence numbers of the probes to send now.
    mutating func advance(to now: Instant) -> [UInt16] {
        forgetOld(now)
        var probes: [UInt16] = []
        if burst == nil, state.expectsAnswers, let oldest = outstanding.first, oldest.sent + timeout <= now {
            burst = Burst(sent: 0, next: now)
        }
        if var running = burst {
            if running.sent < timers.burstCount, running.next <= now {
                probes.append(question(now))
                running.sent += 1
                running.next = now + timers.burstSpacing
                burst = running
            } else if running.sent == timers.burstCount, let last = outstanding.last, last.sent + timeout <= now {
                giveUp(now)
            }
        } else if nextSteady <= now {
            probes.append(question(now))
            nextSteady = now + timers.interval
        }
        return probes
    }

    /// Takes an answer; false where no such probe is waiting.
    mutating func answered(_ sequence: UInt16, at now: Instant) -> Bool {
        guard let index = outstanding.firstIndex(where: { $0.sequence == sequence }) else { return false }
        roundTrips.answered(after: now - outstanding[index].sent)
        // What was asked before says nothing about the time after: it is lost, not missed. Later questions still wait.
        for _ in 0..<index { roundTrips.lost() }
        outstanding.removeFirst(index + 1)
        switch state {
        case .starting, .answering:
            state = .answering
        case .silent(let unanswered, let since, let answers):
            let inRow = index == 0 ? answers + 1 : 1
            if inRow < timers.riseCount {
                state = .silent(unanswered: unanswered, since: since, answers: inRow)
                return true
            }
            state = .answering
        }
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

    private mutating func question(_ now: Instant) -> UInt16 {
        sequence &+= 1
        outstanding.append(Outstanding(sequence: sequence, sent: now))
        return sequence
    }

    private mutating func giveUp(_ now: Instant) {
        state = .silent(unanswered: outstanding.count, since: lastAlive, answers: 0)
        for _ in outstanding { roundTrips.lost() }
        outstanding = []
        burst = nil
        nextSteady = now
        givenUpAt = now
    }

    /// A probe that no answer can reach any more leaves; among the given up it breaks the row of answers.
    private mutating func forgetOld(_ now: Instant) {
        while let oldest = outstanding.first, !state.expectsAnswers, oldest.sent + timers.mostTimeout <= now {
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
