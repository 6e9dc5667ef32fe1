// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Configuration
import ControlAPI
import SystemIO

/// Which pnetd is asked; before the command or behind it.
struct ConnectionOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The control socket of pnetd.", valueName: "path"))
    var socket = ControlConfiguration.defaultSocket

    var client: ControlClient { ControlClient(socket: socket) }
}

/// Does what a command does; says what went wrong on standard error and ends with the status that goes with it.
///
/// `refusal` is the status where pnetd answered, and refused.
func reportingFailures(refusal: Int32, _ body: () throws(ControlFailure) -> Int32) throws {
    let status: Int32
    do {
        status = try body()
    } catch {
        StandardStream.error.write("pnetctl: \(error)\n")
        if case .refused = error { throw ExitCode(refusal) }
        throw ExitCode(StatusReport.exitCodeWithoutDaemon)
    }
    if status != 0 { throw ExitCode(status) }
}
