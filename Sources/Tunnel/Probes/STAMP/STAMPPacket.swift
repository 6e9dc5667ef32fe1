// SPDX-License-Identifier: Apache-2.0

/// Why a test packet was discarded.
public enum STAMPRefusal: String, Error, Hashable, Sendable, CaseIterable {
    /// Not from the session's peer, or, at a reflector, from nobody that the file allows.
    case source
    /// Shorter than a base packet (RFC 8762 sections 4.2.1 and 4.3.1). It is not answered: the answer would be longer.
    case truncated
    /// Longer than any packet that a path carries.
    case oversized
    /// Its timestamps are none.
    case timestamp
    /// It answers nothing that we sent, or nothing that we remember.
    case unasked
    /// It came before.
    case duplicate
    /// More packets than are answered in a second.
    case rate
    /// More sessions than a reflector holds.
    case sessions
}

/// A question of a Session-Sender without authentication (RFC 8762 section 4.2.1, RFC 8972 section 3).
public struct STAMPQuestion: Hashable, Sendable {
    /// Sequence Number, from 0.
    public var sequence: UInt32
    /// When it was sent, by the sender's clock.
    public var timestamp: STAMPTimestamp
    /// How far that clock is trusted.
    public var errorEstimate: STAMPErrorEstimate
    /// SSID, which tells sessions of one address and port apart; 0: none.
    public var sessionID: UInt16
    /// What follows the base packet: extensions (RFC 8972 section 4), or only length.
    public var rest: [UInt8]

    /// Makes a question without anything behind it.
    public init(
        sequence: UInt32,
        timestamp: STAMPTimestamp,
        errorEstimate: STAMPErrorEstimate,
        sessionID: UInt16
    ) {
        self.sequence = sequence
        self.timestamp = timestamp
        self.errorEstimate = errorEstimate
        self.sessionID = sessionID
        rest = []
    }

    /// Reads a datagram's payload.
    public init(_ octets: ArraySlice<UInt8>) throws(STAMPRefusal) {
        guard octets.count >= STAMPLayout.size else { throw .truncated }
        guard octets.count <= STAMPLayout.sizeLimit else { throw .oversized }
        let fields = Array(octets)
        sequence = UInt32(networkOrder: fields[0...])
        timestamp = STAMPTimestamp(rawValue: UInt64(networkOrder: fields[4...]))
        errorEstimate = STAMPErrorEstimate(rawValue: UInt16(networkOrder: fields[12...]))
        sessionID = UInt16(networkOrder: fields[14...])
        rest = Array(fields[STAMPLayout.size...])
        guard timestamp.isValid(as: errorEstimate.format) else { throw .timestamp }
    }

    /// The packet as it is sent.
    public var octets: [UInt8] {
        sequence.octets + timestamp.rawValue.octets + errorEstimate.rawValue.octets + sessionID.octets
            + Array(repeating: 0, count: 28) + rest
    }
}

/// The answer of a Session-Reflector (RFC 8762 section 4.3.1).
public struct STAMPAnswer: Hashable, Sendable {
    /// Sequence Number: of a stateful reflector its own, from 0; of another one the question's.
    public var sequence: UInt32
    /// When the answer was sent, by the reflector's clock.
    public var timestamp: STAMPTimestamp
    /// How far that clock is trusted.
    public var errorEstimate: STAMPErrorEstimate
    /// SSID, as in the question.
    public var sessionID: UInt16
    /// When the question was received, by the reflector's clock.
    public var receiveTimestamp: STAMPTimestamp
    /// Session-Sender Sequence Number.
    public var senderSequence: UInt32
    /// Session-Sender Timestamp.
    public var senderTimestamp: STAMPTimestamp
    /// Session-Sender Error Estimate.
    public var senderErrorEstimate: STAMPErrorEstimate
    /// Ses-Sender TTL: what the question's TTL or hop limit was when it arrived.
    public var senderTTL: UInt8
    /// What followed the question. It goes back as it came, so the answer is as long, and extensions are marked as not
    /// understood, as their sender marked them (RFC 8972 section 4).
    public var rest: [UInt8]

    /// Answers a question.
    public init(
        to question: STAMPQuestion,
        sequence: UInt32,
        received: STAMPTimestamp,
        ttl: UInt8,
        sent: STAMPTimestamp,
        errorEstimate: STAMPErrorEstimate
    ) {
        self.sequence = sequence
        timestamp = sent
        self.errorEstimate = errorEstimate
        sessionID = question.sessionID
        receiveTimestamp = received
        senderSequence = question.sequence
        senderTimestamp = question.timestamp
        senderErrorEstimate = question.errorEstimate
        senderTTL = ttl
        rest = question.rest
    }

    /// Reads a datagram's payload. A reflector of TWAMP Light (RFC 8762 section 4.6) may end it with the TTL.
    public init(_ octets: ArraySlice<UInt8>) throws(STAMPRefusal) {
        guard octets.count >= STAMPLayout.leastAnswer else { throw .truncated }
        guard octets.count <= STAMPLayout.sizeLimit else { throw .oversized }
        let fields = Array(octets)
        sequence = UInt32(networkOrder: fields[0...])
        timestamp = STAMPTimestamp(rawValue: UInt64(networkOrder: fields[4...]))
        errorEstimate = STAMPErrorEstimate(rawValue: UInt16(networkOrder: fields[12...]))
        sessionID = UInt16(networkOrder: fields[14...])
        receiveTimestamp = STAMPTimestamp(rawValue: UInt64(networkOrder: fields[16...]))
        senderSequence = UInt32(networkOrder: fields[24...])
        senderTimestamp = STAMPTimestamp(rawValue: UInt64(networkOrder: fields[28...]))
        senderErrorEstimate = STAMPErrorEstimate(rawValue: UInt16(networkOrder: fields[36...]))
        senderTTL = fields[40]
        rest = Array(fields.dropFirst(STAMPLayout.size))
        let format = errorEstimate.format
        guard timestamp.isValid(as: format), receiveTimestamp.isValid(as: format) else { throw .timestamp }
    }

    /// The packet as it is sent.
    public var octets: [UInt8] {
        var octets = sequence.octets + timestamp.rawValue.octets + errorEstimate.rawValue.octets + sessionID.octets
        octets += receiveTimestamp.rawValue.octets + senderSequence.octets + senderTimestamp.rawValue.octets
        return octets + senderErrorEstimate.rawValue.octets + [0, 0, senderTTL, 0, 0, 0] + rest
    }
}

/// What questions and answers have in common.
enum STAMPLayout {
    /// Octets of a base packet.
    static let size = 44
    /// Octets up to the TTL of an answer.
    static let leastAnswer = 41
    /// Octets of the longest one: what an interface's largest MTU leaves.
    static let sizeLimit = 9_000
}

extension FixedWidthInteger {
    /// In network order.
    fileprivate var octets: [UInt8] {
        stride(from: bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: self >> $0) }
    }
}
