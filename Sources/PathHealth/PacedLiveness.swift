// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// Whether a target that is dear to ask serves through one path: one that every question costs a TLS handshake.
///
/// It is asked at its own pace, never faster to confirm, and so takes no part in the promise of detection: two failures
/// in a row give it up, one answer brings it back. Each outcome is told, so silence means that nobody could ask, and
/// nothing is concluded from it but that nothing is known.
///
///     path ready    first           second                  third
///         |-----------|-----------------|-----------------------|-----
///         0     up to 2 s     1 to 2 intervals      interval
///
/// Where in these ranges is drawn from the names of network, path and target: no two ask at the same time for long.
struct PacedLiveness: Sendable, Hashable, Codable {
    enum State: Hashable, Sendable, Codable {
        /// Nothing is known yet.
        case starting
        /// It served, the last time at this one.
        case answering(Instant)
        /// Given up, for what the last probe found.
        case failing(TargetFailure)
        /// The path was lost meanwhile, and it did not answer since.
        case recovering
        /// It was not asked for so long that what was known of it does not hold any more.
        case unknown
    }

    /// The failures in a row that give it up.
    static let fallCount = 2
    /// How long it may take to the first question.
    private static let entrance = Duration.seconds(2)
    /// How long an outcome may take, with a little for the host.
    private static let patience = Duration.seconds(5)

    /// Between questions.
    let interval: Duration
    /// This one's share of a range, in thousandths.
    private let phase: Int
    private(set) var state = State.starting
    private var failures = 0
    private var sequence: UInt16 = 0
    /// The question whose outcome is waited for.
    private var open: UInt16?
    private var next: Instant
    private var lastAsked: Instant?
    /// When an outcome was told last.
    private var lastTold: Instant
    /// Whether the first question is still to come.
    private var isEntering = true
    /// Whether it is so new that its first outcome may still be on its way.
    private(set) var isNew = true
    private let newUntil: Instant

    /// - Parameter seed: what tells it from the others.
    init(every interval: Duration, seed: String, now: Instant) {
        self.interval = interval
        // FNV-1a: the same in every run, as a replay needs it.
        phase = Int(seed.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 } % 1_000)
        next = now
        lastTold = now
        newUntil = now + Self.entrance + Self.patience
        enter(at: now)
    }

    /// How long a failure takes to be known, at the most.
    var detection: Duration { interval * Self.fallCount + Self.patience }

    /// How long what was told holds.
    private var validity: Duration { interval * 2 + Self.patience }

    /// When ``advance(to:mayAsk:)`` has something to do next; nil where only something new can change it.
    func nextDeadline(mayAsk: Bool) -> Instant? {
        let end = state == .unknown ? nil : lastTold + validity
        return [mayAsk ? next : nil, isNew ? newUntil : nil, end].compactMap { $0 }.min()
    }

    /// Does what is due; the sequence number of the probe to send now, if any.
    mutating func advance(to now: Instant, mayAsk: Bool) -> UInt16? {
        if newUntil <= now { isNew = false }
        if state != .unknown, lastTold + validity <= now {
            state = .unknown
            failures = 0
        }
        guard mayAsk, next <= now else { return nil }
        sequence &+= 1
        open = sequence
        lastAsked = now
        let step = isEntering ? interval * (1_000 + phase) / 1_000 : interval
        isEntering = false
        // After a standstill of the host the schedule begins anew: nothing is made up for.
        next = next + step > now ? next + step : now + step
        return sequence
    }

    /// Takes an answer; one that nobody waits for is nothing.
    mutating func answered(_ sequence: UInt16, at now: Instant) {
        guard take(sequence, at: now) else { return }
        failures = 0
        state = .answering(now)
    }

    /// Takes a failure; one that nobody waits for is nothing.
    mutating func failed(_ sequence: UInt16, _ failure: TargetFailure, at now: Instant) {
        guard take(sequence, at: now) else { return }
        // Of one that never served nothing better is known.
        failures = state == .starting ? Self.fallCount : min(failures + 1, Self.fallCount)
        if failures == Self.fallCount { state = .failing(failure) }
    }

    /// The path cannot carry anything: what the target said before says nothing of the time after.
    mutating func pathLost(at now: Instant) {
        open = nil
        failures = 0
        state = .recovering
    }

    /// It can be asked from now on, as the path can carry again or as there is somebody to ask.
    mutating func enter(at now: Instant) {
        isEntering = true
        let first = now + Self.entrance * phase / 1_000
        next = max(first, lastAsked.map { $0 + interval } ?? first)
    }

    /// The path can carry again: what is known of it holds from now on.
    mutating func pathReady(at now: Instant) {
        lastTold = now
        enter(at: now)
    }

    private mutating func take(_ sequence: UInt16, at now: Instant) -> Bool {
        guard open == sequence else { return false }
        open = nil
        isNew = false
        lastTold = now
        return true
    }
}

/// A target that is asked at its own pace, as a network sees it through one path.
struct PacedTarget: Sendable, Hashable, Codable {
    let target: Target
    var liveness: PacedLiveness
}
