// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CLinux
import Logging
import ProcessLink
import SystemIO
import Telemetry

/// `pnetd resolver`: the process that speaks DNS and may do nothing else.
struct ResolverCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resolver",
        abstract: "Answers DNS as the agent says; started by the agent or by pnetd-resolver.service."
    )

    @Option(help: "The agent's private socket for the resolver.")
    var socket = "/run/pnetd/resolver.sock"

    func run() throws {
        // First of all, while there is but one thread.
        try Privileges.dropAll(becoming: LinkRole.resolver.account)
        Privileges.raiseDescriptorLimit()
        try ResolverSystemCalls.filter.install()
        LoggingSystem.bootstrap { _ in LogLines() }
        let loop = try EventLoop()
        let signals = try SignalSource([SIGTERM, SIGINT, SIGPIPE])
        try signals.attach(to: loop) { signal in
            if signal != SIGPIPE { loop.stop() }
        }
        let process = try ResolverProcess(socketPath: socket, loop: loop)
        let manager = ServiceManager.ofThisProcess()
        manager.startWatchdog(on: loop)
        manager.tell("READY=1")
        try process.run()
    }
}
