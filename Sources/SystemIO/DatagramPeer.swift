// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes

/// Where a datagram came from and which of our addresses it was sent to, in the kernel's own form, so that an
/// answer goes back the way the question came without a conversion.
public struct DatagramPeer: Sendable {
    /// Our end, where the socket is bound to the wildcard address and the kernel told (IP_PKTINFO, ip(7)).
    enum LocalEnd {
        case bound
        case v4(in_pktinfo)
        case v6(in6_pktinfo)
    }

    /// Room for sockaddr_in as well, which is shorter.
    var name = sockaddr_in6()
    var nameLength: socklen_t = 0
    var local: LocalEnd = .bound
    /// The index of the interface by which it came; 0 where the kernel was not asked to tell.
    public internal(set) var interface: UInt32 = 0

    /// A peer that is reached from the address the socket is bound to.
    public init(_ endpoint: SocketEndpoint) {
        let address = SocketAddressStorage(endpoint)
        nameLength = address.length
        unsafe withUnsafeMutableBytes(of: &name) { name in
            unsafe withUnsafeBytes(of: address.storage) {
                unsafe name.copyMemory(from: .init(rebasing: $0[..<name.count]))
            }
        }
    }

    init() {}

    /// The address of the peer; nil where the family is neither IPv4 nor IPv6.
    public var address: IPAddress? {
        switch Int32(name.sin6_family) {
        case AF_INET:
            unsafe withUnsafeBytes(of: name) { bytes in
                .v4(IPv4Address(bits: UInt32(bigEndian: unsafe bytes.load(as: sockaddr_in.self).sin_addr.s_addr)))
            }
        case AF_INET6:
            unsafe withUnsafeBytes(of: name.sin6_addr) { bytes in
                .v6(IPv6Address(bits: UInt128(bigEndian: unsafe bytes.loadUnaligned(as: UInt128.self))))
            }
        default: nil
        }
    }

    /// The control message that makes the answer leave from the address that was asked.
    ///
    /// The interface index is left out, so that routing decides, but for link-local addresses, which need it.
    mutating func takeLocalEnd(from message: inout msghdr) {
        guard let item = unsafe pn_cmsg_first(&message), let data = unsafe pn_cmsg_data(item) else { return }
        let kind = unsafe (item.pointee.cmsg_level, item.pointee.cmsg_type)
        if kind == (Int32(IPPROTO_IP), IP_PKTINFO) {
            var info = unsafe UnsafeRawPointer(data).loadUnaligned(as: in_pktinfo.self)
            interface = UInt32(bitPattern: info.ipi_ifindex)
            info.ipi_ifindex = 0
            local = .v4(info)
        } else if kind == (Int32(IPPROTO_IPV6), IPV6_PKTINFO) {
            var info = unsafe UnsafeRawPointer(data).loadUnaligned(as: in6_pktinfo.self)
            let isLinkLocal = unsafe withUnsafeBytes(of: info.ipi6_addr) {
                unsafe $0[0] == 0xfe && $0[1] & 0xc0 == 0x80
            }
            interface = info.ipi6_ifindex
            if !isLinkLocal { info.ipi6_ifindex = 0 }
            local = .v6(info)
        }
    }

    /// Writes the control message into room that has been zeroed; the length is 0 where none is needed.
    func putLocalEnd(into message: inout msghdr, room: UnsafeMutableRawPointer) {
        switch local {
        case .bound:
            unsafe message.msg_control = nil
            unsafe message.msg_controllen = 0
        case .v4(let info):
            unsafe Self.put(info, Int32(IPPROTO_IP), IP_PKTINFO, into: &message, room: room)
        case .v6(let info):
            unsafe Self.put(info, Int32(IPPROTO_IPV6), IPV6_PKTINFO, into: &message, room: room)
        }
    }

    private static func put<Info>(
        _ info: Info,
        _ level: Int32,
        _ type: Int32,
        into message: inout msghdr,
        room: UnsafeMutableRawPointer
    ) {
        let size = MemoryLayout<Info>.size
        unsafe message.msg_control = room
        unsafe message.msg_controllen = pn_cmsg_space(size)
        guard let item = unsafe pn_cmsg_first(&message), let data = unsafe pn_cmsg_data(item) else { return }
        unsafe item.pointee.cmsg_level = level
        unsafe item.pointee.cmsg_type = type
        unsafe item.pointee.cmsg_len = pn_cmsg_len(size)
        unsafe withUnsafeBytes(of: info) {
            unsafe UnsafeMutableRawBufferPointer(start: data, count: size).copyMemory(from: $0)
        }
    }
}
