// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlAPI

/// The program that systemd starts: one binary, one subcommand a process.
@main
struct PnetdCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pnetd",
        abstract: "Keeps the private paths between a site and its cloud, and the names and routes that use them.",
        version: Version.text,
        subcommands: [
            Run.self, ResolverCommand.self, GuardCommand.self, RestoreNamesCommand.self, WireGuardCommand.self,
        ]
    )
}
