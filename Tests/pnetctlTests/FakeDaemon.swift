// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CLinux
import ControlAPI
import SystemIO
import Testing

@testable import pnetctl

/// Stands where pnetd would: takes one question, gives the lines that the test wants, closes.
///
/// It has a thread of its own: the client blocks, and would starve a task of the pool that both share.
final class FakeDaemon {
    private let listener: UnixListener
    private let answers: [String]
    private var question = ""

    private init(_ path: String, _ answers: [String]) throws {
        listener = try UnixListener(path: path, mode: 0o600, group: nil)
        self.answers = answers
    }

    /// Runs the client beside it; gives back what the client made of the answers, and the question.
    static func answering<Answer>(
        _ answers: [String],
        to client: (ControlClient) throws -> Answer
    ) throws -> (answer: Answer, question: String) {
        let path = "/tmp/pnetctl-test-\(UInt64.random(in: 0...UInt64.max)).sock"
        let daemon = try FakeDaemon(path, answers)
        var thread = pthread_t()
        let started = unsafe pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                try? unsafe Unmanaged<FakeDaemon>.fromOpaque(argument).takeRetainedValue().serve()
                return nil
            },
            Unmanaged.passRetained(daemon).toOpaque()
        )
        try #require(started == 0)
        let answer = Result { try client(ControlClient(socket: path)) }
        pthread_join(thread, nil)
        return (try answer.get(), daemon.question)
    }

    private func serve() throws {
        // Ten seconds: a client that never comes must not hang the tests.
        for _ in 0..<10_000 {
            guard let connection = try listener.accept() else {
                usleep(1000)
                continue
            }
            var octets: [UInt8] = []
            while octets.last != UInt8(ascii: "\n"), connection.waitUntilReadable(for: .seconds(5)) {
                octets += try connection.read(upTo: 4096) ?? []
            }
            question = String(decoding: octets, as: UTF8.self)
            for answer in answers {
                var rest = Array((answer + "\n").utf8)[...]
                while !rest.isEmpty { rest = rest.dropFirst(try connection.write(Array(rest).span)) }
            }
            return
        }
    }

    /// What a command line exits with.
    static func exitStatus(of arguments: [String]) throws -> Int32 {
        do {
            var command = try Pnetctl.parseAsRoot(arguments)
            try command.run()
            return 0
        } catch {
            return Pnetctl.exitCode(for: error).rawValue
        }
    }

    static func line(_ result: some Hashable & Sendable & Codable) throws -> String {
        String(decoding: try ControlLine.encode(ControlResponse.result(result)).dropLast(), as: UTF8.self)
    }
}
