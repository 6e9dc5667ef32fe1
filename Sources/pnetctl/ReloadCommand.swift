// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlAPI
import SystemIO

/// `pnetctl reload`
struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Makes pnetd read its file again.",
        discussion: "A file with an error changes nothing: the errors are printed and the exit status is 1."
    )

    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        try reportingFailures(refusal: 1) { () throws(ControlFailure) in
            let report = try connection.client.ask(.reload, for: ReloadReport.self, within: .seconds(60))
            guard report.errors.isEmpty else {
                let text = report.errors.map { $0 + "\n" }.joined()
                StandardStream.error.write(text + "pnetctl: nothing was changed\n")
                return 1
            }
            StandardStream.output.write(report.changed ? "reloaded\n" : "reloaded; the file asks for nothing new\n")
            return 0
        }
    }
}
