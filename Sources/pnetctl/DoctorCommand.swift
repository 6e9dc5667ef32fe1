// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlAPI
import SystemIO

/// `pnetctl doctor`
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Looks for what keeps this host's names from pnetd, leaks them, or sends them round in circles.",
        discussion: """
            Reads /etc/resolv.conf and /etc/nsswitch.conf, asks systemd-resolved and pnetd; changes nothing. Who writes \
            /etc/resolv.conf is told by its comments, and by what runs.
            Exit status: 0 nothing is wrong, 1 something may become so, 2 something is.
            """
    )

    @OptionGroup var connection: ConnectionOptions
    @Flag(help: "One JSON object.") var json = false

    func run() throws {
        var diagnosis: Diagnosis
        do {
            let report = try connection.client.ask(.hostNames, for: HostNamesReport.self)
            diagnosis = Diagnosis(host: .look(), report: report)
        } catch {
            diagnosis = Diagnosis(host: .look(), report: nil)
            diagnosis.silence = String(error.description.prefix { $0 != "\n" })
        }
        let report = DoctorReport(diagnosis.findings)
        try reportingFailures(refusal: 2) { () throws(ControlFailure) in
            StandardStream.output.write(json ? try JSONText.line(report) : Page.current.diagnosed(report))
            return report.exitCode
        }
    }
}
