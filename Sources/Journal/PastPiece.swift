// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth

/// A part of the past without a gap: what was observed in it, how its probes fared, and what was decided.
struct PastPiece: Sendable {
    private(set) var start: Instant
    private(set) var end: Instant
    /// What had been decided when it began.
    private(set) var adopted: [NetworkName: Decision] = [:]
    /// All that was observed but answers; what held at the beginning comes first.
    private(set) var evidence: [(at: Instant, evidence: Evidence)] = []
    private(set) var probes = PastProbes()
    private(set) var decisions: [(at: Instant, decision: Decision, before: Decision)] = []
    /// What was decided when it ended.
    private(set) var final: [NetworkName: Decision] = [:]

    private var core: HealthCore
    /// How far the wall clock was ahead, from when on.
    private var clock: [(at: Instant, ahead: Int64)] = []

    private init(from core: HealthCore, at now: Instant) {
        (self.core, start, end) = (core, now, now)
    }

    /// The parts that a walk through the journal finds.
    static func all(of steps: some Sequence<JournalWalk.Step>) -> [PastPiece] {
        var pieces: [PastPiece] = []
        var piece: PastPiece?
        for step in steps {
            switch step {
            case .segment(let header, let follows):
                if follows { continue }
                if let piece { pieces.append(piece) }
                piece = header.beginning == .run ? PastPiece(from: HealthCore(), at: header.at) : nil
            case .unreadable:
                if let piece { pieces.append(piece) }
                piece = nil
            case .entry(let entry, let wall):
                switch entry.record {
                case .told(let input): piece?.take(input, entry.at, wall)
                case .state(let core) where piece == nil: piece = PastPiece(resuming: core, at: entry.at)
                case .unknown:
                    if let piece { pieces.append(piece) }
                    piece = nil
                case .said, .state, .wall: break
                }
            }
        }
        if let piece { pieces.append(piece) }
        return pieces
    }

    private init(resuming core: HealthCore, at now: Instant) {
        self.init(from: core, at: now)
        adopted = core.decisions
        evidence = core.standing.map { (now, $0) }
        final = adopted
    }

    private mutating func take(_ input: CoreInput, _ now: Instant, _ wall: Int64) {
        end = now
        let ahead = wall - now.nanoseconds
        if clock.last?.ahead != ahead { clock.append((now, ahead)) }
        switch input {
        case .evidence(.answer(let probe)): probes.ended(probe, .answer, at: now)
        case .evidence(.failure(let probe, let failure)): probes.ended(probe, .failure(failure), at: now)
        case .evidence(let other): evidence.append((now, other))
        case .policies(_, let decided): if adopted.isEmpty { adopted = decided }
        case .time: break
        }
        for action in core.take(input, at: now) {
            switch action {
            case .send(let probe): probes.sent(probe, at: now)
            case .judged: break
            case .decided(let decision, let before): decisions.append((now, decision, before))
            }
        }
        final = core.decisions
    }

    /// What the wall clock showed, in nanoseconds since 1970.
    func wall(at time: Instant) -> Int64 {
        let ahead = clock.last { $0.at <= time } ?? clock.first
        return time.nanoseconds + (ahead?.ahead ?? 0)
    }
}
