// SPDX-License-Identifier: Apache-2.0

import SystemIO

/// What the header of an answer says.
struct ReplyHead: Sendable, Hashable {
    var code: ResponseCode
    var isAuthoritative = false
    /// Whether all of the data was found authentic. Only who asks with AD or DO is told (RFC 6840 section 5.8).
    var isAuthentic = false
    /// Records in the answer section, then in the authority section, as they follow in the body.
    var answers: UInt16 = 0
    var authority: UInt16 = 0
    /// Whether the client is to come back over TCP whatever fits.
    var isTruncated = false
}

/// Makes answers: header, the question as it came, a body, OPT where the query had one. Nothing is
/// allocated, but for an answer that has to be cut.
enum ReplyWriter {
    /// Writes an answer to a query.
    ///
    /// The body lies behind the question, so its compression pointers hold for any answer to the same name; names
    /// that it takes from the question then come back in the client's own case.
    /// - Parameters:
    ///   - options: EDNS options, written only where the query had an OPT.
    ///   - limit: the largest message; whole RRsets are left out behind it, with TC set (RFC 2181 section 9).
    /// - Returns: octets written.
    static func write(
        _ head: ReplyHead,
        body: Span<UInt8>,
        options: Span<UInt8>,
        to query: Span<UInt8>,
        _ scan: QueryHead,
        limit: Int,
        into room: inout MutableSpan<UInt8>
    ) -> Int {
        let start = scan.questionEnd
        let limit = min(limit, room.count)
        var head = head
        var bodyCount = body.count
        // The text of an error goes before any record does.
        let isRemarked = start + bodyCount + scan.optSize + options.count <= limit
        if start + bodyCount + scan.optSize > limit {
            head.isTruncated = true
            bodyCount = fit(body, behind: query.extracting(first: start), &head, in: limit - scan.optSize - start)
        }
        room.copy(query.extracting(first: start), at: 0)
        room.copy(body.extracting(first: bodyCount), at: start)
        writeHeader(head, scan, into: &room)
        guard scan.edns != nil else { return start + bodyCount }
        let end = OPT.write(
            into: &room,
            at: start + bodyCount,
            code: head.code,
            dnssecOK: scan.edns?.wantsDNSSEC == true,
            hop: scan.hop,
            options: isRemarked ? options : options.extracting(first: 0)
        )
        return scan.hop.isPadded ? OPT.pad(&room, recordAt: start + bodyCount, to: end) : end
    }

    private static func writeHeader(
        _ head: ReplyHead,
        _ scan: QueryHead,
        into room: inout MutableSpan<UInt8>
    ) {
        var flags = scan.flags & (HeaderFlags.recursionDesired | HeaderFlags.checkingDisabled)
        flags |= HeaderFlags.response | HeaderFlags.recursionAvailable | head.code.rawValue & HeaderFlags.responseCode
        if head.isAuthoritative { flags |= HeaderFlags.authoritative }
        if head.isAuthentic, scan.flags & HeaderFlags.authenticData != 0 || scan.edns?.wantsDNSSEC == true {
            flags |= HeaderFlags.authenticData
        }
        if head.isTruncated { flags |= HeaderFlags.truncated }
        room.put(flags, at: 2)
        room.put(scan.hasQuestion ? 1 : 0 as UInt16, at: 4)
        room.put(head.answers, at: 6)
        room.put(head.authority, at: 8)
        room.put(scan.edns == nil ? 0 : 1 as UInt16, at: 10)
    }

    /// Writes the answer to what is no proper query: nothing but the header, since no question can be trusted.
    static func writeFault(
        _ code: ResponseCode,
        to query: Span<UInt8>,
        into room: inout MutableSpan<UInt8>
    ) -> Int {
        room.put(query.uint16(at: 0), at: 0)
        let kept = query.uint16(at: 2) & (HeaderFlags.opcode | HeaderFlags.recursionDesired)
        room.put(kept | HeaderFlags.response | code.rawValue & HeaderFlags.responseCode, at: 2)
        room.put(0 as UInt32, at: 4)
        room.put(0 as UInt32, at: 8)
        return MessageSize.header
    }

    /// Cuts the body where an RRset ends; the counts of the head follow.
    /// - Returns: how many octets of the body stay.
    private static func fit(
        _ body: Span<UInt8>,
        behind question: Span<UInt8>,
        _ head: inout ReplyHead,
        in room: Int
    ) -> Int {
        let message = [UInt8](question) + [UInt8](body)
        let whole = message.span
        var kept = (octets: 0, answers: 0 as UInt16, authority: 0 as UInt16)
        var offset = question.count
        var set: (owner: [UInt8], type: RecordType)?
        var seen: UInt16 = 0
        while seen < head.answers + head.authority, let record = try? RecordView(whole, at: offset) {
            let owner = WireName.lowered(whole, at: record.owner)
            if set?.type != record.type || set?.owner != owner || seen == head.answers {
                guard offset - question.count <= room else { break }
                kept = (offset - question.count, min(seen, head.answers), seen - min(seen, head.answers))
                set = (owner, record.type)
            }
            seen += 1
            offset = record.end
        }
        head.answers = kept.answers
        head.authority = kept.authority
        return kept.octets
    }
}
