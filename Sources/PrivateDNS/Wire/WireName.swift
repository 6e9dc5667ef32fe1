// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// Names as messages carry them, compression included.
enum WireName {
    /// The most pointers in one name. Every honest encoder needs few; each lets a hostile one repeat work.
    static let pointerLimit = 10

    /// Checks the name at an offset: bounds, label types, 255 octets, pointers strictly backwards.
    /// - Returns: the offset after it.
    static func skip(_ message: Span<UInt8>, at start: Int) throws(FormatError) -> Int {
        try measure(message, at: start).end
    }

    /// Checks the name at an offset as ``skip(_:at:)`` does.
    /// - Returns: the offset after it, and its octets when it is written out.
    static func measure(_ message: Span<UInt8>, at start: Int) throws(FormatError) -> (end: Int, length: Int) {
        var offset = start
        var runStart = start
        var length = 0
        var pointers = 0
        var end: Int?
        while true {
            guard offset < message.count else { throw .truncated }
            let octet = message[offset]
            switch octet & 0xc0 {
            case 0x00:
                length += Int(octet) + 1
                guard length <= 255 else { throw .nameTooLong }
                offset += Int(octet) + 1
                if octet == 0 { return (end ?? offset, length) }
            case 0xc0:
                guard offset + 1 < message.count else { throw .truncated }
                let target = Int(message.uint16(at: offset) & 0x3fff)
                // Backwards of where this run of labels began, so that every jump shortens what is left.
                guard target >= MessageSize.header, target < runStart else { throw .pointerNotBackwards }
                pointers += 1
                guard pointers <= pointerLimit else { throw .tooManyPointers }
                end = end ?? offset + 2
                offset = target
                runStart = target
            default:
                throw .unknownLabelType
            }
        }
    }

    /// Where the first label of the checked name at an offset lies: names with the same beginning are the same.
    static func beginning(_ message: Span<UInt8>, at start: Int) -> Int {
        var offset = start
        while message[offset] >= 0xc0 { offset = Int(message.uint16(at: offset) & 0x3fff) }
        return offset
    }

    /// Whether the checked name at an offset is the other one, which is uncompressed and lowered.
    static func equals(_ message: Span<UInt8>, at start: Int, _ other: Span<UInt8>) -> Bool {
        var offset = start
        var position = 0
        while position < other.count {
            let octet = message[offset]
            if octet >= 0xc0 {
                offset = Int(message.uint16(at: offset) & 0x3fff)
                continue
            }
            let end = position + Int(octet) + 1
            guard end <= other.count else { return false }
            while position < end {
                let octet = message[offset]
                guard octet == other[position] || octet.asciiLowered == other[position] else { return false }
                position += 1
                offset += 1
            }
            if octet == 0 { return position == other.count }
        }
        return false
    }

    /// A hash of the checked name at an offset, whatever its case.
    static func hash(_ message: Span<UInt8>, at start: Int) -> UInt64 {
        var hash = nameHashSeed
        var offset = start
        while true {
            let octet = message[offset]
            if octet >= 0xc0 {
                offset = Int(message.uint16(at: offset) & 0x3fff)
                continue
            }
            let end = offset + Int(octet) + 1
            // FNV-1a.
            while offset < end {
                hash = (hash ^ UInt64(message[offset].asciiLowered)) &* 0x0000_0100_0000_01b3
                offset += 1
            }
            if octet == 0 { return hash }
        }
    }

    /// Appends the name at an offset, uncompressed and in its own case. The name must have been checked.
    static func append(_ message: Span<UInt8>, at start: Int, to name: inout [UInt8]) {
        let begin = name.count
        // No name is longer, and what is too much goes again.
        name.append(contentsOf: repeatElement(0, count: 255))
        let length = write(message, at: start, into: &name, at: begin)
        name.removeLast(255 - length)
    }

    /// Writes the checked name at an offset, uncompressed and in its own case, into room for 255 octets.
    /// - Returns: octets written.
    static func write(_ message: Span<UInt8>, at start: Int, into room: inout [UInt8], at begin: Int = 0) -> Int {
        var room = room.mutableSpan
        var offset = start
        var position = begin
        while true {
            let octet = Int(message[offset])
            if octet >= 0xc0 {
                offset = Int(message.uint16(at: offset) & 0x3fff)
                continue
            }
            for index in offset...offset + octet {
                room[position] = message[index]
                position += 1
            }
            if octet == 0 { return position - begin }
            offset += octet + 1
        }
    }

    /// The checked name at an offset, uncompressed and lowered.
    static func lowered(_ message: Span<UInt8>, at start: Int) -> [UInt8] {
        var name: [UInt8] = []
        append(message, at: start, to: &name)
        // Length octets are below 64 and no letters.
        for index in name.indices { name[index] = name[index].asciiLowered }
        return name
    }
}
