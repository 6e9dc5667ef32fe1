// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Journal
import NetworkTypes
import PathHealth
import SystemIO

/// Something of the journal that an operator asks after: a line of `pnetctl events`.
///
/// `{"time":"2026-01-01T00:00:00.120Z","kind":"decision","network":"azure","from":"up","to":"up","fromPath":"vpn-a",
/// "path":"vpn-b","reasons":["vpn-a: 9 probes unanswered for 0.8s"],"generation":12}`
struct PastEvent: Hashable, Codable {
    enum Kind: String, Hashable, Codable {
        /// pnetd began.
        case start
        /// A file came into force.
        case file
        /// A network is seen otherwise through a path.
        case verdict
        /// A network was decided otherwise.
        case decision
        /// Something was not written down, or cannot be read.
        case gap
    }

    /// When it was; RFC 3339 in UTC, to the millisecond.
    let time: String
    let kind: Kind
    @ExplicitNull var network: NetworkName?
    /// The verdict or state before and after.
    @ExplicitNull var from: String?
    @ExplicitNull var to: String?
    /// With a decision: the active path before.
    @ExplicitNull var fromPath: PathName?
    /// With a decision: all paths that carried before, and after.
    var fromCarriers: [PathName]?
    var carriers: [PathName]?
    /// With a verdict: the path it is about. With a decision: the active path after.
    @ExplicitNull var path: PathName?
    var reasons: [String] = []
    @ExplicitNull var generation: UInt64?
}

extension PastEvent {
    /// What a verdict or a decision is as an event; nil where nothing changed but its reasons, or the standby path.
    init?(_ action: Action, wallNanoseconds: Int64) {
        switch action {
        case .judged(let network, let path, let before, let verdict, let reasons) where before != verdict:
            self.init(at: wallNanoseconds, .verdict)
            (self.network, self.path) = (network, path)
            (from, to) = (before.rawValue, verdict.rawValue)
            self.reasons = reasons.map(\.description)
        case .decided(let decision, let before)
        where decision.state != before.state || decision.outcome.carriers != before.outcome.carriers:
            self.init(at: wallNanoseconds, .decision)
            (network, fromPath, path) = (decision.network, before.outcome.path, decision.outcome.path)
            (fromCarriers, carriers) = (before.outcome.carriers, decision.outcome.carriers)
            (from, to) = (before.state.rawValue, decision.state.rawValue)
            reasons = decision.reasons.map(\.description)
            generation = decision.generation
        default: return nil
        }
    }

    /// All paths that it is about.
    var paths: [PathName] { [path, fromPath].compactMap(\.self) + (carriers ?? []) + (fromCarriers ?? []) }

    init(at wallNanoseconds: Int64, _ kind: Kind, reasons: [String] = []) {
        time = Timestamp.text(wallNanoseconds: wallNanoseconds, toMilliseconds: true)
        self.kind = kind
        self.reasons = reasons
    }

    /// The line for people: `2026-01-01T00:00:00.120Z azure up -> up path vpn-a -> vpn-b (…)`.
    var line: String {
        let because = reasons.isEmpty ? "" : " (\(reasons.joined(separator: "; ")))"
        let change = "\(from ?? "?") -> \(to ?? "?")"
        switch kind {
        case .start: return "\(time) pnetd began\(because)"
        case .file: return "\(time) a file came into force\(because)"
        case .verdict: return "\(time) path \(path?.text ?? "?") \(change) for \(network?.text ?? "?")\(because)"
        case .decision:
            let (old, new) = (fromCarriers ?? [], carriers ?? [])
            let paths =
                old == new
                ? (new.isEmpty ? "" : " path \(new.together)") : " path \(old.together) -> \(new.together)"
            return "\(time) \(network?.text ?? "?") \(change)\(paths)\(because)"
        case .gap: return "\(time) something is missing\(because)"
        }
    }
}

/// The events of a journal, in order.
struct PastEvents {
    private(set) var latest: Int64 = 0

    /// The event of a step; nil where an operator has nothing of it.
    mutating func take(_ step: JournalWalk.Step) -> (event: PastEvent, wallNanoseconds: Int64)? {
        guard let event = event(of: step) else { return nil }
        return (event, latest)
    }

    private mutating func event(of step: JournalWalk.Step) -> PastEvent? {
        switch step {
        case .segment(let header, let follows):
            latest = header.wallNanoseconds
            if header.beginning == .run { return PastEvent(at: latest, .start, reasons: ["version \(header.version)"]) }
            guard !follows else { return nil }
            let isResumed = header.beginning == .resumed
            let why = isResumed ? "what was before could not be written" : "what was before is not in this journal"
            return PastEvent(at: latest, .gap, reasons: [why])
        case .unreadable(let file, let why): return PastEvent(at: latest, .gap, reasons: ["\(file): \(why)"])
        case .entry(let entry, let wall):
            latest = wall
            switch entry.record {
            case .said(let action): return PastEvent(action, wallNanoseconds: wall)
            case .told(.policies(let policies, _)):
                return PastEvent(at: wall, .file, reasons: policies.map { "\($0.network) by \($0.pathList)" })
            case .told, .state, .wall, .unknown: return nil
            }
        }
    }
}

extension NetworkPolicy {
    fileprivate var pathList: String { paths.map(\.text).joined(separator: ", ") }
}

extension Decision {
    /// What status calls it.
    var state: StatusReport.NetworkState {
        switch outcome {
        case .active: .up
        case .blocked: provisional ? .starting : .blocked
        case .public: .public
        }
    }
}
