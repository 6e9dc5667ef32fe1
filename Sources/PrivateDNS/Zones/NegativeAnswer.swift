// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO

/// The SOA that makes a negative answer of our own cacheable (RFC 2308 section 3).
struct NegativeAnswer: Sendable {
    /// How long clients may remember that something is not there: as short as what they may remember of a path.
    static let ttl: UInt32 = 10

    private let apex: [UInt8]
    private let labels: Int
    private let fixed: [UInt8]
    private let data: [UInt8]

    /// - Parameter ttl: in seconds.
    init(zone: DomainName, ttl: UInt32 = ttl) {
        apex = zone.wire
        labels = zone.labels.count
        let set = Self.authority(zone, ttl: ttl)
        data = Self.data(ttl)
        var fixed: [UInt8] = []
        fixed.append(RecordType.soa.rawValue)
        fixed.append(internetClass)
        fixed.append(set.ttl)
        fixed.append(UInt16(2 + Self.dataSize))
        self.fixed = fixed
    }

    /// Octets of what ``write(behind:into:)`` writes.
    static let bodySize = 2 + 10 + 2 + dataSize

    /// The record's form is that of RFC 6303 section 3: a server that is the zone itself, nobody to write to.
    static func authority(_ zone: DomainName, ttl: UInt32 = ttl) -> ZoneRecords.RecordSet {
        ZoneRecords.RecordSet(owner: zone, type: .soa, ttl: ttl, data: [zone.wire + data(ttl)])
    }

    private static func data(_ ttl: UInt32) -> [UInt8] {
        var data = mailbox
        for value in [1, 3600, 1200, 604_800, ttl] { data.append(value) }
        return data
    }

    private static let mailbox = Array("\u{6}nobody\u{7}invalid\u{0}".utf8)
    private static let dataSize = mailbox.count + 20

    /// Writes the SOA for a question whose name lies in the zone, its names as pointers into that question.
    /// - Parameter body: ``bodySize`` octets.
    func write(behind name: borrowing LookupName, into body: inout [UInt8]) {
        var room = body.mutableSpan
        let pointer = 0xc000 | UInt16(MessageSize.header + name.start(ofLast: labels))
        room.put(pointer, at: 0)
        room.copy(fixed.span, at: 2)
        room.put(pointer, at: 12)
        room.copy(data.span, at: 14)
    }
}
