// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth

/// Reads the octets of one segment back as records. Whatever the octets are, it ends, and says where they are wrong.
///
/// What stands in a block whose checksum is right is taken for what pnetd wrote: the values of its JSON are not judged.
public struct JournalReader: Sendable {
    /// What the segment begins with.
    public let header: JournalHeader
    /// How many octets at the end are no whole block, as a writer leaves them that was killed.
    public private(set) var torn = 0

    private let octets: [UInt8]
    /// What of the present block is unread.
    private var rest: Range<Int>
    private var last: Instant
    private var subjects: [(subject: ProbeSubject, sequence: UInt16)] = []

    /// Reads the head of a segment.
    public init(_ octets: [UInt8]) throws(JournalError) {
        let magic = JournalFrame.magic
        guard octets.starts(with: magic), octets.count > magic.count else { throw .notAJournal }
        guard octets[magic.count] == JournalFrame.format else { throw .format(octets[magic.count]) }
        guard let block = try Self.block(octets, at: magic.count + 1) else { throw .notAJournal }
        header = try JournalFrame.decode(JournalHeader.self, from: octets[block])
        guard [header.at.nanoseconds, header.wallNanoseconds].allSatisfy(JournalFrame.times.contains) else {
            throw .damaged(at: block.lowerBound, "no clock shows such a time")
        }
        self.octets = octets
        rest = block.upperBound..<block.upperBound
        last = header.at
    }

    /// The next record; nil at the end.
    public mutating func next() throws(JournalError) -> JournalEntry? {
        while true {
            while rest.isEmpty {
                guard rest.upperBound < octets.count else { return nil }
                guard let block = try Self.block(octets, at: rest.upperBound) else {
                    torn = octets.count - rest.upperBound
                    rest = octets.count..<octets.count
                    return nil
                }
                rest = block
            }
            if let entry = try entry() { return entry }
        }
    }

    /// The payload of the block at an offset; nil where it is not whole and nothing stands behind it.
    private static func block(_ octets: [UInt8], at offset: Int) throws(JournalError) -> Range<Int>? {
        let start = offset + JournalFrame.blockHead
        guard start <= octets.count else { return nil }
        func number(at offset: Int) -> UInt32 {
            (0..<4).reduce(0) { $0 | UInt32(octets[offset + $1]) << (8 * $1) }
        }
        let length = Int(number(at: offset))
        guard length <= octets.count - start else { return nil }
        let payload = start..<start + length
        if length > 0, JournalFrame.checksum(octets[payload]) == number(at: offset + 4) { return payload }
        // What was in the file's length already, and not yet on the disk when the machine died, is zero.
        guard payload.upperBound < octets.count, octets[offset...].contains(where: { $0 != 0 }) else { return nil }
        throw .damaged(at: offset, "the checksum of \(length) octets is wrong")
    }

    /// What stands next in the block; nil where it was a subject made known.
    private mutating func entry() throws(JournalError) -> JournalEntry? {
        let offset = rest.lowerBound
        let tag = try varint()
        let number = tag >> 2
        switch JournalFrame.Kind(rawValue: tag & 3) {
        case .time where number == 0: return JournalEntry(at: try time(), record: .told(.time))
        case .answer where number < UInt64(subjects.count):
            let index = Int(number)
            let now = try time()
            guard let step = UInt16(exactly: try varint()) else {
                throw .damaged(at: offset, "no probe has this number")
            }
            subjects[index].sequence &+= step
            let probe = Probe(subject: subjects[index].subject, sequence: subjects[index].sequence)
            return JournalEntry(at: now, record: .told(.evidence(.answer(probe))))
        case .described:
            let now = try time()
            let octets = try take(number)
            let record = (try? JournalFrame.decode(JournalRecord.self, from: octets)) ?? .unknown
            if case .wall(let shown) = record, !JournalFrame.times.contains(shown) {
                throw .damaged(at: offset, "no clock shows such a time")
            }
            return JournalEntry(at: now, record: record)
        case .subject:
            subjects.append((try JournalFrame.decode(ProbeSubject.self, from: try take(number)), 0))
            return nil
        default: throw .damaged(at: offset, "no record begins like this")
        }
    }

    private mutating func take(_ count: UInt64) throws(JournalError) -> ArraySlice<UInt8> {
        guard count <= UInt64(rest.count) else { throw .damaged(at: rest.lowerBound, "it ends within a record") }
        let end = rest.lowerBound + Int(count)
        let taken = octets[rest.lowerBound..<end]
        rest = end..<rest.upperBound
        return taken
    }

    private mutating func time() throws(JournalError) -> Instant {
        let passed = Int64(bitPattern: try varint())
        last = Instant(nanoseconds: last.nanoseconds &+ passed)
        guard JournalFrame.times.contains(last.nanoseconds) else {
            throw .damaged(at: rest.lowerBound, "no clock shows such a time")
        }
        return last
    }

    private mutating func varint() throws(JournalError) -> UInt64 {
        var number: UInt64 = 0
        for shift in stride(from: 0, through: 63, by: 7) {
            guard let octet = try take(1).first else { break }
            guard shift < 63 || octet <= 1 else { break }
            number |= UInt64(octet & 0x7f) << UInt64(shift)
            if octet < 0x80 { return number }
        }
        throw .damaged(at: rest.lowerBound, "a number is too large")
    }
}
