// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import Tunnel

/// What this host's own TCP connections come to, by the network that they go to and the path that they go by.
///
/// A connection waits in vain where an acknowledgement was overdue twice in a row and nothing came of it since the last
/// look. One that began to before another on its way got on says nothing of the way: what it is with is dead, or bars it.
struct FlowWatch {
    typealias Way = ConnectionWays.Way

    /// The connections of one way.
    struct Flows {
        /// How many there are.
        fileprivate(set) var count = 0
        /// Those that wait in vain.
        fileprivate(set) var stalled: [TCPConnection] = []
        /// Those of them that have waited only since none gets on any more.
        fileprivate(set) var witnesses: [TCPConnection] = []
        /// Segments that were sent once more since pnetd runs, as far as looks show.
        fileprivate(set) var retransmissions: UInt64 = 0
        /// Since when there are some, and none gets on.
        fileprivate(set) var since: Instant?
        /// What was last to be concluded from them, and when.
        private var last: (status: FlowStatus, at: Instant)?
        /// When one got on last.
        fileprivate var advanced: Instant?

        /// For so long that explains how the path is: a switch takes the connections to another way at once.
        private static let memory = Duration.seconds(30)

        /// With how many hosts the witnesses are.
        var hosts: Int { Set(witnesses.map(\.remote.address)).count }

        fileprivate mutating func conclude(now: Instant) {
            // Of what got on since the last look it is not known whether that was before the others had to wait.
            let isAdvancing = advanced == now
            since = witnesses.isEmpty || isAdvancing ? nil : since ?? now
            if isAdvancing {
                last = (.advancing, now)
            } else if !witnesses.isEmpty {
                last = (.stalled(connections: witnesses.count, of: count, hosts: hosts), now)
            }
        }

        fileprivate func status(now: Instant) -> FlowStatus {
            guard let last, now - last.at < Self.memory else { return .unknown }
            return last.status
        }

        /// Whether more than one host is behind it, and for longer than a moment.
        func isInVain(now: Instant) -> Bool {
            hosts > 1 && since.map { now - $0 >= .seconds(3) } ?? false
        }
    }

    private struct Known {
        var way: Way
        var seen: TCPConnection
        /// Its retransmissions when it came to its way: those before were another way's.
        var arrival: UInt32 = 0
        /// When it was first found to wait in vain without a break.
        var stalled: Instant?
    }

    /// The connections of the last look; nil where there was none, or where it did not show all.
    private var known: [UInt64: Known]?
    private(set) var ways: [Way: Flows] = [:]
    /// Whether the last look did not show all.
    private(set) var isOverwhelmed = false
    /// Connections that the kernel told too little of, at the last look.
    private(set) var unreadable = 0

    /// What is to be concluded from the connections of a way.
    func status(of way: Way, now: Instant) -> FlowStatus { ways[way]?.status(now: now) ?? .unknown }

    /// Nothing can be seen: nothing is known any more but what was counted.
    mutating func lose() {
        known = nil
        ways = ways.mapValues { flows in
            var counted = Flows()
            counted.retransmissions = flows.retransmissions
            return counted
        }
    }

    /// Takes in what the kernel has now.
    ///
    /// - Parameter names: the ways that the file has; others are forgotten.
    mutating func look(at look: TCPConnections.Look, _ names: [Way], _ way: (TCPConnection) -> Way?, now: Instant) {
        ways = ways.filter { names.contains($0.key) }
        (isOverwhelmed, unreadable) = (!look.isWhole, look.unreadable)
        guard look.isWhole else { return lose() }
        for name in names {
            ways[name, default: Flows()].count = 0
            ways[name]?.stalled = []
            ways[name]?.witnesses = []
        }
        var next: [UInt64: Known] = [:]
        for connection in look.connections {
            guard let way = way(connection), ways[way] != nil else { continue }
            next[connection.cookie] = take(connection, way, now)
        }
        known = next
        for name in names {
            let advanced = ways[name]?.advanced
            for connection in ways[name]?.stalled ?? [] {
                guard let began = next[connection.cookie]?.stalled, advanced.map({ began >= $0 }) ?? true else {
                    continue
                }
                ways[name]?.witnesses.append(connection)
            }
            ways[name]?.conclude(now: now)
        }
    }

    private mutating func take(_ connection: TCPConnection, _ way: Way, _ now: Instant) -> Known {
        let before = known?[connection.cookie]
        let counted = before?.seen.retransmissions ?? (known == nil ? connection.retransmissions : 0)
        ways[way]?.count += 1
        ways[way]?.retransmissions &+= UInt64(connection.retransmissions.growth(since: counted))
        var after = Known(way: way, seen: connection)
        if let before, before.way != way {
            // What came of it since the last look may have come by the other way.
            after.arrival = connection.retransmissions
            return after
        }
        after.arrival = before?.arrival ?? 0
        if let before,
            connection.acknowledged > before.seen.acknowledged || connection.received > before.seen.received
        {
            ways[way]?.advanced = now
        } else if connection.unacknowledged > 0, connection.timeouts >= 2,
            connection.retransmissions.growth(since: after.arrival) >= 2
        {
            after.stalled = before?.stalled ?? now
            ways[way]?.stalled.append(connection)
        }
        return after
    }
}

extension UInt32 {
    /// How much more it is than before; a count that went back is another's.
    fileprivate func growth(since before: UInt32) -> UInt32 { self > before ? self - before : 0 }
}
