// SPDX-License-Identifier: Apache-2.0
// Messages to the kernel, put together by libmnl.

import CLinux
import CMnl

/// A request: the netlink header, a family's fixed header, and attributes (netlink(7)).
struct NetlinkMessage {
    private var storage: [UInt8]

    /// Begins a message; sequence and port are the socket's to fill in.
    init(type: Int, flags: Int32) {
        storage = Array(repeating: 0, count: 512)
        unsafe edit { header in
            unsafe header.pointee.nlmsg_type = UInt16(truncatingIfNeeded: type)
            unsafe header.pointee.nlmsg_flags = UInt16(truncatingIfNeeded: flags | NLM_F_REQUEST)
        }
    }

    /// Begins a message of a family with a fixed header.
    init<Header: BitwiseCopyable>(type: Int, flags: Int32, header: Header) {
        self.init(type: type, flags: flags)
        let size = MemoryLayout<Header>.size
        unsafe edit { message in
            guard let room = unsafe mnl_nlmsg_put_extra_header(message, size) else { return }
            unsafe withUnsafeBytes(of: header) { source in
                guard let address = source.baseAddress else { return }
                unsafe memcpy(room, address, size)
            }
        }
    }

    /// The message as it goes out.
    var bytes: ArraySlice<UInt8> { storage[..<length] }

    /// Octets so far.
    var length: Int {
        unsafe storage.withUnsafeBytes { Int(unsafe $0.loadUnaligned(as: UInt32.self)) }
    }

    /// Appends an attribute of raw octets.
    mutating func put(_ type: some AttributeCode, _ value: [UInt8]) {
        unsafe value.withUnsafeBytes { unsafe put(type, octets: $0) }
    }

    /// Appends an attribute that holds a number in host byte order.
    mutating func put<Number: FixedWidthInteger & BitwiseCopyable>(_ type: some AttributeCode, number: Number) {
        unsafe withUnsafeBytes(of: number) { unsafe put(type, octets: $0) }
    }

    /// Appends an attribute that holds a number in network byte order, as netfilter has them.
    mutating func put<Number: FixedWidthInteger & BitwiseCopyable>(_ type: some AttributeCode, bigEndian number: Number)
    {
        put(type, number: number.bigEndian)
    }

    /// Appends an attribute that holds a zero-terminated string.
    mutating func put(_ type: some AttributeCode, text: String) {
        put(type, Array(text.utf8) + [0])
    }

    /// Appends an attribute that holds what the closure appends.
    mutating func nest(_ type: some AttributeCode, _ contents: (inout NetlinkMessage) -> Void) {
        reserve(0)
        let start = length
        unsafe edit { unsafe _ = mnl_attr_nest_start($0, type.attributeCode) }
        contents(&self)
        let size = UInt16(truncatingIfNeeded: length - start)
        unsafe storage.withUnsafeMutableBytes { unsafe $0.storeBytes(of: size, toByteOffset: start, as: UInt16.self) }
    }

    /// Gives the message its place in a conversation.
    mutating func address(sequence: UInt32) {
        unsafe edit { unsafe $0.pointee.nlmsg_seq = sequence }
    }

    /// Sets more of the header's flags.
    mutating func addFlags(_ flags: Int32) {
        unsafe edit { unsafe $0.pointee.nlmsg_flags |= UInt16(truncatingIfNeeded: flags) }
    }

    private mutating func put(_ type: some AttributeCode, octets: UnsafeRawBufferPointer) {
        reserve(octets.count)
        unsafe edit { header in
            unsafe mnl_attr_put(header, type.attributeCode, octets.count, octets.baseAddress)
        }
    }

    private mutating func reserve(_ payload: Int) {
        let needed = length + payload + 64
        if needed > storage.count {
            storage += Array(repeating: 0, count: max(needed - storage.count, storage.count))
        }
    }

    /// Lets libmnl write to the storage; the header's length field is set up on first use.
    private mutating func edit(_ body: (UnsafeMutablePointer<nlmsghdr>) -> Void) {
        unsafe storage.withUnsafeMutableBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            let header = unsafe base.assumingMemoryBound(to: nlmsghdr.self)
            if unsafe header.pointee.nlmsg_len == 0 { unsafe mnl_nlmsg_put_header(base) }
            unsafe body(header)
        }
    }
}
