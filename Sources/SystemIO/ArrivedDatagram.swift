// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes

/// A datagram, and what the kernel tells beside it where the socket asked for that (cmsg(3)).
public struct ArrivedDatagram: Sendable {
    /// Who sent it.
    public let source: SocketEndpoint
    /// Its octets that found room.
    public let count: Int
    /// The index of the interface that it came in by (IP_PKTINFO, ip(7); IPV6_RECVPKTINFO, RFC 3542 section 6.1).
    public private(set) var link: Int32?
    /// TTL or hop limit (IP_RECVTTL; IPV6_RECVHOPLIMIT).
    public private(set) var ttl: Int32?
    /// When the kernel got it, in nanoseconds since 1970 (SO_TIMESTAMPNS, socket(7)).
    public private(set) var received: Int64?

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
        return unsafe buffer.withUnsafeMutableBytes { room in
            unsafe withUnsafeTemporaryAllocation(byteCount: 128, alignment: 16) { control in
                var vector = unsafe iovec(iov_base: room.baseAddress, iov_len: room.count)
                return unsafe withUnsafeMutablePointer(to: &vector) { vector in
                    var message = unsafe msghdr()
                    unsafe message.msg_iov = vector
                    unsafe message.msg_iovlen = 1
                    unsafe message.msg_control = control.baseAddress
                    unsafe message.msg_controllen = control.count
                    let count = unsafe name.withMutablePointer { pointer, length in
                        unsafe message.msg_name = pointer
                        unsafe message.msg_namelen = length.pointee
                        return unsafe recvmsg(socket, &message, 0)
                    }
                    guard count >= 0, let source = name.endpoint else { return nil }
                    var datagram = ArrivedDatagram(source: source, count: count)
                    var next = unsafe pn_cmsg_first(&message)
                    while let item = unsafe next {
                        unsafe datagram.note(item)
                        unsafe next = pn_cmsg_next(&message, item)
                    }
                    return datagram
                }
            }
        }
    }

    private init(source: SocketEndpoint, count: Int) {
        (self.source, self.count) = (source, count)
    }

    private mutating func note(_ item: UnsafeMutablePointer<cmsghdr>) {
        guard let data = unsafe UnsafeRawPointer(pn_cmsg_data(item)) else { return }
        switch unsafe (item.pointee.cmsg_level, item.pointee.cmsg_type) {
        case (Int32(IPPROTO_IP), IP_PKTINFO):
            link = unsafe data.loadUnaligned(as: in_pktinfo.self).ipi_ifindex
        case (Int32(IPPROTO_IPV6), IPV6_PKTINFO):
            link = unsafe Int32(bitPattern: data.loadUnaligned(as: in6_pktinfo.self).ipi6_ifindex)
        case (Int32(IPPROTO_IP), IP_TTL), (Int32(IPPROTO_IPV6), IPV6_HOPLIMIT):
            ttl = unsafe data.loadUnaligned(as: Int32.self)
        case (SOL_SOCKET, SO_TIMESTAMPNS):
            let time = unsafe data.loadUnaligned(as: timespec.self)
            received = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
        default: break
        }
    }
}
