// SPDX-License-Identifier: Apache-2.0

import CLinux
import Lab
import Synchronization
import SystemIO

/// The benchmark runs as another process of the same program, so that what it leaves behind is swept away however it
/// ends.
enum Supervision {
    private static let child = Atomic<pid_t>(0)
    private static let mark = "PNETD_BENCH_SUPERVISED"

    /// Whether this is the process that does the work.
    static var isSupervised: Bool { unsafe getenv(mark) != nil }

    /// Runs the work to its end, sweeps up, and exits as it did.
    static func run() throws -> Never {
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number) { _ in kill(Supervision.child.load(ordering: .relaxed), SIGKILL) }
        }
        unsafe setenv(mark, "1", 1)
        let pid = try ChildProcess.spawn("/proc/self/exe", arguments: Array(CommandLine.arguments.dropFirst()))
        child.store(pid, ordering: .relaxed)
        let ended = try ChildProcess.wait(for: pid)
        try Lab.sweep()
        switch ended {
        case .status(let status): exit(status)
        case .signal(let number): exit(128 + number)
        }
    }
}
