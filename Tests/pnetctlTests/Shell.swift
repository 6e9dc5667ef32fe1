// SPDX-License-Identifier: Apache-2.0

import SystemIO

/// Runs lines of shell in which `$PNETCTL` is the program.
enum Shell {
    private static let program = {
        let own = (try? Files.linkTarget("/proc/self/exe")) ?? ""
        return own.prefix(through: own.lastIndex(of: "/") ?? own.startIndex) + "pnetctl"
    }()

    static func run(_ line: String) throws -> (exit: ChildProcess.Exit, output: String, error: String) {
        let output = try Pipe()
        let error = try Pipe()
        let pid = try ChildProcess.spawn(
            "/bin/sh",
            arguments: ["-c", line],
            environment: ["PNETCTL": String(program), "PATH": "/usr/bin:/bin"],
            output: output.writer.raw,
            error: error.writer.raw
        )
        // What is written fits into the pipes.
        let exit = try ChildProcess.wait(for: pid)
        return (exit, try text(of: output), try text(of: error))
    }

    private static func text(of pipe: borrowing Pipe) throws -> String {
        String(decoding: try pipe.reader.read(upTo: 1 << 16) ?? [], as: UTF8.self)
    }
}
