// SPDX-License-Identifier: Apache-2.0

extension StatusReport {
    /// What the kernel's IPsec did not let through, in the whole network namespace (`/proc/net/xfrm_stat`).
    public struct XFRM: Hashable, Sendable, Codable {
        /// Whether this kernel counts (XFRM_STATISTICS).
        public var isCounted: Bool
        /// The counters that grew within the last minute, that with the most packets first.
        public var lastMinute: [Growth]

        /// Makes a namespace's part of a report.
        public init(isCounted: Bool, lastMinute: [Growth]) {
            (self.isCounted, self.lastMinute) = (isCounted, lastMinute)
        }

        /// A counter that grew.
        public struct Growth: Hashable, Sendable, Codable {
            /// The kernel's name, as `XfrmInNoStates`.
            public var counter: String
            /// How many packets more.
            public var packets: UInt64
            /// What it means, in words, with name and number.
            public var explanation: String
            /// Whether it is worth a look as the paths are: while tunnels come and go some grow that mean nothing else.
            public var isNotable: Bool

            /// Makes a note of a counter.
            public init(counter: String, packets: UInt64, explanation: String, isNotable: Bool) {
                self.counter = counter
                self.packets = packets
                self.explanation = explanation
                self.isNotable = isNotable
            }
        }
    }
}

extension StatusReport.Path.IPsec {
    /// What the kernel's associations of a tunnel have counted since pnetd runs, in packets.
    public struct Packets: Hashable, Sendable, Codable {
        /// Those that came in and were let through.
        public var received: UInt64
        /// Those that were sent.
        public var sent: UInt64
        /// Those refused since they could not be authenticated (RFC 4303 section 3.4.4.1).
        public var forged: UInt64
        /// Those refused since they were older than the replay window holds (RFC 4303 section 3.4.3).
        public var late: UInt64
        /// Those refused since they had come before.
        public var repeated: UInt64

        /// Makes a tunnel's counts.
        public init(received: UInt64, sent: UInt64, forged: UInt64, late: UInt64, repeated: UInt64) {
            self.received = received
            self.sent = sent
            self.forged = forged
            self.late = late
            self.repeated = repeated
        }

        /// Those that came in and were refused.
        public var refused: UInt64 { forged &+ late &+ repeated }
    }
}
