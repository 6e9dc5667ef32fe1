// SPDX-License-Identifier: Apache-2.0

import CLinux

/// Signals as events of a loop, through signalfd(2). They are blocked for the whole process from then on.
public struct SignalSource: ~Copyable {
    private let descriptor: FileDescriptor

    /// Blocks the signals and opens a descriptor for them; to be called before any thread exists.
    public init(_ signals: [Int32]) throws(SystemError) {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in signals { unsafe sigaddset(&set, signal) }
        guard unsafe sigprocmask(SIG_BLOCK, &set, nil) == 0 else { throw .last("sigprocmask") }
        let flags = Int32(SFD_CLOEXEC | SFD_NONBLOCK)
        descriptor = unsafe try FileDescriptor(signalfd(-1, &set, flags), from: "signalfd")
    }

    /// Calls the handler with each signal's number. The source must outlive the loop's watch.
    public func attach(to loop: EventLoop, handler: @escaping (Int32) -> Void) throws(SystemError) {
        let raw = descriptor.raw
        try loop.watch(raw) { _ in
            var info = signalfd_siginfo()
            while unsafe read(raw, &info, MemoryLayout<signalfd_siginfo>.size) == MemoryLayout<signalfd_siginfo>.size {
                handler(Int32(info.ssi_signo))
            }
        }
    }
}
