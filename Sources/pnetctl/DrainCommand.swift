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
            network without one is named, and nothing is changed unless --allow-interruption says so. Where that network's
            names go public, clients are told to keep them for a second only, and the path is left once none of them can
            hold a private one from before: that takes as long as the resolver's path-bound-ttl. undrain ends the wait.
            Exit status: 0 done, 1 not done, 3 no pnetd answers.
            """
    )

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The path.")
    var path: String
    @Flag(help: "Go on where a network has no other path; its traffic is cut.")
    var allowInterruption = false
    @Flag(help: "Do not wait for names that clients hold.")
    var now = false

    func validate() throws { _ = try pathName(path) }

    func run() throws {
        try connection.drain(.drain, path, allowInterruption: allowInterruption, now: now)
    }
}

/// `pnetctl undrain`
struct UndrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "undrain",
        abstract: "Gives a drained path back.",
        discussion: """
            Traffic comes back to it as the file's failback says: after its hold, or not by itself. Where a network's names
            are public just now, public ones that clients hold are waited for, as drain does.
            Exit status: 0 done, 1 not done, 3 no pnetd answers.
            """
    )

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The path.")
    var path: String
    @Flag(help: "Do not wait for names that clients hold.")
    var now = false

    func validate() throws { _ = try pathName(path) }

    func run() throws {
        try connection.drain(.undrain, path, allowInterruption: false, now: now)
    }
}

extension ConnectionOptions {
    fileprivate func drain(
        _ command: ControlCommand,
        _ path: String,
        allowInterruption: Bool,
        now: Bool
    ) throws {
        let request = ControlRequest(
            command,
            path: try pathName(path),
            allowInterruption: allowInterruption ? true : nil,
            immediately: now ? true : nil
        )
        try reportingFailures(refusal: 1) { () throws(ControlFailure) in
            let report = try outcome(of: request)
            if let refusal = report.refusal {
                StandardStream.error.write("pnetctl: \(path): \(refusal)\n")
                return 1
            }
            let state = report.drained ? "drained" : "no longer drained"
            StandardStream.output.write((["\(path) is \(state)"] + report.networks).joined(separator: "\n  ") + "\n")
            return 0
        }
    }

    /// Waits for names with the agent, where it does.
    private func outcome(of request: ControlRequest) throws(ControlFailure) -> DrainReport {
        var answers = try client.open(request)
        var patience = Duration.seconds(10)
        while true {
            guard let report = try answers.next(DrainReport.self, within: patience) else {
                throw .silent(socket: socket, patience)
            }
            guard let seconds = report.waitSeconds else { return report }
            let time = Duration.milliseconds(Int64(min(max(seconds, 0), 1e6) * 1e3))
            let networks = report.networks.joined(separator: ", ")
            StandardStream.output.write(
                "\(report.path): waiting \(time.shortText) for names of \(networks) that clients hold\n"
            )
            patience = time + .seconds(10)
        }
    }
}
