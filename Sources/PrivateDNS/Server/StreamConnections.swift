// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO

/// The TCP clients of a worker (RFC 7766): many questions in a row, answered as they are ready, not in turn.
struct StreamConnections: ~Copyable {
    private final class Connection {
        let descriptor: FileDescriptor
        let serial: UInt64
        let address: IPAddress?
        /// The index of the interface that it came in by; 0 where the kernel was not asked to tell.
        let interface: UInt32
        var frames = MessageFrames()
        var unsent: [UInt8] = []
        /// Questions that wait for their answer.
        var waiting = 0
        /// When a whole query came last, or an answer was given: octets in a trickle do not count.
        var lastUse: Instant
        /// Whether the client has said that it asks no more; it may still wait for answers.
        var isFinished = false
        var interest: EventLoop.Readiness = .readable

        init(_ descriptor: consuming FileDescriptor, serial: UInt64, address: IPAddress?, now: Instant) {
            interface = NetworkSocket.arrivalInterface(of: descriptor.raw)
            self.descriptor = descriptor
            self.serial = serial
            self.address = address
            lastUse = now
        }

        /// Whether the client may ask more: one that does not read its answers has to wait.
        var mayAsk: Bool {
            waiting < StreamConnections.waitingLimit && unsent.count < StreamConnections.unsentLimit
        }

        /// Whether what the client says next is read.
        var isListenedTo: Bool { mayAsk && !isFinished }

        /// Whether nothing is owed to the client.
        var isIdle: Bool { waiting == 0 && unsent.isEmpty }
    }

    /// How many clients are served at once; the one that has been idle longest goes for a new one.
    private static let connectionLimit = 128
    /// How many of them may be of one client that is not exempt (RFC 7766 section 6.2.2).
    private static let connectionsPerClient = 32
    private static let waitingLimit = 64
    private static let unsentLimit = 128 << 10
    /// One that has asked much and reads nothing of what comes later has to go.
    private static let unsentBound = 512 << 10
    /// RFC 7766 section 6.2.3 asks for a few seconds.
    static let idleTime = Duration.seconds(10)

    private let keys = ClientKey()
    private var connections = [Connection?](repeating: nil, count: connectionLimit)
    private var lastSerial: UInt64 = 0
    private var openCount = 0
    private var nextSweep = Instant(nanoseconds: 0)
    private var room = [UInt8](repeating: 0, count: MessageSize.stream)
    private var input = [UInt8](repeating: 0, count: 16 << 10)

    private static func tag(_ slot: Int, _ serial: UInt64) -> UInt64 {
        Worker.Watched.stream.tag(serial << 16 | UInt64(slot))
    }

    /// When ``closeIdle(now:)`` has to look next; nil while nobody is connected.
    var nextDeadline: Instant? { openCount > 0 ? nextSweep : nil }

    /// Takes the connections that wait.
    mutating func accept(
        from listener: Int32,
        _ limits: ClientLimits,
        poll: inout ReadinessPoll,
        now: Instant
    ) {
        while true {
            // An error is that of one connection, or of all descriptors in use: the next event tries again.
            guard let descriptor = try? NetworkSocket.accept(from: listener) else { return }
            let raw = descriptor.raw
            let address = NetworkSocket.peer(of: raw)?.address
            guard makeRoom(for: address, limits), let slot = freeSlot() else { continue }
            lastSerial += 1
            let connection = Connection(descriptor, serial: lastSerial, address: address, now: now)
            guard (try? poll.add(raw, tag: Self.tag(slot, lastSerial), for: .readable)) != nil else { continue }
            connections[slot] = connection
            if openCount == 0 { nextSweep = now + .seconds(1) }
            openCount += 1
        }
    }

    private mutating func freeSlot() -> Int? {
        if let free = connections.firstIndex(where: { $0 == nil }) { return free }
        return closeLongestIdle(of: Array(connections.indices))
    }

    /// Sees to it that a client may have one connection more, at the cost of one of its own.
    private mutating func makeRoom(for address: IPAddress?, _ limits: ClientLimits) -> Bool {
        guard let address, !limits.exempt.contains(address) else { return true }
        let client = keys.client(address)
        let own = connections.indices.filter { slot in
            connections[slot]?.address.map { keys.client($0) == client } ?? false
        }
        return own.count < Self.connectionsPerClient || closeLongestIdle(of: own) != nil
    }

