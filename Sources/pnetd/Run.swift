// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
import CLinux
import Configuration
public import Logging
import SystemIO
import Telemetry

/// `pnetd run`: the agent.
struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Runs the agent.")

    @Option(name: .shortAndLong, help: "The file that says what to do.")
    var config = "/etc/pnetd/pnetd.yaml"

    @Option(help: "The least level that is logged: debug, info, notice, warning, error.")
    var logLevel: Logger.Level = .info

    func run() throws {
        // Before the first key is read; wireguard-go, which gets them too, inherits the limit.
        try Privileges.keepMemoryPrivate()
        let signals = try SignalSource([SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGPIPE])
        LoggingSystem.bootstrap { _ in LogLines() }
        var log = Logger(label: "pnetd")
        log.logLevel = logLevel
        let loaded: LoadedConfiguration
        do {
            loaded = try Configuration.load(path: config)
        } catch {
            for line in error.diagnostics { log.error("\(line)") }
            throw ExitCode(1)
        }
        let runtime = loaded.configuration.state.runtimeDirectory
        do {
            try Files.makeDirectory(runtime)
            let lock = try Files.lock("\(runtime)/agent.lock")
            // Given away: a copy that lives here as long as the agent would keep keys that a reload has replaced.
            let agent = try Agent(consume loaded, file: config, log: log)
            try agent.run(signals)
            _ = lock.raw
        } catch let error as SystemError where error.isTaken {
            log.error("another pnetd runs on \(runtime): \(error)")
            throw ExitCode(1)
        } catch {
            log.error("\(error)")
            throw ExitCode(1)
        }
    }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}
