// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes
public import PathHealth

/// A Session-Sender (RFC 8762 section 4.2): instants and answers in, questions and measures out. No clock and no socket.
public struct STAMPSender: ~Copyable, Sendable {
    /// One way of the path, as the timestamps show it.
    public struct Way: Hashable, Sendable {
        /// How much one packet's time on the way differs from the next one's (RFC 3550 section 6.4.1); it needs no clocks
        /// that agree. Nil before two answers.
        public fileprivate(set) var variation: Duration?
        /// The time on the way, smoothed; nil where one of the clocks is not synchronised, or they do not agree.
        public fileprivate(set) var delay: Duration?
        private var last: Int64?

        fileprivate mutating func take(_ nanoseconds: Int64, isComparable: Bool) {
            if let last {
                let difference = abs(nanoseconds.subtractingReportingOverflow(last).partialValue)
                let sample = Duration.nanoseconds(min(difference, 10_000_000_000))
                variation = variation.map { ($0 * 15 + sample) / 16 } ?? sample
            }
            last = nanoseconds
            guard isComparable, (0...10_000_000_000).contains(nanoseconds) else { return delay = nil }
            let sample = Duration.nanoseconds(nanoseconds)
            delay = delay.map { ($0 * 7 + sample) / 8 } ?? sample
        }
    }

    /// A question that was sent.
    private struct Asked {
        var sequence: UInt32
        var at: Instant
        var wallNanoseconds: Int64
        var timestamp: STAMPTimestamp
        var isSynchronised: Bool
        var isAnswered = false
    }

    /// The time between two questions.
    public private(set) var interval: Duration
    /// SSID; not 0.
    public let sessionID: UInt16
    /// Round trips without the time that the far end took.
    public private(set) var roundTrips = RoundTrips()
    /// The way to the far end.
    public private(set) var there = Way()
    /// The way back.
    public private(set) var back = Way()
    /// Questions that were answered.
    public private(set) var answered: UInt64 = 0
    /// What the session shows of its far end; renewed once a second or less.
    public private(set) var status = ReflectorStatus.unknown
    private var meter = OneWayLossMeter()
    private var asked: [Asked?]
    private var next: UInt32 = 0
    /// When the next question is due.
    public private(set) var nextDeadline: Instant
    private var periodEnd: Instant
    private var answeredBefore: UInt64 = 0

    /// How many questions are remembered.
    private static let memory = 1_024

    /// Begins; the first question is due at once.
    public init(every interval: Duration, sessionID: UInt16, at now: Instant) {
        self.interval = interval
        self.sessionID = sessionID
        asked = Array(repeating: nil, count: Self.memory)
        nextDeadline = now
        periodEnd = now + Self.period(interval)
    }

    /// At least ten questions, and a second.
    private static func period(_ interval: Duration) -> Duration { max(.seconds(1), interval * 10) }

    /// Takes a new pace.
    public mutating func change(to interval: Duration) {
        self.interval = interval
    }

    /// How the far end numbers its answers, and with it whether losses can be placed.
    public var numbering: OneWayLossMeter.Numbering { meter.numbering }
    /// What was lost on each way since the beginning.
    public var lost: OneWayLoss { meter.total }
    /// What was lost on each way of late; nil where it cannot be told.
    public var recentLoss: OneWayLoss? { meter.loss }

    /// Does what is due: a question that is to leave now, or nothing.
    ///
    /// - Parameters:
    ///   - wallNanoseconds: by the clock that timestamps go by.
    ///   - isSynchronised: whether that clock is, with UTC.
    public mutating func advance(to now: Instant, wallNanoseconds: Int64, isSynchronised: Bool) -> STAMPQuestion? {
        guard nextDeadline <= now else { return nil }
        if periodEnd <= now { endPeriod(now) }
        // What was missed is not made up for: questions in a row would say nothing of the path.
        nextDeadline = max(nextDeadline + interval, now + interval / 2)
        let timestamp = STAMPTimestamp(wallNanoseconds: wallNanoseconds)
        let question = STAMPQuestion(
            sequence: next,
            timestamp: timestamp,
            errorEstimate: STAMPErrorEstimate(isSynchronised: isSynchronised),
            sessionID: sessionID
        )
        asked[Int(next) % Self.memory] = Asked(
            sequence: next,
            at: now,
            wallNanoseconds: wallNanoseconds,
            timestamp: timestamp,
            isSynchronised: isSynchronised
        )
        next = OneWayLossMeter.question(after: next)
        return question
    }

    private mutating func endPeriod(_ now: Instant) {
        meter.endPeriod()
        periodEnd = now + Self.period(interval)
        if answered > answeredBefore {
            // While nothing is lost it says the same again and again.
            let loss = meter.loss.flatMap { $0.there.lost + $0.back.lost > 0 ? $0 : nil }
            status = .answering(loss ?? OneWayLoss())
        } else if status != .unknown {
            status = .silent
        }
        answeredBefore = answered
    }

    /// Takes what the far end sent, after its origin was checked.
    ///
    /// - Parameters:
    ///   - now: when it came in.
    ///   - wallNanoseconds: the same, by the clock that timestamps go by.
    public mutating func receive(
        _ answer: STAMPAnswer,
        at now: Instant,
        wallNanoseconds: Int64
    ) throws(STAMPRefusal) {
        let place = Int(answer.senderSequence) % Self.memory
        // A reflector that knows no SSID leaves it at 0 (RFC 8972 section 3).
        guard let question = asked[place], question.sequence == answer.senderSequence,
            question.timestamp == answer.senderTimestamp, answer.sessionID == sessionID || answer.sessionID == 0
        else { throw .unasked }
        // Of two copies of a question the far end numbers both.
        let isNew = meter.answered(question: question.sequence, number: answer.sequence)
        guard isNew, !question.isAnswered else { throw .duplicate }
        asked[place]?.isAnswered = true
        answered += 1
        let format = answer.errorEstimate.format
        let residence = answer.timestamp.nanoseconds(since: answer.receiveTimestamp, as: format)
        // A wall clock that was set may have put the arrival before the departure.
        let whole = max((now - question.at).nanoseconds, 0)
        // A far end that took longer than the answer did has no clock to go by.
        roundTrips.answered(after: .nanoseconds((0...whole).contains(residence) ? whole - residence : whole))
        let isComparable = question.isSynchronised && answer.errorEstimate.isSynchronised
        let arrival = answer.receiveTimestamp.wallNanoseconds(as: format, near: question.wallNanoseconds)
        let departure = answer.timestamp.wallNanoseconds(as: format, near: question.wallNanoseconds)
        there.take(arrival &- question.wallNanoseconds, isComparable: isComparable)
        back.take(wallNanoseconds &- departure, isComparable: isComparable)
    }
}
