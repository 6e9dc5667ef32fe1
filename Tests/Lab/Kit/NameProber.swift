// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes
import SystemIO

/// A stream of questions for a few names and all types that lead to addresses, and what each answer led to.
public final class NameProber {
    /// Where an answer leads.
    public enum Realm: Hashable, Sendable {
        case `private`
        case `public`
        /// SERVFAIL.
        case nowhere
        /// There is no such record, or no such name.
        case nothing
    }

    /// One answer.
    public struct Answer: Sendable {
        /// When the question went out.
        public let asked: Instant
        /// When the answer came.
        public let came: Instant
        /// `NAME TYPE`.
        public let question: String
        /// Where it leads.
        public let realm: Realm
        /// Whether addresses of both kinds are in it.
        public let isMixed: Bool
    }

    private let process: Background

    /// Begins to ask the site's resolver.
    public init(_ lab: Lab, for names: [String], every interval: Duration) throws {
        let script = #filePath.split(separator: "/").dropLast(2).map { "/\($0)" }.joined() + "/name_prober.py"
        let microseconds = Int(Stage.here.limit(interval) / .microseconds(1))
        process = try lab.site.start(
            "prober-\(UInt32.random(in: 0...UInt32.max))",
            ["python3", "-u", script, "10.1.0.1", "\(microseconds)"] + names
        )
    }

    /// Ends it and reads what it saw, in the order of the questions.
    public func stop() throws -> [Answer] {
        process.signal(SIGTERM)
        try process.wait()
        return process.output.split(separator: "\n").compactMap(Self.answer).sorted { $0.asked < $1.asked }
    }

    private static func answer(_ line: Substring) -> Answer? {
        let words = line.split(separator: " ")
        guard words.count == 6, let asked = Int64(words[0]), let came = Int64(words[1]) else { return nil }
        let addresses = words[5].split(separator: ",")
        let inside = addresses.filter { $0.hasPrefix("10.20.") || $0.hasPrefix("fd00:20:") }
        let realm: Realm =
            if words[4] == "2" { .nowhere } else if words[5] == "-" { .nothing } else {
                inside.count == addresses.count ? .private : .public
            }
        return Answer(
            asked: Instant(nanoseconds: asked),
            came: Instant(nanoseconds: came),
            question: "\(words[2]) \(words[3])",
            realm: realm,
            isMixed: !inside.isEmpty && inside.count < addresses.count
        )
    }
}
