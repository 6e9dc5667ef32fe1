// SPDX-License-Identifier: Apache-2.0

/// Takes values out of wire form, in either byte order; bounded in depth, and by the message in all else.
struct DBusReader {
    private let bytes: ArraySlice<UInt8>
    private let isLittleEndian: Bool
    private var offset = 0

    /// Containers within containers; the specification allows 64, resolved's interface has 3.
    private static let depthLimit = 8

    /// - Parameter bytes: begins where alignment is counted from.
    init(_ bytes: ArraySlice<UInt8>, isLittleEndian: Bool) {
        self.bytes = bytes
        self.isLittleEndian = isLittleEndian
    }

    /// Octets that were read.
    var position: Int { offset }

    /// Reads the values of a signature.
    mutating func values(_ signature: String) throws(DBusGarbage) -> [DBusValue] {
        var letters = Array(signature.utf8)[...]
        var values: [DBusValue] = []
        while !letters.isEmpty { values.append(try value(try Self.takeType(&letters), depth: 0)) }
        return values
    }

    mutating func align(_ boundary: Int) throws(DBusGarbage) {
        let padding = (boundary - offset % boundary) % boundary
        guard try take(padding).allSatisfy({ $0 == 0 }) else { throw .padding }
    }

    /// Cuts one complete type off a signature.
    private static func takeType(_ letters: inout ArraySlice<UInt8>) throws(DBusGarbage) -> ArraySlice<UInt8> {
        var end = letters.startIndex
        while end < letters.endIndex, letters[end] == UInt8(ascii: "a") { end += 1 }
        guard end < letters.endIndex else { throw .signature }
        let closing: [UInt8: UInt8] = [UInt8(ascii: "("): UInt8(ascii: ")"), UInt8(ascii: "{"): UInt8(ascii: "}")]
        if let close = closing[letters[end]] {
            let open = letters[end]
            var depth = 0
            repeat {
                guard end < letters.endIndex else { throw .signature }
                if letters[end] == open { depth += 1 }
                if letters[end] == close { depth -= 1 }
                end += 1
            } while depth > 0
        } else {
            end += 1
        }
        defer { letters = letters[end...] }
        return letters[..<end]
    }

    private mutating func value(_ type: ArraySlice<UInt8>, depth: Int) throws(DBusGarbage) -> DBusValue {
        guard depth <= Self.depthLimit, let letter = type.first else { throw .depth }
        try align(DBusAlignment.of(letter))
        switch letter {
        case UInt8(ascii: "y"): return .byte(try integer(UInt8.self))
        case UInt8(ascii: "b"):
            let number = try integer(UInt32.self)
            guard number <= 1 else { throw .boolean }
            return .boolean(number == 1)
        case UInt8(ascii: "q"): return .uint16(try integer(UInt16.self))
        case UInt8(ascii: "i"): return .int32(Int32(bitPattern: try integer(UInt32.self)))
        case UInt8(ascii: "u"): return .uint32(try integer(UInt32.self))
        case UInt8(ascii: "t"): return .uint64(try integer(UInt64.self))
        case UInt8(ascii: "s"): return .string(try text(Int(try integer(UInt32.self))))
        case UInt8(ascii: "o"): return .objectPath(try text(Int(try integer(UInt32.self))))
        case UInt8(ascii: "g"): return .signature(try text(Int(try integer(UInt8.self))))
        case UInt8(ascii: "v"):
            var letters = Array(try text(Int(try integer(UInt8.self))).utf8)[...]
            let inner = try Self.takeType(&letters)
            guard letters.isEmpty else { throw .signature }
            return .variant(try value(inner, depth: depth + 1))
        case UInt8(ascii: "a"): return try array(of: type.dropFirst(), depth: depth)
        case UInt8(ascii: "("): return .structure(try fields(type.dropFirst().dropLast(), depth: depth))
        case UInt8(ascii: "{"):
            let fields = try fields(type.dropFirst().dropLast(), depth: depth)
            guard fields.count == 2 else { throw .signature }
            return .entry(fields[0], fields[1])
        default: throw .signature
        }
    }

    private mutating func fields(_ types: ArraySlice<UInt8>, depth: Int) throws(DBusGarbage) -> [DBusValue] {
        var (types, fields) = (types, [DBusValue]())
        while !types.isEmpty { fields.append(try value(try Self.takeType(&types), depth: depth + 1)) }
        // A structure of nothing takes no octets: an array of them would have no end.
        guard !fields.isEmpty else { throw .signature }
        return fields
    }

    private mutating func array(of element: ArraySlice<UInt8>, depth: Int) throws(DBusGarbage) -> DBusValue {
        let length = Int(try integer(UInt32.self))
        try align(DBusAlignment.of(element.first ?? 0))
        guard length <= bytes.count - offset else { throw .truncated }
        let end = offset + length
        var elements: [DBusValue] = []
        while offset < end { elements.append(try value(element, depth: depth + 1)) }
        guard offset == end else { throw .truncated }
        return .array(of: String(decoding: element, as: UTF8.self), elements)
    }

    private mutating func text(_ length: Int) throws(DBusGarbage) -> String {
        let octets = try take(length)
        guard try take(1).first == 0, !octets.contains(0), let text = String(validating: octets, as: UTF8.self) else {
            throw .text
        }
        return text
    }

    private mutating func integer<Number: FixedWidthInteger & UnsignedInteger>(
        _ type: Number.Type
    ) throws(DBusGarbage) -> Number {
        let octets = try take(Number.bitWidth / 8)
        var number: Number = 0
        for octet in isLittleEndian ? Array(octets.reversed()) : Array(octets) {
            number = Number.bitWidth == 8 ? Number(octet) : number << 8 | Number(octet)
        }
        return number
    }

    private mutating func take(_ count: Int) throws(DBusGarbage) -> ArraySlice<UInt8> {
        guard count <= bytes.count - offset else { throw .truncated }
        let start = bytes.startIndex + offset
        offset += count
        return bytes[start..<start + count]
    }
}

/// What came is no D-Bus.
public enum DBusGarbage: Error, Hashable, Sendable {
    case truncated
    case padding
    case signature
    case depth
    case boolean
    case text
    case header
    case tooLong
    case authentication
}
