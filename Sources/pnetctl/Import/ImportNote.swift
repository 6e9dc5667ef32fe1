// SPDX-License-Identifier: Apache-2.0

/// What is to be said of a line of a file that is taken over: what is wrong with it, or what is lost.
///
/// Nothing of the file is repeated but what has been understood: any line may hold a key with a slip in it.
struct ImportNote: Hashable {
    enum Severity: String, Hashable {
        /// The file is not taken over.
        case error
        /// The file is taken over without this.
        case note
    }

    let severity: Severity
    /// From 1.
    let line: Int
    let message: String
    let remedy: String?

    /// `file:line: error: message (remedy)`.
    func text(of file: String) -> String { "\(file):\(line): \(severity): \(messageAndRemedy)\n" }

    var messageAndRemedy: String { message + (remedy.map { " (\($0))" } ?? "") }
}
