// SPDX-License-Identifier: Apache-2.0

import CLinux

/// A thread of its own, for work that must not share one; it is joined when the owner asks, else left to itself.
public struct SystemThread: ~Copyable {
    private let thread: pthread_t

    private final class Start {
        let name: String
        let body: () -> Void

        init(name: String, body: @escaping () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Starts a thread. Its name, of which the kernel keeps 15 octets, is what top(1) shows.
    public init(name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
        var thread = pthread_t()
        let start = unsafe Unmanaged.passRetained(Start(name: String(name.prefix(15)), body: body))
        let code = unsafe pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                unsafe pthread_setname_np(pthread_self(), start.name)
                start.body()
                return nil
            },
            start.toOpaque()
        )
        guard code == 0 else {
            unsafe start.release()
            throw SystemError(operation: "start thread \(name)", code: code)
        }
        self.thread = thread
    }

    deinit {
        pthread_detach(thread)
    }

    /// Waits for the thread's body to end.
    public consuming func join() {
        pthread_join(thread, nil)
        discard self
    }
}
