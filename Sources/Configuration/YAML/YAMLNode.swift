// SPDX-License-Identifier: Apache-2.0

/// A place in the file.
struct Mark: Hashable, Comparable {
    /// The line, from 1.
    var line: Int
    /// The column in characters, from 1.
    var column: Int

    static func < (left: Self, right: Self) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// A value in the file and where it begins. Types are ours to give: libyaml's own guesses (`yes`, `1.20`) are not used.
struct YAMLNode {
    /// One key of a mapping and its value.
    struct Entry {
        let key: String
        let mark: Mark
        let value: YAMLNode
    }

    enum Content {
        /// Text, and whether it stands there without quotes.
        case scalar(String, isPlain: Bool)
        case sequence([YAMLNode])
        /// Entries with different keys, and whether all could be taken.
        case mapping([Entry], isComplete: Bool)
        /// What was reported already; nothing more is said of it.
        case refused
    }

    let content: Content
    let mark: Mark

    /// What the value is, in words for an error.
    var kind: String {
        switch content {
        case .scalar("", isPlain: true): "nothing"
        case .scalar: "text"
        case .sequence: "a list"
        case .mapping: "a mapping"
        case .refused: "what was refused"
        }
    }

    /// The value of a mapping's key.
    subscript(key: String) -> YAMLNode? {
        guard case .mapping(let entries, _) = content else { return nil }
        return entries.first { $0.key == key }?.value
    }

    /// The text of a scalar.
    var text: String? {
        guard case .scalar(let text, _) = content else { return nil }
        return text
    }
}

/// What is wrong with the file as YAML.
struct YAMLFault: Error, Hashable {
    let mark: Mark
    let message: String
    let hint: String?
}
