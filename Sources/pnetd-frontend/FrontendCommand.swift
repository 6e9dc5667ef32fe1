// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CLinux
import ControlAPI
import Logging
import ProcessLink
import SystemIO
import Telemetry

/// `pnetd-frontend`: the process that speaks HTTP and TLS, and may do nothing else.
@main
struct FrontendCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pnetd-frontend",
        abstract:
            "Serves metrics, health and names over TLS, and delivers alerts; started by pnetd or its own unit.",
        version: Version.text
    )

    @Option(help: "The agent's private socket for the frontend.")
    var socket = "/run/pnetd/frontend.sock"

    func run() throws {
        // First of all, while there is but one thread: capabilities are per thread.
        try Privileges.dropAll(becoming: LinkRole.frontend.account)
        Privileges.raiseDescriptorLimit()
        // SIGPIPE is blocked, not handled: a receiver that hangs up shows as a failed write.
        let signals = try SignalSource([SIGTERM, SIGINT, SIGCHLD, SIGPIPE])
        LoggingSystem.bootstrap { _ in LogLines() }
        let manager = ServiceManager.ofThisProcess()
        let loop = try EventLoop()
        let process = try FrontendProcess(socketPath: socket, loop: loop)
        try signals.attach(to: loop) { signal in
            switch signal {
            case SIGCHLD: process.reapChildren()
            case SIGTERM, SIGINT: process.end()
            default: break
            }
        }
        manager.startWatchdog(on: loop)
        manager.tell("READY=1")
        try process.run()
        if process.wasToldToEnd { throw ExitCode(LinkRole.toldToEnd) }
    }
}
