// SPDX-License-Identifier: Apache-2.0

import SystemIO

/// The OPT pseudo-record (RFC 6891) and the one option that belongs to an answer, Extended DNS Errors (RFC 8914).
enum OPT {
    /// Root owner, type, class, TTL, RDLENGTH.
    static let fixedSize = 11
    static let dnssecOK: UInt32 = 0x8000
    static let extendedErrorOption: UInt16 = 15
    /// What lengths are multiples of, of queries and of answers (RFC 8467 section 4.1), in octets.
    private static let blocks = (query: 128, answer: 468)
    /// The longest Padding option.
    static let longestPadding = 4 + blocks.answer - 1

    /// Checks that the options fill the RDATA.
    static func checkOptions(_ message: Span<UInt8>, _ data: Range<Int>) throws(FormatError) {
        var offset = data.lowerBound
        while offset < data.upperBound {
            guard offset + 4 <= data.upperBound else { throw .malformedOPT }
            offset += 4 + Int(message.uint16(at: offset + 2))
        }
        guard offset == data.upperBound else { throw .malformedOPT }
    }

    /// Writes an OPT record at an offset.
    /// - Returns: the offset after it.
    static func write(
        into room: inout MutableSpan<UInt8>,
        at offset: Int,
        code: ResponseCode,
        dnssecOK: Bool,
        hop: HopOptions,
        options: Span<UInt8>
    ) -> Int {
        room[offset] = 0
        room.put(RecordType.opt.rawValue, at: offset + 1)
        room.put(UInt16(MessageSize.datagram), at: offset + 3)
        room.put(UInt32(code.rawValue >> 4) << 24 | (dnssecOK ? Self.dnssecOK : 0), at: offset + 5)
        room.put(UInt16(hop.count + options.count), at: offset + 9)
        hop.write(into: &room, at: offset + fixedSize)
        room.copy(options, at: offset + fixedSize + hop.count)
        return offset + fixedSize + hop.count + options.count
    }

    /// The octets of a Padding option (RFC 7830 section 3) that makes a query of whole blocks.
    /// - Parameter count: how long the message is without it.
    static func padding(behind count: Int) -> [UInt8] {
        let length = paddingLength(behind: count, blocks.query)
        var option: [UInt8] = []
        option.append(EDNSOptions.padding)
        option.append(UInt16(length))
        return option + [UInt8](repeating: 0, count: length)
    }

    /// Makes an answer of whole blocks by a Padding option, as far as there is room.
    /// - Parameters:
    ///   - offset: where its OPT record begins, which is its last.
    ///   - end: where it ends.
    /// - Returns: where it ends now.
    static func pad(_ room: inout MutableSpan<UInt8>, recordAt offset: Int, to end: Int) -> Int {
        let length = min(paddingLength(behind: end, blocks.answer), room.count - end - 4)
        guard length >= 0 else { return end }
        room.put(EDNSOptions.padding, at: end)
        room.put(UInt16(length), at: end + 2)
        for index in 0..<length { room[end + 4 + index] = 0 }
        room.put(room.span.uint16(at: offset + 9) + UInt16(4 + length), at: offset + 9)
        return end + 4 + length
    }

    private static func paddingLength(behind count: Int, _ block: Int) -> Int {
        (block - (count + 4) % block) % block
    }

    /// The octets of an Extended DNS Error option; the text is cut where it would crowd out the answer.
    static func option(_ error: ExtendedError, text: String = "") -> [UInt8] {
        var text = Substring(text)
        while text.utf8.count > 160 { text.removeLast() }
        var option: [UInt8] = []
        option.append(extendedErrorOption)
        option.append(UInt16(2 + text.utf8.count))
        option.append(error.rawValue)
        return option + Array(text.utf8)
    }
}

/// The Extended DNS Errors that the resolver emits (RFC 8914 section 4).
enum ExtendedError: UInt16, Sendable {
    case other = 0
    case stale = 3
    case bogus = 6
    case signatureExpired = 7
    case signatureNotYetValid = 8
    case keyMissing = 9
    case signatureMissing = 10
    case denialMissing = 12
    case blocked = 15
    case prohibited = 18
    case notAuthoritative = 20
    case noReachableAuthority = 22
    case networkError = 23
    case invalidData = 24
}
