// SPDX-License-Identifier: Apache-2.0

public import CLinux
import SystemIO

/// What the kernel says of a thread in /proc/PID/task/TID/status (proc(5)).
public struct ThreadStatus: Sendable {
    private let lines: [String: String]

    /// The value of a line, words separated by one space.
    public subscript(_ name: String) -> String? { lines[name] }

    /// A set of capabilities, 1 << CAP_X, as of `CapEff`.
    public func capabilities(_ name: String) -> UInt64? { lines[name].flatMap { UInt64($0, radix: 16) } }

    /// The threads of a process. Throws where it is gone.
    public static func all(of pid: pid_t) throws -> [ThreadStatus] {
        try Program.must(["ls", "/proc/\(pid)/task"]).split(separator: "\n").map { thread in
            let status = try Files.read("/proc/\(pid)/task/\(thread)/status")
            let pairs = String(decoding: status, as: UTF8.self).split(separator: "\n").map { line in
                let parts = line.split(separator: ":", maxSplits: 1)
                let value = parts.last?.split { $0 == "\t" || $0 == " " }.joined(separator: " ") ?? ""
                return (String(parts[0]), value)
            }
            return ThreadStatus(lines: Dictionary(pairs) { first, _ in first })
        }
    }
}
