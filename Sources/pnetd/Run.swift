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

    @Flag(help: "Resolver, frontend and userspace WireGuard are units of systemd's: start none of them, stop none.")
    var supervised = false

    @Option(help: "The least level that is logged: debug, info, notice, warning, error.")
    var logLevel: Logger.Level = .info

    /// What the agent works with.
    private static let capabilities: Set<Capability> = [.networkAdministration, .rawSockets]
    /// Held ready: to bind ports below 1024, at start and when the file names others, and, to start only, to give the
    /// control socket to its group.
    private static let toStart: Set<Capability> = [.bindService, .changeOwner]
    /// Held ready where nobody else starts the other processes: what these need to become users without privilege.
    private static let toStartOthers = toStart.union([.setUser, .setGroup, .setCapabilities])

    /// EX_CONFIG of sysexits(3): starting again does not help.
    private static let invalidFile: Int32 = 78

    func run() throws {
        // First of all, while there is but one thread, and before anything is read.
        try Privileges.keepMemoryPrivate()
        let missing = try Privileges.keep(Self.capabilities, inReserve: supervised ? Self.toStart : Self.toStartOthers)
        let signals = try SignalSource([SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGPIPE])
        LoggingSystem.bootstrap { _ in LogLines() }
        var log = Logger(label: "pnetd")
        log.logLevel = logLevel
        guard missing.isEmpty else {
            let names = missing.map(\.description).sorted().joined(separator: " and ")
            log.error("pnetd may not do its work without \(names): run it as root, or by its systemd unit")
            throw ExitCode(1)
        }
        let manager = ServiceManager.ofThisProcess()
        var loaded: LoadedConfiguration
        var isRolledBack = false
        do {
            loaded = try Configuration.load(path: config, zoneFiles: .dispensable())
            if let unconfirmed = UnconfirmedFile.ofTrial(loaded, in: loaded.configuration.state.directory) {
                do {
                    loaded = try unconfirmed.readBefore(as: config)
                    isRolledBack = true
                    log.error("\(config) was applied on trial and never confirmed: the file before it is in force")
                } catch {
                    for line in error.diagnostics { log.error("the file before the one on trial: \(line)") }
                    log.error(
                        "\(config) was never confirmed, but the file before it is not valid any more: going by it"
                    )
                }
            }
        } catch {
            for line in error.diagnostics { log.error("\(line)") }
            throw ExitCode(Self.invalidFile)
        }
        for warning in loaded.warnings { log.warning("\(warning)") }
        let runtime = loaded.configuration.state.runtimeDirectory
        do {
            try Files.makeDirectory(runtime)
            let lock = try Files.lock("\(runtime)/agent.lock")
            // Given away: a copy that lives here as long as the agent would keep keys that a reload has replaced.
            let agent = try Agent(
                consume loaded,
                file: config,
                log: log,
                manager: manager,
                isSupervised: supervised,
                isRolledBack: isRolledBack
            )
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
