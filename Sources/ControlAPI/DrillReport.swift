// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// What a drill is to do otherwise than the file says.
public struct DrillRequest: Hashable, Sendable, Codable {
    /// The only path that is tried; nil: all that stand by.
    public var path: PathName?
    /// The part of the network whose traffic is led there.
    public var prefix: IPPrefix?
    /// Who is asked meanwhile.
    public var target: IPAddress?
    /// The address that is asked from.
    public var source: IPAddress?
    /// How long each path carries the traffic, in seconds.
    public var holdSeconds: Double?

    /// Asks for a drill.
    public init(
        path: PathName? = nil,
        prefix: IPPrefix? = nil,
        target: IPAddress? = nil,
        source: IPAddress? = nil,
        holdSeconds: Double? = nil
    ) {
        self.path = path
        self.prefix = prefix
        self.target = target
        self.source = source
        self.holdSeconds = holdSeconds
    }
}

/// An answer to `drill`: `{"legs":[{"answeredBy":["vpn-b"],"failure":null,"longestGapMs":20,"lost":0,"path":"vpn-b",
/// "sent":600}],"network":"azure","origin":"vpn-a","outcome":"done","prefix":null,"reason":null,"target":"10.20.0.4"}`.
/// Behind one that runs, the result follows on the same connection; who closes it before ends the drill.
public struct DrillReport: Hashable, Sendable, Codable {
    /// How far it is. The set is open: a client meets outcomes that it does not know.
    public struct Outcome: Hashable, Sendable, RawRepresentable, Codable {
        /// The outcome as it stands in JSON.
        public var rawValue: String

        /// Makes an outcome of its text.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// It goes on; the legs name the paths that are to be tried.
        public static let running = Outcome(rawValue: "running")
        /// Every path was tried.
        public static let done = Outcome(rawValue: "done")
        /// It was ended before that.
        public static let ended = Outcome(rawValue: "ended")
        /// Nothing was changed.
        public static let refused = Outcome(rawValue: "refused")
    }

    /// One path, from the move to it until a second after the move back.
    public struct Leg: Hashable, Sendable, Codable {
        /// The path.
        public var path: PathName
        /// Why the path is not proven good, or was not tried; null where it is, and before.
        @ExplicitNull public var failure: String?
        /// Echo requests sent by the routing table, as the network's own traffic goes.
        public var sent: Int
        /// Those without an answer.
        public var lost: Int
        /// The longest time without an answered request, by the times of sending, in milliseconds.
        public var longestGapMs: Double
        /// The paths that answers came in by while the path carried the traffic.
        public var answeredBy: [PathName]

        /// Makes a leg that is yet to come.
        public init(_ path: PathName) {
            self.path = path
            failure = nil
            (sent, lost, longestGapMs, answeredBy) = (0, 0, 0, [])
        }
    }

    /// How far it is.
    public var outcome: Outcome
    /// The network.
    public var network: NetworkName
    /// The path that carries it otherwise.
    @ExplicitNull public var origin: PathName?
    /// The part of it whose traffic is led elsewhere; null: all.
    @ExplicitNull public var prefix: IPPrefix?
    /// Who is asked.
    @ExplicitNull public var target: IPAddress?
    /// The paths that are tried.
    public var legs: [Leg]
    /// Why it was refused, or ended.
    @ExplicitNull public var reason: String?

    /// Makes a report.
    public init(
        _ outcome: Outcome,
        network: NetworkName,
        origin: PathName? = nil,
        prefix: IPPrefix? = nil,
        target: IPAddress? = nil,
        legs: [Leg] = [],
        reason: String? = nil
    ) {
        self.outcome = outcome
        self.network = network
        self.origin = origin
        self.prefix = prefix
        self.target = target
        self.legs = legs
        self.reason = reason
    }
}
