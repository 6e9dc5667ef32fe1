// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlAPI
import SystemIO

/// `pnetctl watch`
struct WatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Shows changes as they happen, until interrupted.",
        discussion: "On a terminal the status is shown and kept up to date; elsewhere each change is one line."
    )

    @OptionGroup var connection: ConnectionOptions
    @Flag(help: "One JSON object a change.") var json = false

    func run() throws {
        try reportingFailures(refusal: StatusReport.exitCodeWithoutDaemon) { () throws(ControlFailure) in
            var updates = try connection.client.open(ControlRequest(.watch))
            if !json, StandardStream.output.isTerminal {
                return try repaint(&updates)
            } else {
                return try log(&updates)
            }
        }
    }

    /// One line a change.
    private func log(_ updates: inout ControlConnection) throws(ControlFailure) -> Int32 {
        var earlier: StatusReport?
        while StandardStream.outputFailure == nil {
            guard let update = try updates.next(WatchUpdate.self, within: .seconds(3600)) else { continue }
            if json {
                StandardStream.output.write(try JSONText.line(update))
            } else {
                let lines = ChangeText.lines(of: update, after: earlier)
                StandardStream.output.write(lines.map { $0 + "\n" }.joined())
            }
            earlier = update.report
        }
        return 1
    }

    /// The status, once a second and with every change, above the latest changes.
    private func repaint(_ updates: inout ControlConnection) throws(ControlFailure) -> Int32 {
        var report: StatusReport?
        var changes: [String] = []
        while StandardStream.outputFailure == nil {
            if let update = try updates.next(WatchUpdate.self, within: .seconds(1)) {
                if report != nil { changes += ChangeText.lines(of: update, after: report) }
                changes = changes.suffix(8)
                report = update.report
            } else {
                // Counters and ages move without a change; they are asked for.
                report = try connection.client.ask(.status, for: StatusReport.self)
            }
            guard let report else { continue }
            let status = Page.current.status(report).split(separator: "\n", omittingEmptySubsequences: false)
            let rows = StandardStream.output.size?.rows ?? 24
            StandardStream.output.write(Screen.repainting(status.map(String.init) + changes, rows: rows))
        }
        return 1
    }
}
