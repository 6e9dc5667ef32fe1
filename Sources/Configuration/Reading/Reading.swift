// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// One file being read: what is wrong with it so far, and what it declares.
///
/// Reading never stops at a mistake. What cannot be read is reported once, where it stands, and left out; what
/// depends on it keeps silent (see ``Declarations``).
final class Reading {
    /// The file as the caller named it.
    let file: String
    /// Where relative key files begin, with its slash.
    let directory: String
    let credentials: Credentials
    /// Whether the files that it names are read: the keys, and the certificates that targets' must lead to.
    let readsNamedFiles: Bool
    let zoneFileTerms: ZoneFiles.Terms
    private(set) var diagnostics: [Diagnostic] = []
    var declared = Declarations()

    init(
        file: String,
        credentials: Credentials,
        readsNamedFiles: Bool = true,
        zoneFileTerms: ZoneFiles.Terms = .needed
    ) {
        self.file = file
        self.zoneFileTerms = zoneFileTerms
        self.credentials = credentials
        self.readsNamedFiles = readsNamedFiles
        self.directory = file.lastIndex(of: "/").map { String(file[...$0]) } ?? ""
    }

    /// - Parameter other: the file that the place is in, where that is one that this file names.
    func error(_ mark: Mark, _ message: String, hint: String? = nil, in other: String? = nil) {
        diagnostics.append(diagnostic(mark, message, hint, .error, in: other))
    }

    func warning(_ mark: Mark, _ message: String, hint: String? = nil) {
        diagnostics.append(diagnostic(mark, message, hint, .warning))
    }

    /// Reports what was found before, as bad as it is here.
    func report(_ found: Diagnostic, _ severity: Diagnostic.Severity) {
        diagnostics.append(
            Diagnostic(
                file: found.file,
                line: found.line,
                column: found.column,
                message: found.message,
                hint: found.hint,
                severity: severity
            )
        )
    }

    func diagnostic(
        _ mark: Mark,
        _ message: String,
        _ hint: String?,
        _ severity: Diagnostic.Severity,
        in other: String? = nil
    ) -> Diagnostic {
        Diagnostic(
            file: other ?? file,
            line: mark.line,
            column: mark.column,
            message: message.onOneLine.withoutKeys,
            hint: hint?.withoutKeys,
            severity: severity
        )
    }

    /// The tree of the file's text, where it is YAML.
    func root(_ octets: [UInt8]) -> YAMLNode? {
        let (root, faults) = YAMLComposer.compose(octets)
        for fault in faults { error(fault.mark, fault.message, hint: fault.hint) }
        return root
    }

    /// Says that a word is known, but not to this version.
    func notOfThisVersion(_ word: String, at mark: Mark, hint: String = "remove it") {
        error(mark, "'\(word)' is part of the design but not of this version", hint: hint)
    }
}

extension String {
    /// The text without what could end the line or steer a terminal, and not longer than anyone reads: it may quote
    /// a value of the file.
    fileprivate var onOneLine: String {
        let limit = 400
        let cut = unicodeScalars.prefix(limit)
        let isCut = cut.endIndex < unicodeScalars.endIndex
        return cut.reduce(into: "") { text, scalar in
            let isControl = scalar.properties.generalCategory == .control || scalar.properties.isBidiControl
            text.unicodeScalars.append(isControl ? "\u{fffd}" : scalar)
        } + (isCut ? "…" : "")
    }
}
