// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO

/// Commands that stand beside pnetd's own work.
enum Shell {
    struct Failure: Error {
        let command: String
    }

    static func run(_ command: String) throws {
        let pid = try ChildProcess.spawn("/bin/sh", arguments: ["-ec", command])
        guard try ChildProcess.wait(for: pid) == .status(0) else { throw Failure(command: command) }
    }

    static func time(_ work: () throws -> Void) rethrows -> Duration {
        let clock = SystemClock()
        let start = clock.now
        try work()
        return clock.now - start
    }
}

extension Duration {
    /// Microseconds, for RESULT lines.
    var microseconds: Int64 { nanoseconds / 1_000 }
}

/// Values that came out of several rounds.
struct Rounds {
    private let sorted: [Duration]

    init(_ values: [Duration]) { sorted = values.sorted() }

    var median: Duration { sorted[sorted.count / 2] }
    var most: Duration { sorted[sorted.count - 1] }
}

func result(_ name: String, _ fields: [(String, String)]) {
    let text = fields.map { "\($0.0)=\($0.1)" }.joined(separator: " ")
    StandardStream.output.write("RESULT \(name) \(text)\n")
}

func ratio(_ own: Duration, _ other: Duration) -> String {
    let hundredths = own.nanoseconds * 100 / max(other.nanoseconds, 1)
    return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
}
