// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import NetworkTypes

extension Page {
    /// How far a drill is, or what it showed, for people.
    func drilled(_ report: DrillReport) -> String {
        let reason = report.reason.map { ": \($0)" } ?? ""
        switch report.outcome {
        case .running:
            let what = report.prefix.map { "\($0) of \(report.network)" } ?? "\(report.network)"
            let paths = report.legs.map(\.path.text).joined(separator: ", then ")
            let asked = report.target.map { ", asking \($0)" } ?? ""
            return "\(what): from \(report.origin?.text ?? "-") to \(paths) and back\(asked)\n"
        case .done: return report.legs.map(line).joined()
        case .ended:
            return report.legs.map(line).joined() + "\(report.network): " + painted("the drill was ended", .bad)
                + "\(reason)\n"
        default: return "\(report.network): " + painted("no drill", .bad) + "\(reason)\n"
        }
    }

    private func line(_ leg: DrillReport.Leg) -> String {
        let gap = Duration.microseconds(Int64(leg.longestGapMs * 1e3)).shortText
        let loss = "\(leg.lost) of \(leg.sent) requests lost, the longest gap \(gap)"
        if leg.sent == 0, let reason = leg.failure { return "  \(leg.path): \(reason)\n" }
        let verdict = leg.failure.map { painted("failed", .bad) + ": \($0)" } ?? painted("proven good", .good)
        return "  \(leg.path): \(verdict); \(loss)\n"
    }
}
