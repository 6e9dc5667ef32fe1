// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes
public import PathHealth

/// What the same core would have decided by another file, had it seen what the journal holds.
///
/// It asks at other times than the core that ran. A probe that was never sent is taken to have fared as the nearest
/// one that was, by the same path to the same target within five seconds (within a target's own pace, where it has
/// one); where there is none, to have been answered, and counted.
public struct Counterfactual: Sendable {
    /// Something that was decided, in one of the two.
    public struct Event: Hashable, Sendable {
        /// When, in nanoseconds since 1970.
        public let wallNanoseconds: Int64
        /// Whether it was in the run that was, not in the one that might have been.
        public let isLive: Bool
        /// What.
        public let decision: Decision
        /// What was before.
        public let before: Decision
    }

    /// What became of a network.
    public struct Account: Hashable, Sendable {
        /// How often its active path changed.
        public var switches = 0
        /// How long its prefixes were led nowhere.
        public var blocked = Duration.zero

        /// A decision of an earlier run may have been taken in what this clock calls the future.
        fileprivate mutating func led(nowhere time: Duration) { blocked += max(time, .zero) }
    }

    /// The decisions of both, in the order of their time.
    public private(set) var events: [Event] = []
    /// What came of it for each network: as it was, and as it might have been.
    public private(set) var accounts: [NetworkName: (live: Account, other: Account)] = [:]
    /// Probes of which nothing is known, by whom they would have asked.
    public private(set) var unknown: [ProbeWay: Int] = [:]
    /// How long all of it took.
    public private(set) var span = Duration.zero

    /// Whom a probe would have asked, and through which path.
    public struct ProbeWay: Hashable, Sendable {
        /// The path.
        public let path: PathName
        /// The target.
        public let target: Target
    }

    /// What is answered where nothing is known.
    private static let guess = Duration.milliseconds(20)

    /// Replays a journal under other policies.
    public init(of steps: some Sequence<JournalWalk.Step>, under policies: [NetworkPolicy]) {
        for piece in PastPiece.all(of: steps) {
            let before = events.count
            run(piece, policies)
            // Not by the wall clock, which may have been set meanwhile.
            events[before...].sort { ($0.decision.since, $0.isLive ? 0 : 1) < ($1.decision.since, $1.isLive ? 0 : 1) }
        }
    }

    private mutating func run(_ piece: PastPiece, _ policies: [NetworkPolicy]) {
        span += piece.end - piece.start
        for (at, decision, before) in piece.decisions { note(decision, before, at: at, isLive: true, piece) }
        for network in policies.map(\.network) { close(piece, isLive: true, piece.final[network], network) }

        var core = HealthCore()
        var inFlight: [(at: Instant, evidence: Evidence)] = []
        take(core.apply(policies, adopting: piece.adopted, at: piece.start), at: piece.start, piece, &inFlight)
        var evidence = piece.evidence[...]
        while true {
            let times = [evidence.first?.at, core.nextDeadline, inFlight.lazy.map(\.at).min()].compactMap { $0 }
            guard let now = times.min(), now <= piece.end else { break }
            if let next = evidence.first, next.at <= now {
                evidence.removeFirst()
                take(core.handle(next.evidence, at: now), at: now, piece, &inFlight)
            } else if let place = inFlight.firstIndex(where: { $0.at <= now }) {
                take(core.handle(inFlight.remove(at: place).evidence, at: now), at: now, piece, &inFlight)
            } else {
                take(core.advance(to: now), at: now, piece, &inFlight)
            }
        }
        for network in policies.map(\.network) { close(piece, isLive: false, core.decision(of: network), network) }
    }

    private mutating func take(
        _ actions: [Action],
        at now: Instant,
        _ piece: PastPiece,
        _ inFlight: inout [(at: Instant, evidence: Evidence)]
    ) {
        for action in actions {
            switch action {
            case .send(let probe):
                switch piece.probes.fate(of: probe.subject, at: now) {
                case .told(let telling, let time): inFlight.append((now + time, telling.evidence(of: probe)))
                case .lost: break
                case .unknown:
                    unknown[ProbeWay(path: probe.subject.path, target: probe.subject.target), default: 0] += 1
                    inFlight.append((now + Self.guess, .answer(probe)))
                }
            case .judged: break
            case .decided(let decision, let before): note(decision, before, at: now, isLive: false, piece)
            }
        }
    }

    private mutating func note(
        _ decision: Decision,
        _ before: Decision,
        at now: Instant,
        isLive: Bool,
        _ piece: PastPiece
    ) {
        let (old, new) = (before.outcome, decision.outcome)
        guard old.carriers != new.carriers || old.changesRealm(from: new) else { return }
        events.append(Event(wallNanoseconds: piece.wall(at: now), isLive: isLive, decision: decision, before: before))
        change(decision.network, isLive) { account in
            if old.path != nil, new.path != nil, old.path != new.path { account.switches += 1 }
            if old.path == nil { account.led(nowhere: now - max(before.since, piece.start)) }
        }
    }

    /// Counts what lasts to the end.
    private mutating func close(_ piece: PastPiece, isLive: Bool, _ decision: Decision?, _ network: NetworkName) {
        change(network, isLive) { account in
            guard let decision, decision.outcome.path == nil else { return }
            account.led(nowhere: piece.end - max(decision.since, piece.start))
        }
    }

    private mutating func change(_ network: NetworkName, _ isLive: Bool, _ work: (inout Account) -> Void) {
        var accounts = accounts[network] ?? (Account(), Account())
        if isLive { work(&accounts.live) } else { work(&accounts.other) }
        self.accounts[network] = accounts
    }
}
