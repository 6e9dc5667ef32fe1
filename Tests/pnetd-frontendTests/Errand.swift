// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO

/// A program that runs beside a test, and what it says.
final class Errand {
    let pid: pid_t
    private let pipe: FileDescriptor
    private var octets: [UInt8] = []
    private(set) var exit: ChildProcess.Exit?

    init(_ command: [String]) throws {
        let pipe = try Pipe()
        pid = try ChildProcess.spawn(
            "/usr/bin/env",
            arguments: command,
            output: pipe.writer.raw,
            error: pipe.writer.raw
        )
        self.pipe = try pipe.reader.duplicate()
    }

    /// Standard output and standard error, mixed.
    var output: String { String(decoding: octets, as: UTF8.self) }

    /// Whether the program has ended; never waits.
    func isOver() throws -> Bool {
        while exit == nil, let part = try pipe.read(upTo: 1 << 16) {
            octets += part
            if part.isEmpty { exit = try ChildProcess.wait(for: pid) }
        }
        return exit != nil
    }

    /// Runs a program to its end.
    static func run(_ command: [String]) throws -> (output: String, exit: ChildProcess.Exit?) {
        let errand = try Errand(command)
        while try !errand.isOver() { _ = errand.pipe.waitUntilReadable(for: .seconds(1)) }
        return (errand.output, errand.exit)
    }
}
