// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO

/// The two UDP sockets of a session: one hears the port that all sessions share, one sends from a port of its own.
///
/// Both are bound to the path's interface and to our address on it, so sessions on other interfaces do not meet here.
struct BFDSocket: ~Copyable {
    /// What came in, as far as it may count.
    struct Datagram {
        var source: IPAddress
        /// TTL or hop limit; nil where the kernel did not tell.
        var ttl: Int32?
        var payload: ArraySlice<UInt8>
    }

    private let receiving: FileDescriptor
    private let sending: FileDescriptor
    private let port: UInt16
    private var buffer = [UInt8](repeating: 0, count: BFDPacket.sizeLimit)

    /// What to watch for readability.
    var descriptor: Int32 { receiving.raw }

    /// RFC 5881 section 4 and RFC 5883 section 5.
    private static let sourcePorts: ClosedRange<UInt16> = 49152...65535

    /// Throws ENODEV where the interface is not there, EADDRNOTAVAIL where it has not the address yet, and EADDRINUSE where
    /// another program hears the port.
    init(interface: InterfaceName, local: IPAddress, isMultihop: Bool) throws(SystemError) {
        let port: UInt16 = isMultihop ? 4784 : 3784
        let endpoint = SocketEndpoint(address: local, port: port)
        let receiving = try Self.open(local.family, interface)
        guard Self.bind(receiving.raw, endpoint) else { throw .last("bind \(endpoint) on \(interface)") }
        let isIPv4 = local.family == .ipv4
        let level = Int32(isIPv4 ? IPPROTO_IP : IPPROTO_IPV6)
        try Self.set(receiving.raw, level, isIPv4 ? IP_RECVTTL : IPV6_RECVHOPLIMIT, to: 1)
        let sending = try Self.open(local.family, interface)
        try Self.bindAnywhere(sending.raw, local)
        // RFC 5082: no router lowers what arrives with the highest value there is.
        try Self.set(sending.raw, level, isIPv4 ? IP_TTL : IPV6_UNICAST_HOPS, to: 255)
        self.port = port
        self.receiving = receiving
        self.sending = sending
    }

    private static func open(_ family: AddressFamily, _ interface: InterfaceName) throws(SystemError) -> FileDescriptor
    {
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let raw = socket(family == .ipv4 ? AF_INET : AF_INET6, type, 0)
        let descriptor = try FileDescriptor(raw, from: "open a BFD socket")
        let name = Array(interface.text.utf8)
        let bound = unsafe setsockopt(descriptor.raw, SOL_SOCKET, SO_BINDTODEVICE, name, socklen_t(name.count))
        guard bound == 0 else { throw .last("bind a BFD socket to \(interface)") }
        return descriptor
    }

    private static func bind(_ socket: Int32, _ endpoint: SocketEndpoint) -> Bool {
        unsafe SocketAddressStorage(endpoint).withPointer { unsafe pn_bind(socket, $0, $1) } == 0
    }

    private static func bindAnywhere(_ socket: Int32, _ local: IPAddress) throws(SystemError) {
        for _ in 0..<64 {
            if bind(socket, SocketEndpoint(address: local, port: .random(in: sourcePorts))) { return }
            guard pn_errno() == EADDRINUSE else { break }
        }
        throw .last("bind a BFD socket to \(local)")
    }

    private static func set(_ socket: Int32, _ level: Int32, _ option: Int32, to value: Int32) throws(SystemError) {
        var value = value
        guard unsafe setsockopt(socket, level, option, &value, 4) == 0 else { throw .last("set a BFD socket's option") }
    }

    /// Whether the packet left.
    func send(_ octets: [UInt8], to peer: IPAddress) -> Bool {
        let address = SocketAddressStorage(SocketEndpoint(address: peer, port: port))
        let socket = sending.raw
        let sent = unsafe address.withPointer { pointer, length in
            unsafe octets.withUnsafeBytes { unsafe pn_sendto(socket, $0.baseAddress, $0.count, 0, pointer, length) }
        }
        return sent == octets.count
    }

    /// The next datagram; nil where none waits. What is longer than a packet can be is cut off.
    mutating func receive() -> Datagram? {
        var source = SocketAddressStorage()
        var ttl: Int32?
        let socket = receiving.raw
        let count = unsafe buffer.withUnsafeMutableBytes { room in
            unsafe source.withMutablePointer { name, nameLength in
                unsafe Self.receive(from: socket, into: room, name, nameLength.pointee, &ttl)
            }
        }
        guard count >= 0, let address = source.endpoint?.address else { return nil }
        return Datagram(source: address, ttl: ttl, payload: buffer[..<count])
    }

    private static func receive(
        from socket: Int32,
        into room: UnsafeMutableRawBufferPointer,
        _ name: UnsafeMutableRawPointer,
        _ nameLength: socklen_t,
        _ ttl: inout Int32?
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
                if kind == (Int32(IPPROTO_IP), IP_TTL) || kind == (Int32(IPPROTO_IPV6), IPV6_HOPLIMIT) {
                    ttl = unsafe UnsafeRawPointer(data).loadUnaligned(as: Int32.self)
                }
                return count
            }
        }
    }
}
