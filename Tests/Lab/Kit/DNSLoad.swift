// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO

/// A stream of questions from the site to its own resolver, at a fixed rate, by dnsperf.
public final class DNSLoad {
    private let process: Background

    /// Begins to ask over UDP for names of both kinds, local and forwarded.
    /// - Parameters:
    ///   - rate: questions a second; fewer on a slow stage.
    ///   - time: after how long it ends, as the host counts it.
    public init(_ lab: Lab, rate: Int, for time: Duration) throws {
        let questions = try lab.site.write(
            "questions",
            "historian.plant.internal A\nhub1.privatelink.azure-devices.net A\nhub2.privatelink.azure-devices.net A\n"
        )
        let seconds = Stage.here.limit(time).components.seconds
        process = try lab.site.start(
            "dnsperf-\(UInt32.random(in: 0...UInt32.max))",
            "dnsperf",
            "-s",
            "10.1.0.1",
            "-d",
            questions,
            "-Q",
            "\(max(1, rate / Stage.here.patience))",
            "-l",
            "\(seconds)",
            "-t",
            "\(3 * Stage.here.patience)"
        )
    }

    /// What became of the questions.
    public struct Result: Sendable {
        /// Questions asked.
        public let sent: Int
        /// Those without an answer within three seconds; what was under way at the end is none.
        public let lost: Int
        /// Those answered SERVFAIL.
        public let failed: Int
    }

    /// How many of the questions that it gave up were answered all the same. On a slow machine dnsperf 2.10 gives its
    /// first one up while it sends it: the thread that looks for answers sees a question without a time.
    private func answeredAfterAll(_ lines: [Substring]) -> Int {
        func ids(_ start: String) -> Set<Substring> {
            Set(lines.filter { $0.hasPrefix(start) }.compactMap { $0.split(separator: " ").last })
        }
        let givenUp = ids("[Timeout] Query timed out: msg id ")
        return givenUp.intersection(ids("Warning: received a response with an unexpected")).count
    }

    /// Ends it before its time.
    public func stop() throws -> Result {
        process.signal(SIGINT)
        return try wait()
    }

    /// Waits for its end.
    public func wait() throws -> Result {
        try process.wait()
        // `  Queries lost:         3 (0.05%)` and `  Response codes:       NOERROR 5997 (99.95%), SERVFAIL 3 (0.05%)`
        let lines = process.output.split(separator: "\n")
        func number(after label: String, in text: some StringProtocol) -> Int? {
            guard let range = text.firstRange(of: label) else { return nil }
            return Int(text[range.upperBound...].drop { $0 == " " }.prefix { $0.isNumber })
        }
        func number(after label: String) -> Int? { lines.lazy.compactMap { number(after: label, in: $0) }.first }
        guard let sent = number(after: "Queries sent:"), let lost = number(after: "Queries lost:") else {
            throw TimedOut(description: "dnsperf said nothing of its questions:\n\(process.output)")
        }
        return Result(sent: sent, lost: lost - answeredAfterAll(lines), failed: number(after: "SERVFAIL") ?? 0)
    }
}
