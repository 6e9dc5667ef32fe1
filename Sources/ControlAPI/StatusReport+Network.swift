// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

extension StatusReport {
    /// One network of the file.
    public struct Network: Hashable, Sendable, Codable {
        /// The network's name in the file.
        public var name: NetworkName
        /// What was decided for it.
        public var state: NetworkState
        /// The active path; null where there is none.
        @ExplicitNull public var path: PathName?
        /// All paths that carry its traffic, the active one first: more than one where the file gives several the same
        /// priority.
        public var carriers: [PathName]
        /// Since when state and path are what they are; RFC 3339 in UTC.
        public var since: String
        /// How often the active path changed since pnetd began.
        public var switches: UInt64
        /// Why the decision is what it is, in words.
        public var reasons: [String]
        /// The prefixes that are reached and guarded.
        public var prefixes: [IPPrefix]
        /// The zones whose names lead into it, absolute.
        public var zones: [DomainName]
        /// The network's paths, best first.
        public var paths: [PathThrough]
        /// The path that was put first by hand, or by a drill; null where the file's order holds.
        @ExplicitNull public var preferred: PathName?

        /// Makes a network's part of a report.
        public init(
            name: NetworkName,
            state: NetworkState,
            path: PathName?,
            carriers: [PathName]? = nil,
            since: String,
            switches: UInt64,
            reasons: [String],
            prefixes: [IPPrefix],
            zones: [DomainName],
            paths: [PathThrough],
            preferred: PathName? = nil
        ) {
            self.name = name
            self.state = state
            self.path = path
            self.carriers = carriers ?? [path].compactMap(\.self)
            self.since = since
            self.switches = switches
            self.reasons = reasons
            self.prefixes = prefixes
            self.zones = zones
            self.paths = paths
            self.preferred = preferred
        }

        /// What the evidence says of the network through one path.
        public struct PathThrough: Hashable, Sendable, Codable {
            /// The path.
            public var path: PathName
            /// What the evidence says.
            public var verdict: Verdict
            /// Why, in words.
            public var reasons: [String]
            /// Smoothed time from a probe to its answer, in milliseconds.
            @ExplicitNull public var rttMs: Double?
            /// Smoothed difference between successive such times, in milliseconds.
            @ExplicitNull public var jitterMs: Double?
            /// The share of probes without an answer, 0 to 1.
            @ExplicitNull public var lossRatio: Double?
            /// From the last answer to the verdict, at the longest, as the path is now, in milliseconds.
            @ExplicitNull public var detectionMs: Double?
            /// Targets that do not answer, while enough others do.
            public var silentTargets: [String]
            /// Why targets that are asked over TLS do not serve, while enough others answer.
            public var failingTargets: [String]
            /// When the path was last shown to carry the network's traffic, by use or by a drill: RFC 3339 in UTC; null:
            /// never.
            @ExplicitNull public var lastProvenGood: String?
            /// Why the last drill of the path failed; null where none has since.
            @ExplicitNull public var drillFailure: String?

            /// Makes a path's part of a network's.
            public init(
                path: PathName,
                verdict: Verdict,
                reasons: [String] = [],
                rttMs: Double? = nil,
                jitterMs: Double? = nil,
                lossRatio: Double? = nil,
                detectionMs: Double? = nil,
                silentTargets: [String] = [],
                failingTargets: [String] = [],
                lastProvenGood: String? = nil,
                drillFailure: String? = nil
            ) {
                self.path = path
                self.verdict = verdict
                self.reasons = reasons
                self.rttMs = rttMs
                self.jitterMs = jitterMs
                self.lossRatio = lossRatio
                self.detectionMs = detectionMs
                self.silentTargets = silentTargets
                self.failingTargets = failingTargets
                self.lastProvenGood = lastProvenGood
                self.drillFailure = drillFailure
            }
        }
    }
}
