// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import HostDNS

/// Something that `pnetctl doctor` found: what, why that matters, and what to do about it.
struct Finding: Hashable, Codable {
    /// How bad it is.
    enum Severity: String, Hashable, Codable, Comparable, CaseIterable {
        /// Good to know.
        case note
        /// Names may go where they should not, or not be found, under some circumstances.
        case warning
        /// They do.
        case error

        private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

        static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
    }

    let severity: Severity
    /// The check that found it, for programs.
    let check: String
    let what: String
    let why: String
    /// What to do about it; empty where nothing need be done.
    let remedy: String

    init(_ severity: Severity, _ check: String, _ what: String, why: String, remedy: String = "") {
        self.severity = severity
        self.check = check
        self.what = what
        self.why = why
        self.remedy = remedy
    }
}

/// What `pnetctl doctor --json` prints: `{"findings":[{"check":"second-nameserver","remedy":"…","severity":"warning",
/// "what":"…","why":"…"}]}`.
struct DoctorReport: Hashable, Codable {
    /// The worst ones first.
    let findings: [Finding]

    init(_ findings: [Finding]) {
        self.findings = findings.enumerated().sorted { left, right in
            (right.element.severity, left.offset) < (left.element.severity, right.offset)
        }
        .map(\.element)
    }

    /// 0 where nothing is wrong, 1 where something may become so, 2 where something is.
    var exitCode: Int32 {
        switch findings.map(\.severity).max() {
        case .error: 2
        case .warning: 1
        case .note, nil: 0
        }
    }
}
