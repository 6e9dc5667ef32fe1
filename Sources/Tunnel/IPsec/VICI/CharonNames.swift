// SPDX-License-Identifier: Apache-2.0

/// What tells names that are ours from all others in the same charon: connections, children, keys and authorities that
/// others loaded are never touched.
public struct CharonNames: Hashable, Sendable {
    /// What ours begin with, as `pnetd-`.
    public let prefix: String

    /// Takes what ours begin with; nil where it is empty, since then all would be ours.
    public init?(prefix: String) {
        guard !prefix.isEmpty else { return nil }
        self.prefix = prefix
    }

    /// Our name for something.
    public func name(_ rest: String) -> String { prefix + rest }

    /// Whether a name is one of ours: the prefix, and something behind it.
    public func isOurs(_ name: String) -> Bool { rest(of: name) != nil }

    /// What stands behind the prefix; nil for the names of others.
    public func rest(of name: String) -> String? {
        guard name.utf8.starts(with: prefix.utf8), name.utf8.count > prefix.utf8.count else { return nil }
        return String(decoding: name.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
    }

    /// Those of the names that are ours.
    public func ours(among names: [String]) -> [String] { names.filter(isOurs) }
}
