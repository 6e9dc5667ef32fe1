// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import NetworkTypes

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

    /// What another file would have made of the past, for people.
    func imagined(_ report: CounterfactualReport, by file: String) -> String {
        var lines = report.decisions.map { moment in
            let whose = moment.live ? "live:  " : "other: "
            let because = moment.reasons.isEmpty ? "" : " (\(moment.reasons.joined(separator: "; ")))"
            let path = moment.path.map { " by \($0)" } ?? ""
            return "\(moment.time) \(whose)\(moment.network) is \(moment.state.rawValue)\(path)\(because)"
        }
        for note in report.notes { lines += wrapped(note, indent: 0) }
        for unknown in report.unknown {
            lines += wrapped(
                "\(unknown.probes) probes to \(unknown.target) by \(unknown.path) were never sent, nor any like them: they "
                    + "are taken to have been answered",
                indent: 0
            )
        }
        for network in report.networks {
            lines.append(
                "\(network.name): live \(words(network.live)); by \(file) \(words(network.other))"
            )
        }
        let span = Duration.nanoseconds(Int64(report.seconds * 1e9)).shortText
        if report.seconds == 0 {
            lines.append(painted("there is nothing to replay", .warning))
        } else if report.equal {
            lines.append(painted("\(file) decides as the live run did", .good) + ", in \(span)")
        } else {
            lines.append(painted("\(file) decides otherwise than the live run did", .warning) + ", in \(span)")
        }
        return lines.map { $0 + "\n" }.joined()
    }

    private func words(_ account: CounterfactualReport.Account) -> String {
        let blocked = Duration.nanoseconds(Int64(account.blockedSeconds * 1e9))
        let switches = account.switches == 1 ? "1 switch" : "\(account.switches) switches"
        return "\(switches), blocked for \(blocked == .zero ? "no time" : blocked.shortText)"
    }
}
