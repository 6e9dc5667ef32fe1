// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlAPI
import NetworkTypes
import SystemIO

/// `pnetctl drain`
struct DrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Leads traffic off a path and keeps it off, also through restarts, until undrain.",
        discussion: """
            The path stays up and is probed all the same. Not one packet is lost where its networks have another path; a
            network without one is named, and nothing is changed unless --allow-interruption says so.
            Exit status: 0 done, 1 not done, 3 no pnetd answers.
            """
    )

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The path.")
    var path: String
    @Flag(help: "Go on where a network has no other path; its traffic is cut.")
    var allowInterruption = false

    func run() throws {
        try connection.drain(.drain, path, allowInterruption: allowInterruption)
    }
}

/// `pnetctl undrain`
struct UndrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "undrain",
        abstract: "Gives a drained path back.",
        discussion: """
            Traffic comes back to it as the file's failback says: after its hold, or not by itself.
            Exit status: 0 done, 1 not done, 3 no pnetd answers.
            """
    )

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The path.")
    var path: String

    func run() throws {
        try connection.drain(.undrain, path, allowInterruption: false)
    }
}

extension ConnectionOptions {
    fileprivate func drain(_ command: ControlCommand, _ path: String, allowInterruption: Bool) throws {
        guard let name = PathName(path) else { throw ValidationError("'\(path)' cannot be the name of a path") }
        let request = ControlRequest(command, path: name, allowInterruption: allowInterruption ? true : nil)
        try reportingFailures(refusal: 1) { () throws(ControlFailure) in
            let report = try client.ask(request, for: DrainReport.self, within: .seconds(10))
            if let refusal = report.refusal {
                StandardStream.error.write("pnetctl: \(path): \(refusal)\n")
                return 1
            }
            let state = report.drained ? "drained" : "no longer drained"
            StandardStream.output.write((["\(path) is \(state)"] + report.networks).joined(separator: "\n  ") + "\n")
            return 0
        }
    }
}
