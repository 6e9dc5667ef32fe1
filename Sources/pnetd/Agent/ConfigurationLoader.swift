// SPDX-License-Identifier: Apache-2.0

import Configuration
import Synchronization
import SystemIO

/// Reads the file that a running agent is to take in, on a thread of its own: zone files of 12 MiB take two seconds, and
/// neither probes nor decisions wait for them. The agent's first file is read before its loop runs.
final class ConfigurationLoader {
    typealias Outcome = Result<LoadedConfiguration, ConfigurationErrors>

    /// What the thread leaves for the loop.
    private final class Tray: Sendable {
        private let outcomes = Mutex<[Outcome]>([])
        let wakeUp: WakeUp

        init() throws(SystemError) { wakeUp = try WakeUp() }

        func put(_ outcome: Outcome) {
            outcomes.withLock { $0.append(outcome) }
            wakeUp.signal()
        }

        func take() -> [Outcome] {
            wakeUp.drain()
            return outcomes.withLock { outcomes in
                defer { outcomes = [] }
                return outcomes
            }
        }
    }

    /// How many may wait for the file: no fewer than there can be clients.
    static let limit = 100

    private let read: @Sendable () -> Outcome
    private let loop: EventLoop
    private let tray: Tray
    /// Those for whom the file is being read.
    private var served: [(Outcome) -> Void] = []
    /// Those who asked since that began.
    private var waiting: [(Outcome) -> Void] = []

    /// - Parameter read: what is done on the thread.
    init(on loop: EventLoop, read: @escaping @Sendable () -> Outcome) throws(SystemError) {
        self.loop = loop
        self.read = read
        tray = try Tray()
        try loop.watch(tray.wakeUp.raw) { [weak self] _ in self?.finish() }
    }

    deinit { loop.unwatch(tray.wakeUp.raw) }

    /// Reads the file as it is from now on, and calls back on the loop's thread: those who asked earlier first. All who ask
    /// while it is being read share the next reading.
    ///
    /// - Returns: whether it will be called; not where too many wait.
    func load(_ done: @escaping (Outcome) -> Void) -> Bool {
        guard waiting.count < Self.limit else { return false }
        waiting.append(done)
        if served.isEmpty { begin() }
        return true
    }

    private func begin() {
        (served, waiting) = (waiting, [])
        guard !served.isEmpty else { return }
        do {
            _ = try SystemThread(name: "configuration") { [tray, read] in tray.put(read()) }
        } catch {
            // Better late than never.
            tray.put(read())
        }
    }

    private func finish() {
        for outcome in tray.take() {
            let done = served
            begin()
            for call in done { call(outcome) }
        }
    }
}
