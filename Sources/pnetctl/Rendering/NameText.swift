// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import NetworkTypes

extension Page {
    /// How an answer comes about: a paragraph for each name on the way, and the answer below.
    func explained(_ report: NameExplanation) -> String {
        var lines: [String] = []
        var last: DomainName?
        for step in report.steps where step.event != "answer" {
            if step.name != last {
                lines.append(painted("\(step.name.withoutRootDot) \(report.type)", .heading))
                last = step.name
            }
            lines += hanging(step.text, indent: 2)
        }
        lines.append(painted(report.code.map { "answer: \($0)" } ?? "no answer", .heading))
        if let remark = report.remark { lines += hanging("EDE \(remark)", indent: 2) }
        lines += report.records.map { "  \($0)" }
        return lines.joined(separator: "\n") + "\n"
    }

    /// What the resolver keeps, a line an answer.
    func dumped(_ report: NameDump) -> String {
        var table = Table(self, heading: ["NAME", "TYPE", "ANSWER", "RECORDS", "TTL", "AGE", "ZONE", "OCTETS"])
        for entry in report.entries {
            table.add([
                Table.Cell(entry.name.withoutRootDot),
                Table.Cell(entry.type),
                Table.Cell(entry.code, entry.code == "SERVFAIL" ? .bad : nil),
                Table.Cell("\(entry.answers)"),
                entry.secondsLeft > 0
                    ? Table.Cell("\(entry.secondsLeft)s", entry.stale ? .warning : nil) : Table.Cell("over", .faint),
                Table.Cell("\(entry.secondsOld)s"),
                Table.Cell(entry.zone ?? "(an earlier decision)", entry.zone == nil ? .faint : nil),
                Table.Cell("\(entry.octets)"),
            ])
        }
        if report.isCut { table.add(free: ["and more; name a domain to see less"]) }
        return table.text
    }

    /// What is wrong with names, and what may help.
    func audited(_ report: NameAudit) -> String {
        var lines: [String] = []
        for finding in report.findings {
            let colour: Colour = [.leak, .missingRoute].contains(finding.kind) ? .bad : .warning
            let kind = painted(finding.kind.rawValue, colour)
            let view = finding.view.map { " in view \($0)" } ?? ""
            lines.append("\(painted(finding.name.withoutRootDot, .heading))\(view): \(kind)")
            lines += hanging(finding.text, indent: 2)
            lines += hanging("try: \(finding.remedy)", indent: 2)
        }
        let count = report.names.count
        lines.append(
            "\(count) name\(count == 1 ? "" : "s") asked for, "
                + (report.findings.isEmpty ? "nothing was found" : "\(report.findings.count) found")
        )
        if !report.skipped.isEmpty { lines.append("\(report.skipped.count) were left out for time; name them to ask") }
        if let more = report.more { lines.append("\(more) more are too many for one audit; name those to ask") }
        return lines.joined(separator: "\n") + "\n"
    }
}
