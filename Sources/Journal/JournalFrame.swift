// SPDX-License-Identifier: Apache-2.0
// The octets of a segment:
//
//     magic (8) format (1)   block: length (4, little endian) checksum (4) payload   block …
//
// The first block holds the header as JSON, every other one the records that were written at once. A block is whole or
// it does not count: that is how a segment is read whose writer was killed. In a block stand, one behind the other,
//
//     tag    what             then
//     n·4    time went by     (n is 0)                                  time
//     n·4+1  answer           of the subject with number n              time, sequence since the subject's last one
//     n·4+2  anything else    as JSON of n octets                       time, the octets
//     n·4+3  a new subject    as JSON of n octets; numbered from 0 on   the octets
//
// where numbers are varints, seven bits an octet, the lowest first, and a time is what passed since the record before.
// An answer takes six octets, as a rule, and time alone five.

import FoundationEssentials

/// The numbers of the format, and what both sides do with them.
enum JournalFrame {
    static let magic = Array("pnetdjnl".utf8)
    /// Goes up with every change that an older reader would misread.
    static let format: UInt8 = 2
    /// The octets before a block's payload.
    static let blockHead = 8

    enum Kind: UInt64 {
        case time, answer, described, subject
    }

    /// What either clock may show: so far from the ends that no difference of two overflows.
    static let times: Range<Int64> = 0..<1 << 62

    /// CRC-32 (ISO 3309), which finds what a disk or a crash did; against forgery there is the file's mode.
    static func checksum(_ octets: some Sequence<UInt8>) -> UInt32 {
        ~octets.reduce(~0) { table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ $0 >> 8 }
    }

    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 0 ? value >> 1 : value >> 1 ^ 0xedb8_8320 }
    }

    static func json(_ value: some Encodable) throws(JournalError) -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        do { return try encoder.encode(value) } catch { throw .unwritable("\(error)") }
    }

    static func decode<Value: Decodable>(
        _ type: Value.Type,
        from octets: ArraySlice<UInt8>
    ) throws(JournalError) -> Value {
        do { return try JSONDecoder().decode(type, from: Data(octets)) } catch {
            throw .damaged(at: octets.startIndex, "its JSON is not what this version writes")
        }
    }
}
