// SPDX-License-Identifier: Apache-2.0

/// A mapping whose keys are known.
struct Section {
    /// What the section is, in words for an error.
    let what: String
    /// What names it: its key or, in a list, its beginning.
    let mark: Mark
    private let reading: Reading
    private let node: YAMLNode
    /// Known keys that were meant by misspelt ones: not missed a second time.
    private var misspelt: Set<String> = []
    /// Whether a key was reported.
    private(set) var hasUnknownKeys = false

    /// Reports keys that are not known; nil where the value is no mapping.
    ///
    /// `planned` are keys that the design has and this version does not.
    init?(
        _ node: YAMLNode,
        of what: String,
        at mark: Mark? = nil,
        keys: [String],
        planned: Set<String> = [],
        reading: Reading
    ) {
        guard let entries = reading.mapping(node, what) else { return nil }
        for entry in entries where !keys.contains(entry.key) {
            hasUnknownKeys = true
            let meant = Spelling.nearest(to: entry.key, in: keys)
            if planned.contains(entry.key) {
                reading.notOfThisVersion(entry.key, at: entry.mark)
            } else {
                let hint = meant.map { "did you mean '\($0)'?" } ?? "known here: \(keys.joined(separator: ", "))"
                reading.error(entry.mark, "unknown key '\(entry.key)' in \(what)", hint: hint)
                if let meant { misspelt.insert(meant) }
            }
        }
        self.what = what
        self.mark = mark ?? node.mark
        self.reading = reading
        self.node = node
    }

    /// The value of a key that may be left out.
    subscript(key: String) -> YAMLNode? { node[key] }

    /// The value of a key that must be there; its absence is reported.
    func required(_ key: String, hint: String? = nil) -> YAMLNode? {
        if let value = node[key] { return value }
        if !misspelt.contains(key) { reading.error(mark, "\(what) has no '\(key)'", hint: hint) }
        return nil
    }
}

extension Reading {
    /// The entries of a mapping; anything else is reported.
    func mapping(_ node: YAMLNode, _ what: String) -> [YAMLNode.Entry]? {
        if case .mapping(let entries, _) = node.content { return entries }
        mismatch(node, what, "a mapping")
        return nil
    }

    /// Says that a value is of the wrong kind.
    func mismatch(_ node: YAMLNode, _ what: String, _ expected: String) {
        if case .refused = node.content { return }
        error(node.mark, "\(what) must be \(expected), not \(node.kind)")
    }
}
