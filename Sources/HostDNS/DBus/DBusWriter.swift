// SPDX-License-Identifier: Apache-2.0

/// Puts values into wire form, little-endian (D-Bus Specification, "Marshaling").
struct DBusWriter {
    private(set) var bytes: [UInt8] = []

    mutating func put(_ value: DBusValue) {
        align(DBusAlignment.of(value.signature.utf8.first ?? 0))
        switch value {
        case .byte(let number): bytes.append(number)
        case .boolean(let isTrue): put(integer: UInt32(isTrue ? 1 : 0))
        case .uint16(let number): put(integer: number)
        case .int32(let number): put(integer: UInt32(bitPattern: number))
        case .uint32(let number): put(integer: number)
        case .uint64(let number): put(integer: number)
        case .string(let text), .objectPath(let text):
            put(integer: UInt32(text.utf8.count))
            bytes += Array(text.utf8) + [0]
        case .signature(let text):
            bytes.append(UInt8(truncatingIfNeeded: text.utf8.count))
            bytes += Array(text.utf8) + [0]
        case .array(let element, let elements): put(array: elements, of: element)
        case .structure(let fields): for field in fields { put(field) }
        case .entry(let key, let value):
            put(key)
            put(value)
        case .variant(let value):
            put(.signature(value.signature))
            put(value)
        }
    }

    mutating func align(_ boundary: Int) {
        while bytes.count % boundary != 0 { bytes.append(0) }
    }

    /// The length counts from the first element on: not the padding before it.
    private mutating func put(array elements: [DBusValue], of element: String) {
        let place = bytes.count
        put(integer: UInt32(0))
        align(DBusAlignment.of(element.utf8.first ?? 0))
        let start = bytes.count
        for element in elements { put(element) }
        let length = UInt32(bytes.count - start)
        for index in 0..<4 { bytes[place + index] = UInt8(truncatingIfNeeded: length >> (8 * UInt32(index))) }
    }

    private mutating func put(integer: some FixedWidthInteger & UnsignedInteger) {
        for shift in stride(from: 0, to: integer.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: integer >> shift))
        }
    }
}

/// Where values begin, counted from the message's beginning.
enum DBusAlignment {
    /// The boundary of a type, by the first letter of its signature.
    static func of(_ letter: UInt8) -> Int {
        switch letter {
        case UInt8(ascii: "y"), UInt8(ascii: "g"), UInt8(ascii: "v"): 1
        case UInt8(ascii: "q"), UInt8(ascii: "n"): 2
        case UInt8(ascii: "x"), UInt8(ascii: "t"), UInt8(ascii: "d"), UInt8(ascii: "("), UInt8(ascii: "{"): 8
        default: 4
        }
    }
}
