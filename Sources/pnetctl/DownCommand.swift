// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlAPI
import SystemIO

/// `pnetctl down`
struct DownCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down",
        abstract: "Takes all that is pnetd's out of the kernel, the guard included, and ends pnetd.",
        discussion: """
            To stop pnetd and leave paths and guard as they are, stop its service instead.
            """
    )

    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        try reportingFailures(refusal: 1) { () throws(ControlFailure) in
            let report = try connection.client.ask(.down, for: DownReport.self, within: .seconds(60))
            let text = report.removed.map { "\($0)\n" }.joined()
            StandardStream.output.write(text.isEmpty ? "nothing was left to remove\n" : text)
            for text in report.left { StandardStream.error.write("left behind: \(text)\n") }
            return 0
        }
    }
}
