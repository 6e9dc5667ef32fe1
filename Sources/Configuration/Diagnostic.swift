// SPDX-License-Identifier: Apache-2.0

/// One thing that is wrong with the file, or odd about it, and where.
public struct Diagnostic: Hashable, Sendable {
    /// How bad it is.
    public enum Severity: String, Hashable, Sendable {
        /// The file is refused.
        case error
        /// The file is taken.
        case warning
    }

    /// The file, as the caller named it.
    public let file: String
    /// The line, from 1; 0 where the file as a whole is meant.
    public let line: Int
    /// The column in characters, from 1.
    public let column: Int
    /// What is wrong.
    public let message: String
    /// What to do about it, where that is known.
    public let hint: String?
    /// How bad it is.
    public let severity: Severity
}

extension Diagnostic: CustomStringConvertible {
    /// `file:line:column: error: message (hint)`, as editors and compilers understand it.
    public var description: String {
        let place = line == 0 ? file : "\(file):\(line):\(column)"
        return "\(place): \(severity): \(message)" + (hint.map { " (\($0))" } ?? "")
    }
}

extension Diagnostic: Comparable {
    /// By file, then by place, then by text.
    public static func < (left: Self, right: Self) -> Bool {
        guard left.file == right.file else { return left.file < right.file }
        return (left.line, left.column, left.message) < (right.line, right.column, right.message)
    }
}

/// All that is wrong with a file, in the order of its lines.
public struct ConfigurationErrors: Error, Hashable, Sendable {
    /// The errors; never empty.
    public let diagnostics: [Diagnostic]
}

extension ConfigurationErrors: CustomStringConvertible {
    /// One line an error.
    public var description: String {
        diagnostics.map(\.description).joined(separator: "\n")
    }
}
