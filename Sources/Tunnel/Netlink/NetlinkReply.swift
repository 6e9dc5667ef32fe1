// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes

/// One message from the kernel.
struct NetlinkReply {
    /// The message's type, as RTM_NEWLINK.
    let type: Int
    /// Flags of netlink(7).
    let flags: Int32
    /// The request that it answers, or 0.
    let sequence: UInt32
    /// The port whose request caused it; 0 for the kernel itself.
    let port: UInt32
    /// What follows the netlink header.
    let payload: ArraySlice<UInt8>

    /// Splits what one read brought into messages; what is cut short is left out.
    ///
    /// Not by libmnl: `mnl_nlmsg_ok` takes a length of 2^31 and more for a negative one, and then for a good one.
    static func parse(_ bytes: [UInt8]) -> [NetlinkReply] {
        var replies: [NetlinkReply] = []
        var rest = bytes[...]
        // struct nlmsghdr: u32 length (header included), u16 type, u16 flags, u32 sequence, u32 port.
        while rest.count >= headerLength {
            let length = Int(UInt32(hostOrder: rest))
            guard length >= headerLength, length <= rest.count else { break }
            replies.append(
                NetlinkReply(
                    type: Int(UInt16(hostOrder: rest.dropFirst(4))),
                    flags: Int32(UInt16(hostOrder: rest.dropFirst(6))),
                    sequence: UInt32(hostOrder: rest.dropFirst(8)),
                    port: UInt32(hostOrder: rest.dropFirst(12)),
                    payload: rest.prefix(length).dropFirst(headerLength)
                )
            )
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return replies
    }

    private static let headerLength = 16

    /// The family's fixed header; nil where the message is too short for it.
    func header<Header: BitwiseCopyable>(_ type: Header.Type) -> Header? {
        guard payload.count >= MemoryLayout<Header>.size else { return nil }
        return unsafe payload.withUnsafeBytes { unsafe $0.loadUnaligned(as: type) }
    }

    /// The attributes behind a fixed header.
    func attributes<Header: BitwiseCopyable>(after header: Header.Type) -> NetlinkAttributes {
        NetlinkAttributes(payload.dropFirst((MemoryLayout<Header>.size + 3) & ~3))
    }
}

/// Attributes of a message or of a nest, in order.
struct NetlinkAttributes {
    private(set) var items: [(type: Int, value: ArraySlice<UInt8>)] = []

    /// Reads attributes until one does not fit.
    init(_ bytes: ArraySlice<UInt8>) {
        items.reserveCapacity(8)
        var rest = bytes
        // struct nlattr: u16 length (header included), u16 type with two flag bits; padded to 4 (NLA_ALIGNTO).
        while rest.count >= 4 {
            let start = rest.startIndex
            let length = Int(UInt16(hostOrder: rest))
            guard length >= 4, length <= rest.count else { return }
            let type = Int(UInt16(hostOrder: rest.dropFirst(2))) & nlaTypeMask
            items.append((type, rest[start + 4..<start + length]))
            rest = rest.dropFirst((length + 3) & ~3)
        }
    }

    /// The first attribute of a type.
    subscript(_ type: some AttributeCode) -> ArraySlice<UInt8>? {
        items.first { $0.type == Int(type.attributeCode) }?.value
    }

    /// The attributes in a nest; none where there is no such nest.
    func nest(_ type: some AttributeCode) -> NetlinkAttributes {
        NetlinkAttributes(self[type] ?? [])
    }

    /// A number in host byte order, where the attribute is there and long enough.
    func number<Number: FixedWidthInteger & BitwiseCopyable>(_ type: some AttributeCode, as: Number.Type) -> Number? {
        self[type].flatMap { $0.count >= MemoryLayout<Number>.size ? Number(hostOrder: $0) : nil }
    }

    /// A string, with or without its zero.
    func text(_ type: some AttributeCode) -> String? {
        self[type].map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// An address of either family.
    func address(_ type: some AttributeCode) -> IPAddress? {
        self[type].flatMap { IPAddress(bytes: $0) }
    }
}

/// `NLA_TYPE_MASK`: all but NLA_F_NESTED and NLA_F_NET_BYTEORDER (an expression macro that is not imported).
private let nlaTypeMask = 0x3fff

extension FixedWidthInteger where Self: BitwiseCopyable {
    /// Reads a number in host byte order; zero where the octets are not enough.
    init(hostOrder bytes: ArraySlice<UInt8>) {
        // The reading of raw memory does not check its bounds in a release build.
        guard bytes.count >= MemoryLayout<Self>.size else {
            self = 0
            return
        }
        self = unsafe bytes.withUnsafeBytes { unsafe $0.loadUnaligned(as: Self.self) }
    }

    /// Reads a number in network byte order; zero where the octets are not enough.
    init(networkOrder bytes: ArraySlice<UInt8>) {
        self = Self(bigEndian: Self(hostOrder: bytes))
    }
}
