// SPDX-License-Identifier: Apache-2.0

/// An answer to `explain`: a statement, and what it rests on.
///
/// `{"because":[{"because":[],"statement":"vpn-a is down for it: …"}],"statement":"azure is up by vpn-b, generation 4"}`
public struct Explanation: Hashable, Sendable, Codable {
    /// What is so, in words.
    public var statement: String
    /// What makes it so, or belongs to it.
    public var because: [Explanation]

    /// Makes an explanation.
    public init(_ statement: String, because: [Explanation] = []) {
        self.statement = statement
        self.because = because
    }
}

/// Explanations of what goes by the name that was asked for; empty where nothing does.
public struct ExplainReport: Hashable, Sendable, Codable {
    /// One for a network, one for a path of that name.
    public var explanations: [Explanation]
    /// The names that there are.
    public var names: [String]

    /// Makes a report.
    public init(explanations: [Explanation], names: [String]) {
        self.explanations = explanations
        self.names = names
    }
}
