// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// The agent and the resolver are one program; which of them runs is said by the first argument.
struct PNetd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pnetd",
        abstract: "Keeps private paths to the cloud up, and routes, names and firewall in agreement with them.",
        version: Version.text,
        subcommands: [Run.self]
    )
}

PNetd.main()
