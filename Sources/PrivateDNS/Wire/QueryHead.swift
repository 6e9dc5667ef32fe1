// SPDX-License-Identifier: Apache-2.0

/// What must be known of a query to answer it; the octets stay where they came.
struct QueryHead: Sendable {
    /// The flags word as it came.
    let flags: UInt16
    /// Octets of the question's name, the root's zero included.
    let nameLength: Int
    /// What is asked for.
    let type: RecordType
    let questionClass: UInt16
    /// The OPT record, where there is one.
    let edns: EDNS?
    /// What the answer's OPT tells this client alone.
    var hop = HopOptions()

    /// The client's side of EDNS. Its options are never relayed: they are hop by hop (RFC 6891 section 6.2.6).
    struct EDNS: Sendable {
        let version: UInt8
        let payloadSize: Int
        let wantsDNSSEC: Bool
        let options: EDNSOptions
    }

    /// Whether it asks for nothing but a cookie (RFC 7873 section 5.4): even the root's name has an octet.
    var hasQuestion: Bool { nameLength > 0 }

    /// Where the question ends and, in an answer, the records begin.
    var questionEnd: Int { hasQuestion ? MessageSize.header + nameLength + 4 : MessageSize.header }

    /// Octets of an answer's OPT record without what is said of the answer; 0 where there is none.
    var optSize: Int { edns == nil ? 0 : OPT.fixedSize + hop.count }

    /// Where the body of so many octets, or what is left of it, ends in an answer of so many: OPT stands behind it.
    func bodyEnd(_ body: Int, in answer: Int) -> Int { min(answer - optSize, questionEnd + body) }

    /// The largest answer over UDP (RFC 6891 section 6.2.3: below 512 counts as 512).
    var datagramLimit: Int {
        guard let edns else { return MessageSize.plain }
        return max(MessageSize.plain, min(edns.payloadSize, MessageSize.datagram))
    }

    /// Why a message is not a query that can be answered.
    enum Fault: Error, Hashable {
        /// Too short, or an answer: whoever answered it would help to make a loop.
        case notAQuery
        /// Another opcode.
        case notImplemented
        /// FORMERR.
        case malformed(FormatError)
    }

    /// Scans a whole message strictly.
    init(scanning message: Span<UInt8>) throws(Fault) {
        guard message.count >= MessageSize.header else { throw .notAQuery }
        flags = message.uint16(at: 2)
        guard flags & HeaderFlags.response == 0 else { throw .notAQuery }
        guard flags & HeaderFlags.opcode == 0 else { throw .notImplemented }
        let questions = message.uint16(at: 4)
        guard questions <= 1 else { throw .malformed(.questionCount) }
        guard message.uint32(at: 6) == 0 else { throw .malformed(.recordsInQuery) }

        var offset = MessageSize.header
        do throws(FormatError) {
            if questions == 1 {
                nameLength = try Self.nameLength(message)
                offset += nameLength
                guard offset + 4 <= message.count else { throw .truncated }
                type = RecordType(rawValue: message.uint16(at: offset))
                questionClass = message.uint16(at: offset + 2)
                offset += 4
            } else {
                (nameLength, type, questionClass) = (0, RecordType(rawValue: 0), internetClass)
            }
            edns = try Self.additional(message, count: Int(message.uint16(at: 10)), offset: &offset)
        } catch {
            throw .malformed(error)
        }
        guard offset == message.count else { throw .malformed(.trailingOctets) }
        guard questions == 1 || edns?.options.cookie != nil else { throw .malformed(.questionCount) }
    }

    private static func nameLength(_ message: Span<UInt8>) throws(FormatError) -> Int {
        var offset = MessageSize.header
        while true {
            guard offset < message.count else { throw .truncated }
            let label = Int(message[offset])
            // A pointer has nothing before it to point to here.
            guard label < 64 else { throw .unknownLabelType }
            offset += label + 1
            guard offset <= MessageSize.header + 255 else { throw .nameTooLong }
            if label == 0 { return offset - MessageSize.header }
        }
    }

    private static func additional(
        _ message: Span<UInt8>,
        count: Int,
        offset: inout Int
    ) throws(FormatError) -> EDNS? {
        // OPT and a signature (RFC 8945, RFC 2931) are all that a query can have.
        guard count <= 8 else { throw .tooMuchWork }
        var edns: EDNS?
        for _ in 0..<count {
            let record = try RecordView(message, at: offset)
            if record.type == .opt {
                guard edns == nil, message[offset] == 0 else { throw .malformedOPT }
                edns = EDNS(
                    version: UInt8(truncatingIfNeeded: record.ttl >> 16),
                    payloadSize: Int(record.classNumber),
                    wantsDNSSEC: record.ttl & OPT.dnssecOK != 0,
                    options: try EDNSOptions(message, record.data)
                )
            }
            offset = record.end
        }
        return edns
    }
}
