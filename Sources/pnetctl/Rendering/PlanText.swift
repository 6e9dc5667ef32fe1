// SPDX-License-Identifier: Apache-2.0

import ControlAPI

extension Page {
    /// A plan for people: each step, and below it what it does to traffic where that is felt.
    func plan(_ plan: PlanReport) -> String {
        var lines = plan.errors
        if plan.changes.isEmpty, plan.errors.isEmpty { lines.append("nothing to do") }
        for change in plan.changes {
            let count = change.count > 1 ? " (and \(change.count - 1) alike)" : ""
            lines += hanging(change.text + count, behind: "  ")
            if change.severity != .none {
                let word = painted(change.severity.rawValue, change.severity.colour)
                lines += hanging(
                    "\(change.effect)",
                    behind: "      \(word): ",
                    width: change.severity.rawValue.count + 8
                )
            } else if change.effect != "no packet lost" {
                lines += wrapped(change.effect, indent: 6)
            }
        }
        if !plan.changes.isEmpty { lines.append(sum(plan)) }
        for refusal in plan.refusals { lines += hanging(refusal, behind: painted("refused", .bad) + "  ", width: 9) }
        for failure in plan.failures {
            lines += hanging(failure, behind: painted("unread", .warning) + "   ", width: 9)
        }
        return lines.map { $0 + "\n" }.joined()
    }

    /// What became of an `apply` or a `confirm`, for people.
    func applied(_ report: ApplyReport) -> String {
        let steps = plan(report.plan)
        let reason = report.reason.map { ": \($0)" } ?? ""
        switch report.outcome {
        case .applied: return steps + painted("applied", report.reason == nil ? .good : .warning) + "\(reason)\n"
        case .unchanged: return "the file asks for nothing new\n"
        case .awaiting: return steps + painted("applied on trial", .warning) + "\(reason)\n"
        case .confirmed: return painted("confirmed", .good) + "\(reason)\n"
        case .rolledBack: return painted("taken back", .bad) + "\(reason); what was in force before is again\n"
        default:
            let why = report.plan.errors.isEmpty && report.plan.changes.isEmpty ? "" : steps
            return why + painted("not applied", .bad) + "\(reason)\n"
        }
    }

    private func sum(_ plan: PlanReport) -> String {
        let count = plan.changes.reduce(0) { $0 + $1.count }
        let worst: (text: String, colour: Colour) =
            if plan.interrupts {
                ("traffic is cut", .bad)
            } else if plan.changes.contains(where: { $0.severity != .none }) {
                ("some traffic takes another way", .warning)
            } else {
                ("no packet lost", .good)
            }
        return "\(count) change\(count == 1 ? "" : "s"): " + painted(worst.text, worst.colour)
    }

    private func hanging(_ text: String, behind first: String, width: Int? = nil) -> [String] {
        let indent = width ?? first.count
        let lines = wrapped(text, indent: indent)
        return (lines.first.map { [first + $0.dropFirst(indent)] } ?? []) + lines.dropFirst()
    }
}

extension PlanReport.Severity {
    fileprivate var colour: Page.Colour {
        switch self {
        case .interruption: .bad
        case .none: .faint
        default: .warning
        }
    }
}
