// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO

/// The RDATA of SVCB and HTTPS records (RFC 9460 section 2.2): priority, target, parameters.
enum ServiceBinding {
    private static let ipv4Hint: UInt16 = 4
    private static let ipv6Hint: UInt16 = 6
    private static let workPerParameter = 4
    private static let workPerAddress = 32

    /// Checks that the target is a name without pointers, and that parameters in rising order fill what is left, those with
    /// addresses by whole addresses.
    /// - Returns: how much work it makes, in octets of names that would make as much.
    static func check(_ message: Span<UInt8>, _ data: Range<Int>) throws(FormatError) -> Int {
        var offset = try endOfTarget(message, data)
        var work = offset - data.lowerBound
        var last = -1
        while offset < data.upperBound {
            guard offset + 4 <= data.upperBound else { throw .malformedData }
            let (key, length) = (message.uint16(at: offset), Int(message.uint16(at: offset + 2)))
            offset += 4 + length
            guard Int(key) > last, offset <= data.upperBound else { throw .malformedData }
            if let size = addressSize(key) {
                guard length > 0, length % size == 0 else { throw .malformedData }
                work += workPerAddress * (length / size)
            }
            work += workPerParameter
            last = Int(key)
        }
        return work
    }

    /// The addresses that a checked record gives as hints (section 7.3).
    static func hints(_ message: Span<UInt8>, _ data: Range<Int>) -> [IPAddress] {
        guard var offset = try? endOfTarget(message, data) else { return [] }
        var hints: [IPAddress] = []
        while offset < data.upperBound {
            let (key, length) = (message.uint16(at: offset), Int(message.uint16(at: offset + 2)))
            let value = offset + 4..<offset + 4 + length
            if let size = addressSize(key) {
                for start in stride(from: value.lowerBound, to: value.upperBound, by: size) {
                    hints.append(IPAddress(message, at: start, size))
                }
            }
            offset = value.upperBound
        }
        return hints
    }

    private static func addressSize(_ key: UInt16) -> Int? {
        switch key {
        case ipv4Hint: 4
        case ipv6Hint: 16
        default: nil
        }
    }

    private static func endOfTarget(_ message: Span<UInt8>, _ data: Range<Int>) throws(FormatError) -> Int {
        var offset = data.lowerBound + 2
        while offset < data.upperBound {
            let octet = Int(message[offset])
            guard octet < 64 else { throw .malformedData }
            offset += octet + 1
            if octet == 0 { return offset }
        }
        throw .malformedData
    }
}

extension IPAddress {
    /// Reads an address of 4 or 16 octets that lies in a message.
    init(_ message: Span<UInt8>, at offset: Int, _ size: Int) {
        if size == 4 {
            self = .v4(IPv4Address(bits: message.uint32(at: offset)))
        } else {
            let high = UInt128(message.uint64(at: offset))
            self = .v6(IPv6Address(bits: high << 64 | UInt128(message.uint64(at: offset + 8))))
        }
    }
}
