// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlAPI
import SystemIO

/// `pnetctl status`
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Says how the site is.",
        discussion: "Exits with 0 when all is well, 1 when it is degraded, 2 when it is down, 3 when no pnetd answers."
    )

    @OptionGroup var connection: ConnectionOptions
    @Flag(help: "One JSON object.") var json = false

    func run() throws {
        try reportingFailures(refusal: StatusReport.exitCodeWithoutDaemon) { () throws(ControlFailure) in
            let report = try connection.client.ask(.status, for: StatusReport.self)
            StandardStream.output.write(json ? try JSONText.line(report) : Page.current.status(report))
            return report.exitCode
        }
    }
}
