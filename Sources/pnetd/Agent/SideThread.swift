// SPDX-License-Identifier: Apache-2.0

import Synchronization
import SystemIO

/// Does what takes long on a thread of its own, one thing at a time, and tells the loop how it went.
final class SideThread<Outcome: Sendable> {
    /// What the thread leaves for the loop.
    private final class Tray: Sendable {
        private let outcome = Mutex<Outcome?>(nil)
        let wakeUp: WakeUp

        init() throws(SystemError) { wakeUp = try WakeUp() }

        func put(_ new: Outcome) {
            outcome.withLock { $0 = new }
            wakeUp.signal()
        }

        func take() -> Outcome? {
            wakeUp.drain()
            return outcome.withLock { $0.take() }
        }
    }

    private let name: String
    private let loop: EventLoop
    private let tray: Tray
    private var done: ((Outcome) -> Void)?

    /// - Parameter name: the thread's, up to 15 octets.
    init(_ name: String, on loop: EventLoop) throws(SystemError) {
        self.name = name
        self.loop = loop
        tray = try Tray()
        try loop.watch(tray.wakeUp.raw) { [weak self] _ in self?.finish() }
    }

    deinit { loop.unwatch(tray.wakeUp.raw) }

    /// Whether something is being done.
    var isBusy: Bool { done != nil }

    /// Begins, unless it is busy, and calls back on the loop's thread.
    func begin(_ work: @escaping @Sendable () -> Outcome, _ done: @escaping (Outcome) -> Void) {
        precondition(!isBusy, "one thing at a time")
        self.done = done
        do {
            _ = try SystemThread(name: name) { [tray] in tray.put(work()) }
        } catch {
            // Better late than never.
            tray.put(work())
        }
    }

    private func finish() {
        guard let outcome = tray.take(), let done else { return }
        self.done = nil
        done(outcome)
    }
}
