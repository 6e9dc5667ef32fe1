// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CLinux
import Logging
import PrivateDNS
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

    private static let patience = Duration.seconds(10)

    func run() throws {
        // First of all, while there is but one thread.
        try Privileges.dropAll(becoming: LinkRole.resolver.account)
        Privileges.raiseDescriptorLimit()
        TrustAnchors.prepare()
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
        var isReady = false
        let ready = {
            if !isReady { manager.tell("READY=1") }
            isReady = true
        }
        process.onServing = ready
        // Without an agent there is nothing to serve yet, and nobody is to be kept waiting for that.
        loop.schedule(after: Self.patience, ready)
        try process.run()
        if process.wasToldToEnd { throw ExitCode(LinkRole.toldToEnd) }
    }
}
