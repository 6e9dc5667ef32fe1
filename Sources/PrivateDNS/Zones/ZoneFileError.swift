// SPDX-License-Identifier: Apache-2.0

/// What is wrong with the text of a zone file.
public struct ZoneFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// One mistake and where it stands.
    public struct Fault: Error, Hashable, Sendable {
        /// The line that its record or directive begins on, from 1.
        public let line: Int
        /// What is wrong.
        public let problem: String
        /// What to write instead.
        public let hint: String
    }

    /// The first mistakes, in the order of their lines; never empty.
    public let faults: [Fault]

    /// How many are gathered before the rest of the file is left unread.
    public static let faultLimit = 20

    /// The first mistake.
    public var description: String {
        faults.first.map { "line \($0.line): \($0.problem) (\($0.hint))" } ?? "the zone file cannot be read"
    }
}
