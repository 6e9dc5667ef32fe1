// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes

/// An echo request or reply (RFC 792 page 14, RFC 4443 section 4) with our 12 octets of data, and zeros after them where it
/// has to be of a size.
struct EchoPacket: Hashable {
    var family: AddressFamily
    var isReply: Bool
    var identifier: UInt16
    var sequence: UInt16
    var secret: UInt64
    var stream: UInt32
    /// Zeros after our data; those of a reply are not counted.
    private var padding = 0

    init(
        family: AddressFamily,
        isReply: Bool,
        identifier: UInt16,
        sequence: UInt16,
        secret: UInt64,
        stream: UInt32,
        octets: Int? = nil
    ) {
        self.family = family
        self.isReply = isReply
        self.identifier = identifier
        self.sequence = sequence
        self.secret = secret
        self.stream = stream
        let header = family == .ipv4 ? 20 : 40
        padding = octets.map { max(0, $0 - header - Self.plainSize) } ?? 0
    }

    /// Octets of the message without padding.
    private static let plainSize = 20

    /// Reads what a raw socket gives: for IPv4 with the IP header in front, for IPv6 without.
    init?(family: AddressFamily, received: ArraySlice<UInt8>) {
        var message = received
        if family == .ipv4 {
            guard let first = message.first else { return nil }
            message = message.dropFirst(Int(first & 0x0f) * 4)
        }
        guard message.count >= Self.plainSize, let type = message.first else { return nil }
        switch (family, Int32(type)) {
        case (.ipv4, ICMP_ECHO), (.ipv6, ICMP6_ECHO_REQUEST): isReply = false
        case (.ipv4, ICMP_ECHOREPLY), (.ipv6, ICMP6_ECHO_REPLY): isReply = true
        default: return nil
        }
        self.family = family
        padding = 0
        identifier = UInt16(networkOrder: message.dropFirst(4))
        sequence = UInt16(networkOrder: message.dropFirst(6))
        secret = UInt64(networkOrder: message.dropFirst(8))
        stream = UInt32(networkOrder: message.dropFirst(16))
    }

    /// The ICMP message. The kernel fills in the checksum of ICMPv6, which covers a pseudo-header.
    var bytes: [UInt8] {
        let type =
            switch (family, isReply) {
            case (.ipv4, false): ICMP_ECHO
            case (.ipv4, true): ICMP_ECHOREPLY
            case (.ipv6, false): ICMP6_ECHO_REQUEST
            case (.ipv6, true): ICMP6_ECHO_REPLY
            }
        var bytes: [UInt8] = [UInt8(type), 0, 0, 0]
        bytes += [UInt8(identifier >> 8), UInt8(truncatingIfNeeded: identifier)]
        bytes += [UInt8(sequence >> 8), UInt8(truncatingIfNeeded: sequence)]
        bytes += (0..<8).map { UInt8(truncatingIfNeeded: secret >> (56 - 8 * $0)) }
        bytes += (0..<4).map { UInt8(truncatingIfNeeded: stream >> (24 - 8 * $0)) }
        bytes += Array(repeating: 0, count: padding)
        if family == .ipv4 {
            let sum = Self.checksum(bytes)
            bytes[2] = UInt8(sum >> 8)
            bytes[3] = UInt8(truncatingIfNeeded: sum)
        }
        return bytes
    }

    /// The Internet checksum (RFC 1071).
    static func checksum(_ bytes: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        for index in stride(from: 0, to: bytes.count, by: 2) {
            sum += UInt32(bytes[index]) << 8 | (index + 1 < bytes.count ? UInt32(bytes[index + 1]) : 0)
        }
        while sum > 0xffff { sum = sum & 0xffff + sum >> 16 }
        return ~UInt16(sum)
    }
}
