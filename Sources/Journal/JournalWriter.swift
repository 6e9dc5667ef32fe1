// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes
import PathHealth

/// Turns records into the octets of one segment. It has no file: whoever has one takes the octets block by block.
public struct JournalWriter: Sendable {
    private var buffer: [UInt8]
    /// Where the head of the block begins that is being filled.
    private var head: Int
    private var last: Instant
    private var numbers: [ProbeSubject: Int] = [:]
    /// Each subject's last sequence, by its number.
    private var sequences: [UInt16] = []
    /// The records that wait to be taken.
    public private(set) var waiting = 0

    /// Begins a segment.
    public init(_ header: JournalHeader) throws(JournalError) {
        last = header.at
        buffer = JournalFrame.magic + [JournalFrame.format]
        head = buffer.count
        buffer += Array(repeating: 0, count: JournalFrame.blockHead)
        buffer += try JournalFrame.json(header)
        seal()
        head = buffer.count
        buffer += Array(repeating: 0, count: JournalFrame.blockHead)
    }

    /// How many octets wait to be taken.
    public var octets: Int { buffer.count }

    /// Writes a record down.
    public mutating func add(_ record: JournalRecord, at now: Instant) throws(JournalError) {
        switch record {
        case .told(.time):
            put(.time, 0)
            put(time: now)
        case .told(.evidence(.answer(let probe))):
            let number = try number(of: probe.subject)
            put(.answer, UInt64(number))
            put(time: now)
            put(UInt64(probe.sequence &- sequences[number]))
            sequences[number] = probe.sequence
        default:
            let octets = try JournalFrame.json(record)
            put(.described, UInt64(octets.count))
            put(time: now)
            buffer += octets
        }
        waiting += 1
    }

    /// Gives the records that wait away as one block, behind the header where that waits as well.
    public mutating func flush<Failure: Error>(_ write: (Span<UInt8>) throws(Failure) -> Void) throws(Failure) {
        if buffer.count == head + JournalFrame.blockHead { buffer.removeSubrange(head...) } else { seal() }
        if !buffer.isEmpty { try write(buffer.span) }
        buffer.removeAll(keepingCapacity: true)
        for _ in 0..<JournalFrame.blockHead { buffer.append(0) }
        head = 0
        waiting = 0
    }

    /// The subject's number; one that is new is made known first.
    private mutating func number(of subject: ProbeSubject) throws(JournalError) -> Int {
        if let known = numbers[subject] { return known }
        let octets = try JournalFrame.json(subject)
        put(.subject, UInt64(octets.count))
        buffer += octets
        let new = sequences.count
        numbers[subject] = new
        sequences.append(0)
        return new
    }

    private mutating func put(_ kind: JournalFrame.Kind, _ number: UInt64) {
        put(number << 2 | kind.rawValue)
    }

    private mutating func put(time now: Instant) {
        // A time that goes back, which none does, would take ten octets and come back all the same.
        put(UInt64(bitPattern: now.nanoseconds &- last.nanoseconds))
        last = now
    }

    private mutating func put(_ number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            buffer.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        buffer.append(UInt8(truncatingIfNeeded: rest))
    }

    private mutating func seal() {
        let start = head + JournalFrame.blockHead
        let length = UInt32(buffer.count - start)
        let checksum = JournalFrame.checksum(buffer[start...])
        for octet in 0..<4 {
            buffer[head + octet] = UInt8(truncatingIfNeeded: length >> (8 * octet))
            buffer[head + 4 + octet] = UInt8(truncatingIfNeeded: checksum >> (8 * octet))
        }
    }
}
