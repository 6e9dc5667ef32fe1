// SPDX-License-Identifier: Apache-2.0

/// What a segment holds ("Packet layer" in the vici plugin's README).
enum VICIPacket: Hashable, Sendable {
    /// CMD_REQUEST, from a client.
    case request(name: [UInt8], VICIMessage)
    /// CMD_RESPONSE.
    case response(VICIMessage)
    /// CMD_UNKNOWN.
    case commandUnknown
    /// EVENT_REGISTER, from a client.
    case register(name: [UInt8])
    /// EVENT_UNREGISTER, from a client.
    case unregister(name: [UInt8])
    /// EVENT_CONFIRM.
    case eventConfirmed
    /// EVENT_UNKNOWN.
    case eventUnknown
    /// EVENT.
    case event(name: [UInt8], VICIMessage)

    /// Reads a segment, without its length.
    init(_ segment: [UInt8]) throws(VICIGarbage) {
        guard !segment.isEmpty else { throw .empty }
        var reader = VICIReader(segment)
        switch try reader.octet() {
        case 0: self = .request(name: try reader.name(), try VICIMessage(from: &reader))
        case 1: self = .response(try VICIMessage(from: &reader))
        case 2: self = .commandUnknown
        case 3: self = .register(name: try reader.name())
        case 4: self = .unregister(name: try reader.name())
        case 5: self = .eventConfirmed
        case 6: self = .eventUnknown
        case 7: self = .event(name: try reader.name(), try VICIMessage(from: &reader))
        default: throw .packetType
        }
        guard reader.isAtEnd else { throw .trailing }
    }

    /// The segment as it is sent: its length in 32 bits, then its octets.
    func segment() throws(VICIEncodingError) -> [UInt8] {
        let (type, name, message): (UInt8, [UInt8]?, VICIMessage?) =
            switch self {
            case .request(let name, let message): (0, name, message)
            case .response(let message): (1, nil, message)
            case .commandUnknown: (2, nil, nil)
            case .register(let name): (3, name, nil)
            case .unregister(let name): (4, name, nil)
            case .eventConfirmed: (5, nil, nil)
            case .eventUnknown: (6, nil, nil)
            case .event(let name, let message): (7, name, message)
            }
        let size = 1 + (name.map { 1 + $0.count } ?? 0) + (message?.encodedSize ?? 0)
        guard size <= VICIWire.segmentLimit else { throw .segmentTooLong(octets: size) }
        var octets: [UInt8] = []
        // All at once: growing would leave copies of what may be a secret.
        octets.reserveCapacity(4 + size)
        for shift in [24, 16, 8, 0] { octets.append(UInt8(truncatingIfNeeded: size >> shift)) }
        octets.append(type)
        if let name { try Self.write(name: name, to: &octets) }
        try message?.encode(into: &octets)
        return octets
    }

    static func write(name: [UInt8], to octets: inout [UInt8]) throws(VICIEncodingError) {
        guard name.count <= VICIWire.nameLimit else { throw .nameTooLong(String(decoding: name, as: UTF8.self)) }
        octets.append(UInt8(name.count))
        octets += name
    }
}

/// Cuts a stream into segments ("Transport protocol" in the vici plugin's README). It holds one segment and what a read
/// brings, and no more.
struct VICISegments {
    private var octets: [UInt8] = []
    private var start = 0

    /// Takes what was read.
    mutating func append(_ part: ArraySlice<UInt8>) {
        if start > 0 {
            octets.removeFirst(start)
            start = 0
        }
        octets += part
    }

    /// The next segment without its length; nil where it is not whole yet.
    mutating func next() throws(VICIGarbage) -> [UInt8]? {
        guard octets.count - start >= 4 else { return nil }
        let length = octets[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
        guard length > 0 else { throw .empty }
        guard length <= VICIWire.segmentLimit else { throw .oversized }
        guard octets.count - start - 4 >= length else { return nil }
        defer { start += 4 + length }
        return Array(octets[start + 4..<start + 4 + length])
    }
}
