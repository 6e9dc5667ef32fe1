// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// How the answer to a question comes about.
public struct NameExplanation: Hashable, Sendable, Codable {
    /// The name that was asked for.
    public var name: DomainName
    /// The type, as in `AAAA`.
    public var type: String
    /// The answer's code, as in `NOERROR`; null where the resolver could not answer.
    @ExplicitNull public var code: String?
    /// The answer's records in presentation form (RFC 1035 section 5.1), aliases first.
    public var records: [String]
    /// What is said of it besides (RFC 8914): `23 10.20.0.53: no answer through vpn-a for 12s`; null where nothing is.
    @ExplicitNull public var remark: String?
    /// What was done, one after another.
    public var steps: [NameStep]

    /// Makes an explanation.
    public init(
        name: DomainName,
        type: String,
        code: String?,
        records: [String] = [],
        remark: String? = nil,
        steps: [NameStep] = []
    ) {
        self.name = name
        self.type = type
        self.code = code
        self.records = records
        self.remark = remark
        self.steps = steps
    }
}

/// One thing that was done for an answer:
/// `{"hop":0,"name":"hub1.azure-devices.net.","event":"asked","server":"192.0.2.53:53","text":"192.0.2.53:53 is asked"}`.
public struct NameStep: Hashable, Sendable, Codable {
    /// How many aliases were followed before.
    public var hop: Int
    /// The name at hand.
    public var name: DomainName
    /// What it is: `view`, `zone`, `no-zone`, `cached`, `joined`, `asked`, `answered`, `unreachable`, `silent`, `left-out`, `alias`,
    /// `barred`, `recalled`, `proven`, `unproven`, `published`, `client-refused`, `type-left-out`, `name-sets` or
    /// `answer`; the set is open.
    public var event: String
    /// The same for people.
    public var text: String
    /// With `zone`: the zone.
    public var zone: DomainName?
    /// With `zone`: its network; left out where it has none.
    public var network: String?
    /// With `zone`: the number of the network's decision.
    public var generation: UInt64?
    /// With `asked`, `answered`, `unreachable`, `silent`: the server.
    public var server: String?
    /// With the same: the path that the question went by; left out where it went by none.
    public var path: String?
    /// With `cached`, `answered` and `answer`: the code.
    public var code: String?
    /// With `answered`: the round trip.
    public var milliseconds: Double?

    /// Makes a step.
    public init(hop: Int, name: DomainName, event: String, text: String) {
        self.hop = hop
        self.name = name
        self.event = event
        self.text = text
    }
}

/// The answer to `flush`: `{"flushed":12}`.
public struct FlushReport: Hashable, Sendable, Codable {
    /// How many answers were forgotten, in all workers.
    public var flushed: Int

    /// Makes a report.
    public init(flushed: Int) { self.flushed = flushed }
}

/// The answer to `dump`.
public struct NameDump: Hashable, Sendable, Codable {
    /// One answer that is kept; each worker keeps its own.
    public struct Entry: Hashable, Sendable, Codable {
        /// The name that was asked for.
        public var name: DomainName
        /// The type, as in `AAAA`.
        public var type: String
        /// The answer's code.
        public var code: String
        /// How many records it has.
        public var answers: Int
        /// The zone that it is of, `.` where the upstreams gave it; null where it was learned under a decision that is over.
        @ExplicitNull public var zone: String?
        /// How long it is answered yet; below zero for how long it is over and kept as the last known good.
        public var secondsLeft: Int64
        /// When a server said so, before now.
        public var secondsOld: Int64
        /// Whether it was given again because no server answers.
        public var stale: Bool
        /// What it takes.
        public var octets: Int

        /// Describes an answer.
        public init(
            name: DomainName,
            type: String,
            code: String,
            answers: Int,
            zone: String?,
            secondsLeft: Int64,
            secondsOld: Int64,
            stale: Bool,
            octets: Int
        ) {
            self.name = name
            self.type = type
            self.code = code
            self.answers = answers
            self.zone = zone
            self.secondsLeft = secondsLeft
            self.secondsOld = secondsOld
            self.stale = stale
            self.octets = octets
        }
    }

    /// What is kept, by name.
    public var entries: [Entry]
    /// Whether there is more than that.
    public var isCut: Bool

    /// Makes a dump.
    public init(entries: [Entry], isCut: Bool) {
        self.entries = entries
        self.isCut = isCut
    }
}
