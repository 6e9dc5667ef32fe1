// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// Names as messages carry them, compression included.
enum WireName {
    /// The most pointers in one name. Every honest encoder needs few; each lets a hostile one repeat work.
    static let pointerLimit = 10

    /// Checks the name at an offset: bounds, label types, 255 octets, pointers strictly backwards.
    /// - Returns: the offset after it.
    static func skip(_ message: Span<UInt8>, at start: Int) throws(FormatError) -> Int {
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
                if octet == 0 { return end ?? offset }
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

    /// Appends the name at an offset, uncompressed and in its own case. The name must have been checked.
    static func append(_ message: Span<UInt8>, at start: Int, to name: inout [UInt8]) {
        var offset = start
        while true {
            let octet = Int(message[offset])
            if octet >= 0xc0 {
                offset = Int(message.uint16(at: offset) & 0x3fff)
            } else {
                for index in offset...offset + octet { name.append(message[index]) }
                if octet == 0 { return }
                offset += octet + 1
            }
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
