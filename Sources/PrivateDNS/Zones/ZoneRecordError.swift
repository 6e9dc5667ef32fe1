// SPDX-License-Identifier: Apache-2.0

/// A record of a zone that cannot be served, for a message that points at it.
public struct ZoneRecordError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Which of the records, from 0.
    public let index: Int
    /// What is wrong.
    public let problem: String
    /// What to write instead.
    public let hint: String

    /// The problem and the hint.
    public var description: String { "\(problem) (\(hint))" }
}
