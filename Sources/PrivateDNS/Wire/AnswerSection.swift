// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// The records of the answer section of a message of our own, which has one question, one after the other.
struct AnswerSection {
    /// Octets of the question's name, which begins behind the header.
    let nameLength: Int
    private var offset: Int
    private var left: Int

    /// An empty section where the message is none that we write.
    init(_ message: Span<UInt8>) {
        guard message.count >= MessageSize.header, message.uint16(at: 4) == 1,
            let end = try? WireName.skip(message, at: MessageSize.header)
        else {
            (nameLength, offset, left) = (0, 0, 0)
            return
        }
        nameLength = end - MessageSize.header
        offset = end + 4
        left = Int(message.uint16(at: 6))
    }

    /// The next record; nil behind the last one.
    mutating func next(in message: Span<UInt8>) -> RecordView? {
        guard left > 0, let record = try? RecordView(message, at: offset) else { return nil }
        left -= 1
        offset = record.end
        return record
    }
}

/// The addresses that the answer section of such a message leads to, those included that HTTPS and SVCB records give as
/// hints: a client may use them before it asks for others (RFC 9460 section 7.3).
struct AnswerAddresses {
    private var section: AnswerSection
    private var hints: [IPAddress] = []
    private var ttl: UInt32 = 0

    init(_ message: Span<UInt8>) { section = AnswerSection(message) }

    /// The next address, and its record's TTL; nil behind the last one.
    mutating func next(in message: Span<UInt8>) -> (address: IPAddress, ttl: UInt32)? {
        while true {
            if let hint = hints.popLast() { return (hint, ttl) }
            guard let record = section.next(in: message) else { return nil }
            if record.type == .a || record.type == .aaaa {
                return (IPAddress(message, at: record.data.lowerBound, record.data.count), record.ttl)
            }
            (hints, ttl) = (record.addresses(in: message), record.ttl)
        }
    }
}
