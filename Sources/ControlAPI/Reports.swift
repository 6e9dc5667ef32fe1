// SPDX-License-Identifier: Apache-2.0

/// The answer to `reload`: `{"changed":true,"errors":[]}`.
public struct ReloadReport: Hashable, Sendable, Codable {
    /// Whether the file asks for something else than before.
    public var changed: Bool
    /// The file's errors, each `file:line:column: error: …`; with any of them nothing was changed.
    public var errors: [String]

    /// Makes a report.
    public init(changed: Bool, errors: [String]) {
        self.changed = changed
        self.errors = errors
    }
}

/// The answer to `down`: `{"removed":["interface pn-a"]}`.
public struct DownReport: Hashable, Sendable, Codable {
    /// What was taken out of the kernel, in words.
    public var removed: [String]
    /// What stays behind elsewhere, and how it is taken away, in words.
    public var left: [String]

    /// Makes a report.
    public init(removed: [String], left: [String] = []) {
        self.removed = removed
        self.left = left
    }
}
