// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Configuration
import Logging
import SystemIO
import Telemetry
import Tunnel

/// `pnetd guard`: guards the protected prefixes before any link is up, and ends.
///
/// It goes by the copy of what the agent applied last, so a file that has become invalid since opens nothing. Only
/// where there is no copy, as before the first start of an agent, the file is read.
struct GuardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "guard",
        abstract: "Puts the guard in place as it was last applied; for the time before the agent starts."
    )

    @Option(help: "The state directory.")
    var state = StateConfiguration.standard.directory

    @Option(help: "The runtime directory, where the lock of an agent is.")
    var runtime = StateConfiguration.standard.runtimeDirectory

    @Option(name: .shortAndLong, help: "The file to go by where nothing was ever applied.")
    var config = "/etc/pnetd/pnetd.yaml"

    func run() throws {
        // First of all, and before anything is read.
        try Privileges.keepMemoryPrivate()
        _ = try Privileges.keep([.networkAdministration], inReserve: [])
        LoggingSystem.bootstrap { _ in LogLines() }
        let log = Logger(label: "pnetd.guard")
        guard let copy = copyLastApplied(log) ?? copyOfFile(log) else {
            log.error("nothing is guarded: there is neither a copy of what was applied last nor a valid file")
            throw ExitCode(1)
        }
        do {
            let (changes, failures) = try copy.putInPlace(replacing: !isAgentAtWork)
            for change in changes { log.info("guard: \(change)") }
            for failure in failures { log.error("guard: \(failure)") }
            guard failures.isEmpty else { throw ExitCode(1) }
            log.notice("\(copy.prefixes.count) prefixes are guarded", metadata: ["changes": "\(changes.count)"])
        } catch let error as NetlinkError {
            log.error("guard: \(error)")
            throw ExitCode(1)
        }
    }

    /// An agent holds its lock for as long as it lives.
    private var isAgentAtWork: Bool {
        do {
            return try Files.isLocked("\(runtime)/agent.lock")
        } catch {
            return false
        }
    }

    private func copyLastApplied(_ log: Logger) -> GuardCopy? {
        do {
            return try GuardFile(in: state).load()
        } catch {
            log.error("\(error); going by \(config)")
            return nil
        }
    }

    private func copyOfFile(_ log: Logger) -> GuardCopy? {
        do {
            let site = try Configuration.load(path: config, credentials: .ofTheService, zoneFiles: .dispensable())
                .configuration
            var (slots, _) = SavedState.load(from: state)
            slots.assignSlots(site)
            return GuardCopy(of: Desired(site, slots: slots, outcomes: [:], endpoints: EndpointBook()))
        } catch {
            for line in error.diagnostics { log.error("\(line)") }
            return nil
        }
    }
}
