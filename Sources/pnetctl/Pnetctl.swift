// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlAPI
import SystemIO

/// The command line of pnetd.
@main
struct Pnetctl: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pnetctl",
        abstract: "Asks pnetd about the private paths of this site.",
        discussion: """
            Text is for people and may change; --json is for programs: keys are added, never renamed.
            Exit status: 0 all is well, 1 degraded or refused, 2 down, 3 no pnetd answers, 64 wrong usage.
            """,
        version: Version.text,
        subcommands: [
            StatusCommand.self, ExplainCommand.self, WatchCommand.self, PlanCommand.self, ApplyCommand.self,
            ConfirmCommand.self,
            ReloadCommand.self, DownCommand.self, CheckCommand.self, KeygenCommand.self, RotateCommand.self,
            DrainCommand.self, UndrainCommand.self, SwitchCommand.self, DrillCommand.self, ImportCommand.self,
            EventsCommand.self, ReplayCommand.self, DNSCommand.self, DoctorCommand.self,
        ]
    )

    @OptionGroup var connection: ConnectionOptions

    /// Whatever a command says of itself, it has failed where what was asked for could not be written.
    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            complainOfOutput()
            exit(withError: error)
        }
        if complainOfOutput() { exit(withError: ExitCode(1)) }
    }

    @discardableResult
    private static func complainOfOutput() -> Bool {
        guard let failure = StandardStream.outputFailure else { return false }
        StandardStream.error.write("pnetctl: \(failure)\n")
        return true
    }
}
