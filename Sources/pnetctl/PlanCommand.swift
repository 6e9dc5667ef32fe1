// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlAPI
import SystemIO

/// `pnetctl plan`
struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Shows what pnetd would do with its file as it is now, and changes nothing.",
        discussion: """
            Each step says what it does to traffic. Exit status: 0 there is nothing to do, 1 the file has errors or would
            be refused, 2 there are changes.
            """
    )

    @OptionGroup var connection: ConnectionOptions

    @Flag(help: "One line of JSON, for programs.")
    var json = false

    func run() throws {
        try reportingFailures(refusal: 1) { () throws(ControlFailure) in
            let plan = try connection.client.ask(.plan, for: PlanReport.self, within: .seconds(60))
            if json {
                StandardStream.output.write(try JSONText.line(plan))
            } else {
                StandardStream.output.write(Page.current.plan(plan))
            }
            if !(plan.errors.isEmpty && plan.refusals.isEmpty && plan.failures.isEmpty) { return 1 }
            return plan.changes.isEmpty ? 0 : 2
        }
    }
}
