// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes

/// A datagram, and the interface that it came in by (IP_PKTINFO, ip(7); IPV6_RECVPKTINFO, RFC 3542 section 6.1).
public struct ArrivedDatagram: Sendable {
    /// Who sent it.
    public let source: IPAddress
    /// The interface's index; nil where the socket was not asked to tell.
    public let link: Int32?
    /// Its octets that found room.
    public let count: Int

    /// Has the kernel tell by which interface a socket's datagrams come in.
    public static func askForLinks(_ socket: Int32, _ family: AddressFamily) throws(SystemError) {
        let (level, option) = family == .ipv4 ? (IPPROTO_IP, IP_PKTINFO) : (IPPROTO_IPV6, IPV6_RECVPKTINFO)
        var isOn: Int32 = 1
        guard unsafe setsockopt(socket, Int32(level), option, &isOn, 4) == 0 else {
            throw .last("ask for a datagram's interface")
        }
    }

    /// The next datagram; nil where none waits. What finds no room in the buffer is cut off.
    public static func receive(from socket: Int32, into buffer: inout [UInt8]) -> ArrivedDatagram? {
        var name = SocketAddressStorage()
        var link: Int32?
        let count = unsafe buffer.withUnsafeMutableBytes { room in
            unsafe name.withMutablePointer { name, length in
                unsafe receive(from: socket, into: room, name, length.pointee, &link)
            }
        }
        guard count >= 0, let source = name.endpoint?.address else { return nil }
        return ArrivedDatagram(source: source, link: link, count: count)
    }

    private static func receive(
        from socket: Int32,
        into room: UnsafeMutableRawBufferPointer,
        _ name: UnsafeMutableRawPointer,
        _ nameLength: socklen_t,
        _ link: inout Int32?
    ) -> Int {
        unsafe withUnsafeTemporaryAllocation(byteCount: 64, alignment: 16) { control in
            var vector = unsafe iovec(iov_base: room.baseAddress, iov_len: room.count)
            return unsafe withUnsafeMutablePointer(to: &vector) { vector in
                var message = unsafe msghdr()
                unsafe message.msg_name = name
                unsafe message.msg_namelen = nameLength
                unsafe message.msg_iov = vector
                unsafe message.msg_iovlen = 1
                unsafe message.msg_control = control.baseAddress
                unsafe message.msg_controllen = control.count
                let count = unsafe recvmsg(socket, &message, 0)
                guard count >= 0, let item = unsafe pn_cmsg_first(&message), let data = unsafe pn_cmsg_data(item) else {
                    return count
                }
                let kind = unsafe (item.pointee.cmsg_level, item.pointee.cmsg_type)
                let info = UnsafeRawPointer(data)
                if kind == (Int32(IPPROTO_IP), IP_PKTINFO) {
                    link = unsafe info.loadUnaligned(as: in_pktinfo.self).ipi_ifindex
                } else if kind == (Int32(IPPROTO_IPV6), IPV6_PKTINFO) {
                    link = unsafe Int32(bitPattern: info.loadUnaligned(as: in6_pktinfo.self).ipi6_ifindex)
                }
                return count
            }
        }
    }
}
