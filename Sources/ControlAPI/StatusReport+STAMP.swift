// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

extension StatusReport {
    /// What a path's STAMP session shows of its far end.
    public enum ReflectorState: String, Hashable, Sendable, Codable, CaseIterable {
        /// It never answered.
        case unknown
        /// It answers.
        case answering
        /// It answered before.
        case silent
    }
}

extension StatusReport.Path {
    /// A STAMP session with a reflector at the path's far end (RFC 8762).
    public struct STAMP: Hashable, Sendable, Codable {
        /// One way of the path.
        public struct Way: Hashable, Sendable, Codable {
            /// The share of the packets of the last half minute, or of 300, that were lost on this way, 0 to 1; null where
            /// the far end does not number its answers itself, or nothing is known yet.
            @ExplicitNull public var lossRatio: Double?
            /// How much the time on the way differs from packet to packet, in milliseconds.
            @ExplicitNull public var variationMs: Double?
            /// The time on the way in milliseconds; null unless both clocks are synchronised with UTC.
            @ExplicitNull public var delayMs: Double?

            /// Makes one way's part.
            public init(lossRatio: Double?, variationMs: Double?, delayMs: Double?) {
                self.lossRatio = lossRatio
                self.variationMs = variationMs
                self.delayMs = delayMs
            }
        }

        /// The reflector.
        public var peer: SocketEndpoint
        /// What is heard of it.
        public var state: StatusReport.ReflectorState
        /// Questions sent.
        public var sent: UInt64
        /// Questions answered.
        public var answered: UInt64
        /// Smoothed round-trip time in milliseconds, without the time that the far end took; null before any answer.
        @ExplicitNull public var rttMs: Double?
        /// The way to the far end.
        public var there: Way
        /// The way back.
        public var back: Way

        /// Makes a session's part of a path's.
        public init(
            peer: SocketEndpoint,
            state: StatusReport.ReflectorState,
            sent: UInt64,
            answered: UInt64,
            rttMs: Double?,
            there: Way,
            back: Way
        ) {
            self.peer = peer
            self.state = state
            self.sent = sent
            self.answered = answered
            self.rttMs = rttMs
            self.there = there
            self.back = back
        }
    }

    /// A STAMP reflector of ours (RFC 8762).
    public struct Reflector: Hashable, Sendable, Codable {
        /// Where it listens.
        public var local: SocketEndpoint
        /// Senders that asked of late.
        public var sessions: Int
        /// Questions answered.
        public var answered: UInt64
        /// Questions discarded.
        public var refused: UInt64

        /// Makes a reflector's part of a path's.
        public init(local: SocketEndpoint, sessions: Int, answered: UInt64, refused: UInt64) {
            self.local = local
            self.sessions = sessions
            self.answered = answered
            self.refused = refused
        }
    }
}
