// SPDX-License-Identifier: Apache-2.0

import Configuration
import SystemIO

/// Reads the file that a running agent is to take in, on a thread of its own: zone files of 12 MiB take two seconds, and
/// neither probes nor decisions wait for them. The agent's first file is read before its loop runs.
final class ConfigurationLoader {
    typealias Outcome = Result<LoadedConfiguration, ConfigurationErrors>

    /// How many may wait for the file: no fewer than there can be clients.
    static let limit = 100

    private let read: @Sendable () -> Outcome
    private let thread: SideThread<Outcome>
    /// Those who asked since the last reading began.
    private var waiting: [(Outcome) -> Void] = []

    /// - Parameter read: what is done on the thread.
    init(on loop: EventLoop, read: @escaping @Sendable () -> Outcome) throws(SystemError) {
        self.read = read
        thread = try SideThread("configuration", on: loop)
    }

    /// Reads the file as it is from now on, and calls back on the loop's thread: those who asked earlier first. All who ask
    /// while it is being read share the next reading.
    ///
    /// - Returns: whether it will be called; not where too many wait.
    func load(_ done: @escaping (Outcome) -> Void) -> Bool {
        guard waiting.count < Self.limit else { return false }
        waiting.append(done)
        begin()
        return true
    }

    private func begin() {
        guard !thread.isBusy, !waiting.isEmpty else { return }
        let served = waiting
        waiting = []
        thread.begin(read) { [weak self] outcome in
            // What they put in force is there when the next reading begins.
            for call in served { call(outcome) }
            self?.begin()
        }
    }
}
