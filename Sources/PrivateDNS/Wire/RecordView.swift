// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO

/// Where the parts of one resource record lie in a message.
struct RecordView {
    let owner: Int
    /// Octets of the owner when it is written out.
    let ownerLength: Int
    let type: RecordType
    let classNumber: UInt16
    let ttl: UInt32
    let ttlOffset: Int
    /// The RDATA.
    let data: Range<Int>

    /// Where the next record begins.
    var end: Int { data.upperBound }

    /// Reads the fixed part behind a checked owner name.
    init(_ message: Span<UInt8>, at offset: Int) throws(FormatError) {
        let (fixed, ownerLength) = try WireName.measure(message, at: offset)
        guard fixed + 10 <= message.count else { throw .truncated }
        let length = Int(message.uint16(at: fixed + 8))
        guard fixed + 10 + length <= message.count else { throw .truncated }
        owner = offset
        self.ownerLength = ownerLength
        type = RecordType(rawValue: message.uint16(at: fixed))
        classNumber = message.uint16(at: fixed + 2)
        ttl = message.uint32(at: fixed + 4)
        ttlOffset = fixed + 4
        data = fixed + 10..<fixed + 10 + length
    }

    /// Checks the names inside RDATA, which may be compressed in these types and no others (RFC 3597 section 4).
    /// - Returns: octets of those names when they are written out, or what makes as much work.
    @discardableResult
    func checkData(_ message: Span<UInt8>) throws(FormatError) -> Int {
        switch type {
        case .ns, .cname, .ptr, .dname:
            let name = try WireName.measure(message, at: data.lowerBound)
            guard name.end == data.upperBound else { throw .malformedData }
            return name.length
        case .mx:
            guard data.count >= 3 else { throw .malformedData }
            let name = try WireName.measure(message, at: data.lowerBound + 2)
            guard name.end == data.upperBound else { throw .malformedData }
            return name.length
        case .soa:
            let first = try WireName.measure(message, at: data.lowerBound)
            let second = try WireName.measure(message, at: first.end)
            guard second.end == data.upperBound - 20 else { throw .malformedData }
            return first.length + second.length
        case .a:
            guard data.count == 4 else { throw .malformedData }
        case .aaaa:
            guard data.count == 16 else { throw .malformedData }
        case .svcb, .https:
            return try ServiceBinding.check(message, data)
        case .opt:
            try OPT.checkOptions(message, data)
        default:
            break
        }
        return 0
    }

    /// The addresses that a checked record leads to, or gives as hints.
    func addresses(in message: Span<UInt8>) -> [IPAddress] { type.addresses(in: message, data) }

    /// Whether a checked record leads nowhere, and gives no hint, but where it may.
    func leads(in message: Span<UInt8>, where isAllowed: (IPAddress) -> Bool) -> Bool {
        switch type {
        case .a, .aaaa: isAllowed(IPAddress(message, at: data.lowerBound, data.count))
        default: addresses(in: message).allSatisfy(isAllowed)
        }
    }

    /// Whether the record signs records of a type (RFC 4034 section 3.1.1).
    func signs(_ type: RecordType, in message: Span<UInt8>) -> Bool {
        self.type == .rrsig && data.count >= 2 && message.uint16(at: data.lowerBound) == type.rawValue
    }

    private static func append(_ octets: Span<UInt8>, to records: inout [UInt8]) {
        let start = records.count
        records.append(contentsOf: repeatElement(0, count: octets.count))
        var room = records.mutableSpan
        room.copy(octets, at: start)
    }

    /// Appends the record without compression: owner, type, class, TTL, RDATA. It must have been checked.
    func appendExpanded(_ message: Span<UInt8>, ttl: UInt32, to records: inout [UInt8]) {
        let start = records.count
        let fixed = start + ownerLength
        let hasNames = mayBeCompressed
        let rest = message.extracting(ttlOffset - 4..<(hasNames ? data.lowerBound : end))
        records.append(contentsOf: repeatElement(0, count: ownerLength + rest.count))
        var room = records.mutableSpan
        WireName.write(message, at: owner, into: &room, at: start)
        room.copy(rest, at: fixed)
        room.put(ttl, at: fixed + 4)
        guard hasNames else { return }
        appendExpandedData(message, to: &records)
        let length = records.count - fixed - 10
        records[fixed + 8] = UInt8(truncatingIfNeeded: length >> 8)
        records[fixed + 9] = UInt8(truncatingIfNeeded: length)
    }

    /// Whether RDATA has names that may be compressed.
    private var mayBeCompressed: Bool {
        switch type {
        case .ns, .cname, .ptr, .dname, .mx, .soa: true
        default: false
        }
    }

    /// Appends RDATA that has names.
    private func appendExpandedData(_ message: Span<UInt8>, to records: inout [UInt8]) {
        switch type {
        case .mx:
            records.append(message.uint16(at: data.lowerBound))
            WireName.append(message, at: data.lowerBound + 2, to: &records)
        case .soa:
            WireName.append(message, at: data.lowerBound, to: &records)
            // Checked before, so the second name is where the first one ends.
            let second = (try? WireName.skip(message, at: data.lowerBound)) ?? data.lowerBound
            WireName.append(message, at: second, to: &records)
            Self.append(message.extracting(data.suffix(20)), to: &records)
        default:
            WireName.append(message, at: data.lowerBound, to: &records)
        }
    }
}

extension RecordType {
    /// The addresses that checked RDATA leads to, or gives as hints.
    func addresses(in message: Span<UInt8>, _ data: Range<Int>) -> [IPAddress] {
        switch self {
        case .a, .aaaa: [IPAddress(message, at: data.lowerBound, data.count)]
        case .svcb, .https: ServiceBinding.hints(message, data)
        default: []
        }
    }
}
