// SPDX-License-Identifier: Apache-2.0

import CLinux
public import SystemIO

/// Programs that the lab runs to their end, and what they said.
public enum Program {
    /// A program that ended otherwise than it should.
    public struct Failure: Error, CustomStringConvertible {
        /// What was run.
        public let command: [String]
        /// How it ended.
        public let exit: ChildProcess.Exit
        /// What it said.
        public let output: String

        /// All of it in words.
        public var description: String { "\(command.joined(separator: " ")): \(exit)\n\(output)" }
    }

    /// What a program said and how it ended.
    public struct Result: Sendable {
        /// Standard output and standard error, mixed.
        public let output: String
        /// How it ended.
        public let exit: ChildProcess.Exit

        /// The exit status; 128 and the signal's number where a signal ended it.
        public var status: Int32 {
            switch exit {
            case .status(let status): status
            case .signal(let signal): 128 + signal
            }
        }
    }

    /// Runs a program, found like a shell would, and waits for its end. Throws where it cannot be started.
    public static func run(_ command: [String], input: String = "") throws -> Result {
        var output: [Int32] = [0, 0]
        var feed: [Int32] = [0, 0]
        guard unsafe pipe2(&output, O_CLOEXEC) == 0, unsafe pipe2(&feed, O_CLOEXEC) == 0 else {
            throw SystemError.last("make a pipe")
        }
        let reader = FileDescriptor(owning: output[0])
        let pid: pid_t
        do {
            let writer = FileDescriptor(owning: output[1])
            let inputEnd = FileDescriptor(owning: feed[0])
            let byPath = command.first?.hasPrefix("/") == true
            pid = try ChildProcess.spawn(
                byPath ? command[0] : "/usr/bin/env",
                arguments: byPath ? Array(command.dropFirst()) : command,
                input: inputEnd.raw,
                output: writer.raw,
                error: writer.raw
            )
        }
        do {
            let feeder = FileDescriptor(owning: feed[1])
            var rest = Array(input.utf8)[...]
            while !rest.isEmpty {
                let count = unsafe rest.withUnsafeBytes { unsafe write(feeder.raw, $0.baseAddress, $0.count) }
                guard count > 0 else { break }
                rest = rest.dropFirst(count)
            }
        }
        var bytes: [UInt8] = []
        while let part = try reader.read(upTo: 1 << 16), !part.isEmpty { bytes += part }
        return Result(output: String(decoding: bytes, as: UTF8.self), exit: try ChildProcess.wait(for: pid))
    }

    /// Runs a program that must succeed; returns what it said.
    @discardableResult
    public static func must(_ command: [String], input: String = "") throws -> String {
        let result = try run(command, input: input)
        guard result.status == 0 else { throw Failure(command: command, exit: result.exit, output: result.output) }
        return result.output
    }
}
