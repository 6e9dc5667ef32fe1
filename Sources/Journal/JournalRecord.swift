// SPDX-License-Identifier: Apache-2.0
// What the core is told, in order, is all that it takes to have the past again: the core is a function. What it said is
// written beside it, so that the past can be read without running it, and compared where it is run.

public import NetworkTypes
public import PathHealth

/// What the core is told: the three ways in which it is called.
public enum CoreInput: Hashable, Sendable, Codable {
    /// A file came into force; with what an earlier run had decided.
    case policies([NetworkPolicy], adopting: [NetworkName: Decision])
    /// Something was observed.
    case evidence(Evidence)
    /// Time went by.
    case time
}

extension HealthCore {
    /// Takes an input, whichever it is.
    public mutating func take(_ input: CoreInput, at now: Instant) -> [Action] {
        switch input {
        case .policies(let policies, let adopted): apply(policies, adopting: adopted, at: now)
        case .evidence(let evidence): handle(evidence, at: now)
        case .time: advance(to: now)
        }
    }
}

/// One thing that was written down. When it was is given beside it.
public enum JournalRecord: Hashable, Sendable, Codable {
    /// The core was told this.
    case told(CoreInput)
    /// The core said this in answer: a verdict or a decision. Probes are not written down; they follow.
    case said(Action)
    /// The core as it was, after all that stands before.
    case state(HealthCore)
    /// What the wall clock showed, in nanoseconds since 1970; until the next such record the two clocks go together.
    case wall(nanoseconds: Int64)
    /// Something that another version wrote down and this one does not know; never written.
    case unknown
}

/// A record and its time.
public struct JournalEntry: Hashable, Sendable {
    /// When it was.
    public let at: Instant
    /// What was written down.
    public let record: JournalRecord

    /// Puts a record at its time.
    public init(at: Instant, record: JournalRecord) {
        self.at = at
        self.record = record
    }
}

/// What a segment of the journal begins with.
public struct JournalHeader: Hashable, Sendable, Codable {
    /// How a segment begins.
    public enum Beginning: String, Hashable, Sendable, Codable {
        /// With the agent: the core holds nothing yet.
        case run
        /// Where the one before it ends. The first record is the core's state.
        case continued
        /// Something before it could not be written down. The first record is the core's state.
        case resumed
    }

    /// The version of the pnetd that writes.
    public let version: String
    /// Tells the runs of the agent apart.
    public let run: UInt64
    /// How it begins.
    public let beginning: Beginning
    /// When it begins.
    public let at: Instant
    /// What the wall clock showed then, in nanoseconds since 1970.
    public let wallNanoseconds: Int64

    /// Makes a header.
    public init(version: String, run: UInt64, beginning: Beginning, at: Instant, wallNanoseconds: Int64) {
        self.version = version
        self.run = run
        self.beginning = beginning
        self.at = at
        self.wallNanoseconds = wallNanoseconds
    }
}

/// Why octets are no journal, or none that can be read on, or a record cannot be written.
public enum JournalError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It does not begin as a segment does.
    case notAJournal
    /// It is of a format that this version does not read.
    case format(UInt8)
    /// What stands at this offset, in octets, is not what was written.
    case damaged(at: Int, String)
    /// A value that has no octets.
    case unwritable(String)

    /// What is wrong, in words.
    public var description: String {
        switch self {
        case .notAJournal: "it is no segment of a journal"
        case .format(let format): "it is of format \(format); this version reads format \(JournalFrame.format)"
        case .damaged(let offset, let what): "damaged at octet \(offset): \(what)"
        case .unwritable(let what): "cannot be written down: \(what)"
        }
    }
}
