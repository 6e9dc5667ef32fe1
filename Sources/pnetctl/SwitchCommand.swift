// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlAPI
import NetworkTypes
import SystemIO

/// `pnetctl switch`
struct SwitchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "switch",
        abstract: "Leads a network's traffic to a path and puts that first, also through restarts, until --auto.",
        discussion: """
            The path is left like any other when it goes down, and comes back as the file's failback says. Not one packet is
            lost; a path that carries nothing now is refused unless --allow-interruption says so, and then taken once it is
            up.
            Exit status: 0 done, 1 not done, 3 no pnetd answers.
            """
    )

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The network.")
    var network: String
    @Argument(help: "The path.")
    var path: String?
    @Flag(help: "Go by the file's order again.")
    var auto = false
    @Flag(help: "Go on where the path is not up, or where translated flows are cut.")
    var allowInterruption = false

    func validate() throws {
        if auto == (path != nil) { throw ValidationError("either a path or --auto") }
        _ = try request()
    }

    private func request() throws -> ControlRequest {
        ControlRequest(
            .switch,
            path: try path.map(pathName),
            network: try networkName(network),
            allowInterruption: allowInterruption ? true : nil
        )
    }

    func run() throws {
        let request = try request()
        try reportingFailures(refusal: 1) { () throws(ControlFailure) in
            let report = try connection.client.ask(request, for: SwitchReport.self, within: .seconds(10))
            if let refusal = report.refusal {
                StandardStream.error.write("pnetctl: \(network): \(refusal)\n")
                return 1
            }
            let way = report.path.map { "goes by \($0)" } ?? "has no path"
            let order = report.preferred.map { "\($0) is put first" } ?? "the file's order holds"
            StandardStream.output.write("\(network) \(way); \(order)\n")
            return 0
        }
    }
}
