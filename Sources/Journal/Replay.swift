// SPDX-License-Identifier: Apache-2.0

public import PathHealth

/// Tells the core what it was told, and compares what it says with what it said.
///
/// From a run's beginning the core begins empty; from a later segment, with the state that stands there. Where segments
/// follow each other the state that comes out of one has to be the state that the next one begins with, bit for bit.
public struct Replay: Sendable {
    /// Where the replay and the live run part.
    public struct Difference: Hashable, Sendable {
        /// What differs.
        public enum Kind: Hashable, Sendable {
            /// What was said: live, and in the replay; nil where nothing was.
            case said(live: Action?, replayed: Action?)
            /// What the core holds. The replay goes on with what it held live.
            case state
        }

        /// When, in nanoseconds since 1970.
        public let wallNanoseconds: Int64
        /// What.
        public let kind: Kind
    }

    /// The most differences that are kept; further ones are counted.
    private static let kept = 100

    /// The first differences.
    public private(set) var differences: [Difference] = []
    /// How many there are.
    public private(set) var differenceCount = 0
    /// How often the core was told something.
    public private(set) var inputs = 0
    /// How often it could not be, because its state was not known.
    public private(set) var skipped = 0
    /// The verdicts that it gave as it had.
    public private(set) var verdicts = 0
    /// The decisions that it took as it had.
    public private(set) var decisions = 0
    /// The states that came out as they had.
    public private(set) var states = 0

    private var core: HealthCore?
    /// What the replay said and was not yet compared.
    private var said: ArraySlice<Action> = []
    private var wallNanoseconds: Int64 = 0

    /// Makes a replay that was told nothing.
    public init() {}

    /// Takes a step of the walk through the journal.
    public mutating func take(_ step: JournalWalk.Step) {
        switch step {
        case .segment(let header, let follows):
            guard !follows else { return settle() }
            // What was said last may be in what is missing.
            forget()
            if header.beginning == .run { core = HealthCore() }
        case .unreadable: forget()
        case .entry(let entry, let wall):
            if case .told = entry.record { settle() }
            wallNanoseconds = wall
            take(entry)
        }
    }

    /// Ends the replay: what was said last is compared as well.
    public mutating func finish() {
        settle()
    }

    private mutating func take(_ entry: JournalEntry) {
        switch entry.record {
        case .told(let input):
            guard core != nil else { return skipped += 1 }
            inputs += 1
            let actions = core?.take(input, at: entry.at) ?? []
            if actions.contains(where: \.isSaid) { said = actions.filter(\.isSaid)[...] }
        case .said(let live):
            guard core != nil else { return }
            let replayed = said.popFirst()
            guard replayed == live else { return note(.said(live: live, replayed: replayed)) }
            if case .decided = live { decisions += 1 } else { verdicts += 1 }
        case .state(let live):
            settle()
            if let core, core != live { note(.state) } else if core != nil { states += 1 }
            core = live
        case .wall: break
        case .unknown: forget()
        }
    }

    /// Nothing can be said until a state is met again.
    private mutating func forget() {
        said = []
        core = nil
    }

    private mutating func settle() {
        while let action = said.popFirst() { note(.said(live: nil, replayed: action)) }
    }

    private mutating func note(_ kind: Difference.Kind) {
        differenceCount += 1
        guard differences.count < Self.kept else { return }
        differences.append(Difference(wallNanoseconds: wallNanoseconds, kind: kind))
    }
}

extension Action {
    /// Whether it is written down.
    public var isSaid: Bool {
        switch self {
        case .send: false
        case .judged, .decided: true
        }
    }
}
