// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// A question for a zone's SOA record, and as much of its answer as says that the server serves (RFC 1035 section 4.1).
/// Of what comes in, only the header and the question are looked at.
struct DNSProbeMessage: Hashable {
    /// What an answer says of its server.
    enum Answer: Hashable {
        /// NOERROR or NXDOMAIN: it knows what it talks about.
        case served
        /// Any other RCODE.
        case failed
    }

    /// Chosen at random for each question (RFC 5452 section 4.3).
    let id: UInt16
    let name: DomainName

    /// The question in wire form. Recursion is desired: many servers of clouds forward, and refuse to do so unasked.
    var bytes: [UInt8] {
        [UInt8(id >> 8), UInt8(truncatingIfNeeded: id), 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0] + question
    }

    /// The name, type SOA (6), class IN (1).
    private var question: [UInt8] { name.wire + [0, 6, 0, 1] }

    /// Reads what a server sent; nil where it answers another question, or none.
    func answer(in received: ArraySlice<UInt8>) -> Answer? {
        let header = 12
        guard received.count >= header + question.count, UInt16(networkOrder: received) == id else { return nil }
        let flags = UInt16(networkOrder: received.dropFirst(2))
        // QR set, opcode QUERY, exactly the one question.
        guard flags & 0xf800 == 0x8000, UInt16(networkOrder: received.dropFirst(4)) == 1 else { return nil }
        let echoed = received.dropFirst(header).prefix(question.count)
        // Names are equal whatever the case of their letters (RFC 4343); those here are in lower case.
        let lowered = echoed.prefix(name.wire.count).map(\.asciiLowered) + echoed.dropFirst(name.wire.count)
        guard lowered == question else { return nil }
        return [0, 3].contains(flags & 0x000f) ? .served : .failed
    }
}
