// SPDX-License-Identifier: Apache-2.0

/// What the associations of one tunnel have carried and refused, look by look.
///
/// They come and go with the keys, and each counts from zero; the sums never go back. What one counted between the last look
/// at it and its end is not known.
public struct AssociationCounts: Hashable, Sendable {
    /// Numbers of packets.
    public struct Packets: Hashable, Sendable {
        /// Those that came in and were let through.
        public var received: UInt64 = 0
        /// Those that were sent.
        public var sent: UInt64 = 0
        /// Those refused since the far end did not seal them with these keys (RFC 4303 section 3.4.4.1).
        public var forged: UInt64 = 0
        /// Those refused since their number was below the replay window (RFC 4303 section 3.4.3).
        public var late: UInt64 = 0
        /// Those refused since their number had been seen.
        public var repeated: UInt64 = 0

        /// None.
        public init() {}

        fileprivate init(inbound association: SecurityAssociation) {
            received = association.traffic.packets
            forged = UInt64(association.replay.forged)
            late = UInt64(association.replay.late)
            repeated = UInt64(association.replay.repeated)
        }

        fileprivate init(outbound association: SecurityAssociation) { sent = association.traffic.packets }

        private static var counts: [WritableKeyPath<Packets, UInt64>] {
            [\.received, \.sent, \.forged, \.late, \.repeated]
        }

        /// How many more than before. A count that went back is of another association that goes by the same name: of that
        /// it is not known how many came before.
        public func growth(since before: Packets) -> Packets {
            var growth = Packets()
            for count in Self.counts where self[keyPath: count] > before[keyPath: count] {
                growth[keyPath: count] = self[keyPath: count] - before[keyPath: count]
            }
            return growth
        }

        fileprivate mutating func add(_ growth: Packets) {
            for count in Self.counts { self[keyPath: count] &+= growth[keyPath: count] }
        }
    }

    /// All that was counted since the first look.
    public private(set) var total = Packets()
    /// Each association as it was at the last look; nil before the first.
    private var known: [SecurityAssociation.ID: Packets]?

    /// Begins with nothing.
    public init() {}

    /// Takes in what the kernel has now.
    ///
    /// - Returns: how much was counted since the last look; of what was counted before the first, nothing.
    @discardableResult
    public mutating func look(at facts: SecurityFacts) -> Packets {
        let now = Dictionary(
            facts.inbound.map { ($0.id, Packets(inbound: $0)) } + facts.outbound.map { ($0.id, Packets(outbound: $0)) }
        ) { first, _ in first }
        defer { known = now }
        guard let known else { return Packets() }
        let before = total
        for (id, packets) in now { total.add(packets.growth(since: known[id] ?? Packets())) }
        return total.growth(since: before)
    }
}
