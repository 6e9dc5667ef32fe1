// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import SystemIO
import Tunnel

/// What the kernel's counters of IPsec come to: those of each path's associations, and those of the network namespace.
struct XFRMWatch {
    /// The packets of one path.
    struct Path {
        private(set) var counts = AssociationCounts()
        private var recent = LastMinute<AssociationCounts.Packets>()
        private var looked: Instant?
        /// The look before some were counted: they came, or went, no sooner.
        private var received: Instant?
        private var sent: Instant?
        /// When some were found to be refused.
        private var forged: Instant?
        private var replayed: Instant?

        /// For so long what was refused explains how the path is.
        private static let memory = Duration.seconds(30)

        /// Takes in what the kernel has now.
        mutating func look(at facts: SecurityFacts, now: Instant) {
            let growth = counts.look(at: facts)
            if growth.received > 0 { received = looked }
            if growth.sent > 0 { sent = looked }
            if growth.forged > 0 { forged = now }
            if growth.late > 0 || growth.repeated > 0 { replayed = now }
            looked = now
            recent.take(counts.total, at: now)
        }

        /// What that says of the far end.
        ///
        /// - Parameter silence: when the targets fell silent.
        func status(since silence: Instant?, now: Instant) -> PeerStatus {
            guard let silence, let sent, sent > silence else { return .unknown }
            // A handshake is IKE's, and goes another way than ESP where something lets through but one of them.
            return PeerStatus(since: silence, heard: received, handshake: nil, now: now)
        }

        /// What was refused of late.
        func refusals(now: Instant) -> PacketRefusals {
            func isRecent(_ time: Instant?) -> Bool { time.map { now - $0 < Self.memory } ?? false }
            return PacketRefusals(areForged: isRecent(forged), areReplayed: isRecent(replayed))
        }

        /// What was counted within the last minute.
        var lastMinute: AssociationCounts.Packets {
            recent.first.map(counts.total.growth) ?? AssociationCounts.Packets()
        }
    }

    private(set) var paths: [PathName: Path] = [:]
    private var statistics = LastMinute<XFRMStatistics>()
    /// Why the counts of the network namespace could not be read last.
    var problem: SystemError?

    /// Goes on with these paths alone.
    mutating func keep(_ names: [PathName]) { paths = paths.filter { names.contains($0.key) } }

    /// Takes in what the kernel has of a path now; what that comes to.
    mutating func look(_ path: PathName, at facts: SecurityFacts, now: Instant) -> Path {
        var counted = paths[path] ?? Path()
        counted.look(at: facts, now: now)
        paths[path] = counted
        return counted
    }

    mutating func take(_ reading: XFRMStatistics, now: Instant) { statistics.take(reading, at: now) }

    /// The counts of the network namespace as they were read last; nil where this kernel has none.
    var counts: XFRMStatistics? { statistics.last }

    /// What they grew by within the last minute.
    var growth: XFRMGrowth {
        guard let last = statistics.last, let first = statistics.first else { return XFRMGrowth([:]) }
        return last.growth(since: first)
    }
}
