// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO

/// The TCP clients of a worker (RFC 7766): many questions in a row, answered as they are ready, not in turn.
struct StreamConnections: ~Copyable {
    private final class Connection {
        let descriptor: FileDescriptor
        let serial: UInt64
        let address: IPAddress?
        var received: [UInt8] = []
        var unsent: [UInt8] = []
        /// Questions that wait for their answer.
        var waiting = 0
        var lastUse: Instant
        var interest: EventLoop.Readiness = .readable

        init(_ descriptor: consuming FileDescriptor, serial: UInt64, address: IPAddress?, now: Instant) {
            self.descriptor = descriptor
            self.serial = serial
            self.address = address
            lastUse = now
        }

        /// Whether the client may say more: one that does not read its answers has to wait.
        var isListenedTo: Bool {
            waiting < StreamConnections.waitingLimit && unsent.count < StreamConnections.unsentLimit
        }
    }

    /// How many clients are served at once; the one that has been idle longest goes for a new one.
    private static let connectionLimit = 128
    private static let waitingLimit = 64
    private static let unsentLimit = 128 << 10
    /// RFC 7766 section 6.2.3 asks for a few seconds.
    private static let idleTime = Duration.seconds(10)

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
    mutating func accept(from listener: Int32, poll: inout ReadinessPoll, now: Instant) {
        while true {
            // An error is that of one connection, or of all descriptors in use: the next event tries again.
            guard let descriptor = try? NetworkSocket.accept(from: listener) else { return }
            guard let slot = freeSlot() else { continue }
            lastSerial += 1
            let raw = descriptor.raw
            let address = NetworkSocket.peer(of: raw)?.address
            let connection = Connection(descriptor, serial: lastSerial, address: address, now: now)
            guard (try? poll.add(raw, tag: Self.tag(slot, lastSerial), for: .readable)) != nil else { continue }
            connections[slot] = connection
            if openCount == 0 { nextSweep = now + .seconds(1) }
            openCount += 1
        }
    }

    private mutating func freeSlot() -> Int? {
        if let free = connections.firstIndex(where: { $0 == nil }) { return free }
        let idle = connections.indices.filter { connections[$0]?.waiting == 0 && connections[$0]?.unsent == [] }
        let oldest = idle.min { left, right in
            (connections[left]?.lastUse ?? .init(nanoseconds: 0))
                < (connections[right]?.lastUse ?? .init(nanoseconds: 0))
        }
        if let oldest { close(oldest) }
        return oldest
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
                guard count > 0 else { return close(slot) }
                connection.received += input[..<count]
                connection.lastUse = now
            }
            takeQueries(connection, slot, &resolution, now)
            try flush(connection, slot, &poll)
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
        connection.waiting -= 1
        connection.lastUse = now
        connection.unsent.append(UInt16(message.count))
        connection.unsent += message
        // Questions may lie here that were not taken while too many waited.
        takeQueries(connection, slot, &resolution, now)
        do {
            try flush(connection, slot, &poll)
        } catch {
            close(slot)
        }
    }

    private mutating func takeQueries(
        _ connection: Connection,
        _ slot: Int,
        _ resolution: inout Resolution,
        _ now: Instant
    ) {
        var start = 0
        let client = Client.stream(slot: slot, serial: connection.serial)
        let received = connection.received
        while connection.isListenedTo, received.count - start >= 2 {
            let length = Int(received.span.uint16(at: start))
            guard received.count - start - 2 >= length else { break }
            let message = received.span.extracting(start + 2..<start + 2 + length)
            start += 2 + length
            switch Self.query(message, connection.address, &resolution, now, &room) {
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
        connection.received = Array(received[start...])
    }

    private static func query(
        _ message: Span<UInt8>,
        _ address: IPAddress?,
        _ resolution: inout Resolution,
        _ now: Instant,
        _ room: inout [UInt8]
    ) -> Resolution.Verdict {
        var span = room.mutableSpan
        return resolution.query(message, from: address, isStream: true, now: now, into: &span)
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
