// SPDX-License-Identifier: Apache-2.0

extension Page {
    /// What was found, for people.
    func diagnosed(_ report: DoctorReport) -> String {
        guard !report.findings.isEmpty else { return painted("nothing is wrong", .good) + "\n" }
        return report.findings.map(text).joined()
    }

    private func text(_ finding: Finding) -> String {
        let word = finding.severity.rawValue
        let head = wrapped(finding.what, indent: 9)
        var lines = [painted(word, finding.severity.colour) + String(repeating: " ", count: 9 - word.count)]
        lines[0] += head.first.map { String($0.dropFirst(9)) } ?? ""
        lines += head.dropFirst()
        lines += wrapped("why: \(finding.why)", indent: 9)
        if !finding.remedy.isEmpty { lines += wrapped("remedy: \(finding.remedy)", indent: 9) }
        return lines.map { $0 + "\n" }.joined()
    }
}

extension Finding.Severity {
    fileprivate var colour: Page.Colour {
        switch self {
        case .note: .faint
        case .warning: .warning
        case .error: .bad
        }
    }
}
