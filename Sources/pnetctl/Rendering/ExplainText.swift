// SPDX-License-Identifier: Apache-2.0

import ControlAPI

extension Page {
    /// Explanations for people, each with what it rests on further in, and what happened lately below.
    func explained(_ report: ExplainReport, lately events: [PastEvent]) -> String {
        var parts = report.explanations.map { lines($0, depth: 0).joined(separator: "\n") }
        if !events.isEmpty {
            let lines = events.flatMap { hanging($0.line, indent: 2) }
            parts.append(([painted("lately", .heading)] + lines).joined(separator: "\n"))
        }
        return parts.joined(separator: "\n\n") + "\n"
    }

    private func lines(_ explanation: Explanation, depth: Int) -> [String] {
        let own = hanging(explanation.statement, indent: 2 * depth)
        return (depth == 0 ? own.map { painted($0, .heading) } : own)
            + explanation.because.flatMap { lines($0, depth: depth + 1) }
    }

    /// Wrapped, with what does not fit further in than the first line.
    func hanging(_ text: String, indent: Int) -> [String] {
        let whole = wrapped(text, indent: indent + 2)
        return whole.enumerated().map { $0 == 0 ? String($1.dropFirst(2)) : $1 }
    }
}
