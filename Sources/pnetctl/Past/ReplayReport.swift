// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Journal
import NetworkTypes
import PathHealth
import SystemIO

/// What came out of a replay, as `pnetctl replay --json` prints it.
///
/// `{"equal":true,"inputs":8211,"verdicts":6,"decisions":3,"states":1,"skipped":0,"differenceCount":0,"differences":[],
/// "notes":[]}`
struct ReplayReport: Hashable, Codable {
    /// Where the replay and the live run part: what was said live and in the replay, null where nothing was; both are
    /// null where it is the core's state that differs.
    struct Difference: Hashable, Codable {
        let time: String
        @ExplicitNull var live: String?
        @ExplicitNull var replayed: String?
    }

    /// Whether all that could be replayed came out as it was.
    let equal: Bool
    /// What the core was told.
    let inputs: Int
    /// Verdicts, with their reasons, that came out as they were.
    let verdicts: Int
    /// Decisions that did.
    let decisions: Int
    /// States of the whole core that did, bit for bit.
    let states: Int
    /// What it could not be told, because its state was not known.
    let skipped: Int
    let differenceCount: Int
    /// The first ones.
    let differences: [Difference]
    /// What is to be known beside it.
    let notes: [String]

    init(_ replay: Replay, notes: [String]) {
        equal = replay.differenceCount == 0
        inputs = replay.inputs
        verdicts = replay.verdicts
        decisions = replay.decisions
        states = replay.states
        skipped = replay.skipped
        differenceCount = replay.differenceCount
        differences = replay.differences.map(Difference.init)
        self.notes = notes
    }

    /// What a replay equals, or does not, by the exit status.
    var exitCode: Int32 { equal ? (inputs > 0 ? 0 : 1) : 2 }

    /// What of a step has to be known beside what comes out.
    static func note(on step: JournalWalk.Step) -> String? {
        switch step {
        case .unreadable(let file, let why): return "\(file): \(why)"
        case .entry(let entry, _):
            guard case .unknown = entry.record else { return nil }
            return "some records are another version's; what follows them, up to the next state, is not replayed"
        case .segment(let header, let follows):
            let time = Timestamp.text(wallNanoseconds: header.wallNanoseconds)
            if header.version != Version.text {
                return "from \(time) on pnetd \(header.version) ran; this is the core of \(Version.text)"
            }
            guard !follows, header.beginning != .run else { return nil }
            return "what was before \(time) is missing; the replay begins there with the state that was written down"
        }
    }
}

extension ReplayReport.Difference {
    fileprivate init(_ difference: Replay.Difference) {
        time = Timestamp.text(wallNanoseconds: difference.wallNanoseconds, toMilliseconds: true)
        guard case .said(let live, let replayed) = difference.kind else { return }
        self.live = live.map(\.words)
        self.replayed = replayed.map(\.words)
    }
}

extension Action {
    /// A verdict or a decision in words.
    fileprivate var words: String {
        func because(_ reasons: [Reason]) -> String {
            reasons.isEmpty ? "" : " (\(reasons.map(\.description).joined(separator: "; ")))"
        }
        switch self {
        case .send: return ""
        case .judged(let network, let path, _, let verdict, let reasons):
            return "\(path) is \(verdict.rawValue) for \(network)\(because(reasons))"
        case .decided(let decision, _):
            let outcome =
                switch decision.outcome {
                case .active(_, _, let standby):
                    "by \(decision.outcome.carriers.together), standby \(standby?.text ?? "none")"
                case .blocked: "blocked"
                case .public: "public"
                }
            return "\(decision.network) \(outcome)\(because(decision.reasons))"
        }
    }
}
