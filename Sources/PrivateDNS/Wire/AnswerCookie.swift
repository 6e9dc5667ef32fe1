// SPDX-License-Identifier: Apache-2.0

import SystemIO

/// What an answer says in a COOKIE option (RFC 7873 section 4).
struct AnswerCookie: Hashable, Sendable {
    /// Our part, as it came back.
    let client: UInt64
    /// The server's part, 8 to 32 octets; empty where it only sent back what it got.
    let server: [UInt8]

    /// Finds the first COOKIE option of an OPT record whose options were checked; nil where there is none.
    /// - Throws: ``FormatError/malformedCookie`` where it has a length that no cookie has.
    static func find(_ message: Span<UInt8>, _ data: Range<Int>) throws(FormatError) -> AnswerCookie? {
        var offset = data.lowerBound
        while offset < data.upperBound {
            let length = Int(message.uint16(at: offset + 2))
            let end = offset + 4 + length
            guard message.uint16(at: offset) == EDNSOptions.cookie else {
                offset = end
                continue
            }
            guard length == 8 || (16...40).contains(length) else { throw .malformedCookie }
            return AnswerCookie(
                client: message.uint64(at: offset + 4),
                server: [UInt8](message.extracting(offset + 12..<end))
            )
        }
        return nil
    }
}
