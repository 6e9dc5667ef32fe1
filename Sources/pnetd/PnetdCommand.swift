// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// The program that systemd starts: one binary, one subcommand a process.
@main
struct PnetdCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pnetd",
        abstract: "Keeps the private paths between a site and its cloud, and the names and routes that use them.",
        subcommands: [ResolverCommand.self]
    )
}
