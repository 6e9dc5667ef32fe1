// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SystemIO

/// `pnetd wireguard PROGRAM ...`: becomes userspace WireGuard with the one capability that it needs, as its unit would
/// have it. It reads what strangers send.
struct WireGuardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wireguard",
        abstract: "Runs userspace WireGuard with no more power than it needs; started by the agent.",
        shouldDisplay: false
    )

    @Argument(parsing: .captureForPassthrough, help: "The program, by absolute path, and its arguments.")
    var command: [String]

    func run() throws {
        try Privileges.keepMemoryPrivate()
        _ = try Privileges.keep([.networkAdministration], inReserve: [])
        throw ChildProcess.become(command)
    }
}
