// SPDX-License-Identifier: Apache-2.0

extension Page {
    /// What came out of a replay, for people.
    func replayed(_ report: ReplayReport) -> String {
        var lines: [String] = []
        for difference in report.differences {
            guard difference.live != nil || difference.replayed != nil else {
                lines.append("\(difference.time) the core's state is another")
                continue
            }
            lines.append("\(difference.time) live:   \(difference.live ?? "nothing")")
            lines.append("\(difference.time) replay: \(difference.replayed ?? "nothing")")
        }
        let more = report.differenceCount - report.differences.count
        if more > 0 { lines.append("and \(more) more") }
        for note in report.notes { lines += wrapped(note, indent: 0) }
        if report.skipped > 0 {
            lines += wrapped(
                "\(report.skipped) records cannot be replayed: the core's state before them is unknown",
                indent: 0
            )
        }
        let counts = "\(report.inputs) records, \(report.verdicts) verdicts, \(report.decisions) decisions"
        if !report.equal {
            lines.append(painted("the replay differs from the live run", .bad) + " (\(counts) were the same)")
        } else if report.inputs == 0 {
            lines.append(painted("there is nothing to replay", .warning))
        } else {
            lines.append(painted("the replay equals the live run", .good) + ": \(counts)")
        }
        return lines.map { $0 + "\n" }.joined()
    }
}
