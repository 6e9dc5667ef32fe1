// SPDX-License-Identifier: Apache-2.0

import CLinux
import Synchronization

/// Closes descriptors that came from others, on a thread of its own.
///
/// Whoever closes a file last waits as long as the file likes: a TCP connection as long as its maker said (SO_LINGER,
/// socket(7)), a file of somebody's own file system for ever (FUSE). A thread that others depend on must not be that one.
public enum DescriptorDisposal {
    private struct State: ~Copyable {
        var waiting: [Int32] = []
        var isRunning = false
    }

    private static let state = Mutex(State())

    /// How many wait to be closed. Where it grows, somebody makes closing slow on purpose.
    public static var backlog: Int { state.withLock { $0.waiting.count } }

    /// Takes the descriptors over; they are closed soon.
    public static func close(_ descriptors: [Int32]) {
        guard !descriptors.isEmpty else { return }
        for descriptor in descriptors { abandon(descriptor) }
        let mustStart = state.withLock { state in
            state.waiting += descriptors
            defer { state.isRunning = true }
            return !state.isRunning
        }
        guard mustStart else { return }
        do {
            // It ends when nothing is left, so there is nobody to join it.
            _ = try SystemThread(name: "disposal") { closeAll() }
        } catch {
            closeAll()
        }
    }

    private static func closeAll() {
        while true {
            let next = state.withLock { state in
                if state.waiting.isEmpty { state.isRunning = false }
                return state.waiting.popLast()
            }
            guard let next else { return }
            CLinux.close(next)
        }
    }

    /// A connection goes without a word for what is still in it: in nearly all cases nobody waits at all.
    private static func abandon(_ descriptor: Int32) {
        var now = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
    }
}