    private mutating func closeLongestIdle(of slots: [Int]) -> Int? {
        let idle = slots.compactMap { slot in
            connections[slot].flatMap { $0.isIdle ? (slot: slot, lastUse: $0.lastUse) : nil }
        }
        guard let oldest = idle.min(by: { $0.lastUse < $1.lastUse }) else { return nil }
        close(oldest.slot)
        return oldest.slot
    }

    private mutating func close(_ slot: Int) {
        guard connections[slot] != nil else { return }
        connections[slot] = nil
        openCount -= 1
    }

    /// Closes what has said nothing for a while.
    mutating func closeIdle(now: Instant) {
        guard openCount > 0, now >= nextSweep else { return }
        nextSweep = now + .seconds(1)
        for slot in connections.indices {
            guard let connection = connections[slot], connection.waiting == 0 else { continue }
            if now - connection.lastUse >= Self.idleTime { close(slot) }
        }
    }

    /// Reads and writes what a connection is ready for.
    mutating func ready(
        _ value: UInt64,
        _ readiness: EventLoop.Readiness,
        _ resolution: inout Resolution,
        poll: inout ReadinessPoll,
        now: Instant
    ) {
        let slot = Int(value & 0xffff)
        guard slot < connections.count, let connection = connections[slot],
            Self.tag(slot, connection.serial) & Worker.Watched.valueMask == value
        else { return }
        do {
            if !readiness.isDisjoint(with: [.readable, .hungUp]) {
                guard let count = try connection.descriptor.receive(into: &input) else { return }
                connection.isFinished = count == 0
                connection.frames.append(input[..<count])
            }
            takeQueries(connection, slot, &resolution, now)
            try flush(connection, slot, &poll)
            closeIfFinished(connection, slot)
        } catch {
            close(slot)
        }
    }

    /// Sends an answer that had to wait, if its client is still there.
    mutating func answer(
        _ message: [UInt8],
        _ slot: Int,
        _ serial: UInt64,
        _ resolution: inout Resolution,
        poll: inout ReadinessPoll,
        now: Instant
    ) {
        guard let connection = connections[slot], connection.serial == serial else { return }
        guard connection.unsent.count + message.count <= Self.unsentBound else { return close(slot) }
        connection.waiting -= 1
        connection.lastUse = now
        connection.unsent.append(UInt16(message.count))
        connection.unsent += message
        // Questions may lie here that were not taken while too many waited.
        takeQueries(connection, slot, &resolution, now)
        do {
            try flush(connection, slot, &poll)
            closeIfFinished(connection, slot)
        } catch {
            close(slot)
        }
    }

    /// A client that asks no more, and has got all its answers, is done.
    private mutating func closeIfFinished(_ connection: Connection, _ slot: Int) {
        if connection.isFinished, connection.isIdle { close(slot) }
    }

    private mutating func takeQueries(
        _ connection: Connection,
        _ slot: Int,
        _ resolution: inout Resolution,
        _ now: Instant
    ) {
        let client = Client.stream(
            slot: slot,
            serial: connection.serial,
            address: connection.address,
            interface: connection.interface
        )
        let octets = connection.frames.octets
        while connection.mayAsk, let range = connection.frames.next() {
            connection.lastUse = now
            let message = octets.span.extracting(range)
            switch Self.query(message, connection, &resolution, now, &room) {
            case .answer(let count):
                connection.unsent.append(UInt16(count))
                connection.unsent += room[..<count]
            case .drop:
                break
            case .later(let scan):
                connection.waiting += 1
                resolution.pursue(message, scan, from: client, now: now)
            }
        }
    }

    private static func query(
        _ message: Span<UInt8>,
        _ connection: Connection,
        _ resolution: inout Resolution,
        _ now: Instant,
        _ room: inout [UInt8]
    ) -> Resolution.Verdict {
        var span = room.mutableSpan
        return resolution.query(
            message,
            from: connection.address,
            on: connection.interface,
            by: .stream,
            now: now,
            into: &span
        )
    }

    private func flush(_ connection: Connection, _ slot: Int, _ poll: inout ReadinessPoll) throws(SystemError) {
        if !connection.unsent.isEmpty {
            let unsent = connection.unsent
            let sent = try connection.descriptor.write(unsent.span)
            connection.unsent.removeFirst(sent)
        }
        var interest: EventLoop.Readiness = connection.isListenedTo ? .readable : []
        if !connection.unsent.isEmpty { interest.insert(.writable) }
        guard interest != connection.interest else { return }
        try poll.update(connection.descriptor.raw, tag: Self.tag(slot, connection.serial), for: interest)
        connection.interest = interest
    }
}
