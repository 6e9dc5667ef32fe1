// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes

/// IPv4 and IPv6 sockets, non-blocking and closed on exec.
public enum NetworkSocket {
    /// Opens a datagram socket that sends to the peer, and receives from it alone, through one interface.
    public static func datagram(
        to peer: SocketEndpoint,
        through interface: InterfaceName?
    ) throws(SystemError) -> FileDescriptor {
        let descriptor = try open(peer.address.family, Int32(SOCK_DGRAM.rawValue), interface)
        guard connect(descriptor, peer) == 0 else { throw .last("connect to \(peer)") }
        return descriptor
    }

    /// Begins a stream connection to the peer through one interface; the descriptor becomes writable when it stands.
    public static func stream(
        to peer: SocketEndpoint,
        through interface: InterfaceName?
    ) throws(SystemError) -> FileDescriptor {
        let descriptor = try open(peer.address.family, Int32(SOCK_STREAM.rawValue), interface)
        guard connect(descriptor, peer) == 0 || pn_errno() == EINPROGRESS else { throw .last("connect to \(peer)") }
        return descriptor
    }

    /// Opens a datagram socket or a listening stream socket, as one of an SO_REUSEPORT set.
    public static func listener(
        on endpoint: SocketEndpoint,
        isStream: Bool
    ) throws(SystemError) -> FileDescriptor {
        let type = isStream ? SOCK_STREAM : SOCK_DGRAM
        let descriptor = try open(endpoint.address.family, Int32(type.rawValue), nil)
        try enable(descriptor, SOL_SOCKET, SO_REUSEPORT)
        if isStream { try enable(descriptor, SOL_SOCKET, SO_REUSEADDR) }
        if endpoint.address.family == .ipv6 { try enable(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY) }
        let address = SocketAddressStorage(endpoint)
        guard unsafe address.withPointer({ unsafe pn_bind(descriptor.raw, $0, $1) }) == 0 else {
            throw .last("bind \(endpoint)")
        }
        if isStream { guard listen(descriptor.raw, 256) == 0 else { throw .last("listen on \(endpoint)") } }
        return descriptor
    }

    /// Takes one waiting connection; nil where none waits.
    public static func accept(from listener: Int32) throws(SystemError) -> FileDescriptor? {
        let raw = pn_accept(listener)
        guard raw >= 0 else {
            let code = pn_errno()
            if code == EAGAIN || code == EINTR || code == ECONNABORTED { return nil }
            throw SystemError(operation: "accept a connection", code: code)
        }
        return FileDescriptor(owning: raw)
    }

    /// The address of a connected socket's other end.
    public static func peer(of descriptor: Int32) -> SocketEndpoint? {
        var address = SocketAddressStorage()
        guard unsafe address.withMutablePointer({ unsafe pn_getpeername(descriptor, $0, $1) }) == 0 else { return nil }
        return address.endpoint
    }

    /// The address a socket is bound to.
    public static func boundEndpoint(of descriptor: Int32) -> SocketEndpoint? {
        var address = SocketAddressStorage()
        guard unsafe address.withMutablePointer({ unsafe pn_getsockname(descriptor, $0, $1) }) == 0 else { return nil }
        return address.endpoint
    }

    /// Asks the kernel to tell which address each datagram was sent to, on a socket that is bound to all.
    public static func tellLocalAddress(_ descriptor: Int32) throws(SystemError) {
        guard let endpoint = boundEndpoint(of: descriptor), endpoint.address.bits == 0 else { return }
        try tellInterface(descriptor)
    }

    /// Asks the kernel to tell by which interface each datagram comes, or each connection that is made to the socket from
    /// now on.
    public static func tellInterface(_ descriptor: Int32) throws(SystemError) {
        guard let endpoint = boundEndpoint(of: descriptor) else { return }
        switch endpoint.address.family {
        case .ipv4: try enable(descriptor, Int32(IPPROTO_IP), IP_PKTINFO)
        case .ipv6: try enable(descriptor, Int32(IPPROTO_IPV6), IPV6_RECVPKTINFO)
        }
    }

    /// The index of an interface; nil where there is none of that name.
    public static func index(of interface: InterfaceName) -> UInt32? {
        let index = unsafe if_nametoindex(interface.text)
        return index == 0 ? nil : index
    }

    /// The index of the interface by which a connection came; 0 where its listener was not asked to tell.
    public static func arrivalInterface(of descriptor: Int32) -> UInt32 {
        guard let endpoint = boundEndpoint(of: descriptor) else { return 0 }
        // What the option is called in RFC 2292; linux/in6.h.
        let (level, name) =
            endpoint.address.family == .ipv4
            ? (Int32(IPPROTO_IP), IP_PKTOPTIONS) : (Int32(IPPROTO_IPV6), IPV6_2292PKTOPTIONS)
        var room: [32 of UInt64] = .init(repeating: 0)
        var length = socklen_t(MemoryLayout.size(ofValue: room))
        guard unsafe getsockopt(descriptor, level, name, &room, &length) == 0 else { return 0 }
        return unsafe withUnsafeMutableBytes(of: &room) { bytes in
            var message = unsafe msghdr()
            unsafe message.msg_control = bytes.baseAddress
            unsafe message.msg_controllen = Int(length)
            var peer = DatagramPeer()
            unsafe peer.takeLocalEnd(from: &message)
            return peer.interface
        }
    }

    private static func open(
        _ family: AddressFamily,
        _ type: Int32,
        _ interface: InterfaceName?
    ) throws(SystemError) -> FileDescriptor {
        let type = type | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = try FileDescriptor(
            socket(family == .ipv4 ? AF_INET : AF_INET6, type, 0),
            from: "open a socket"
        )
        guard let interface else { return descriptor }
        // Allowed without privilege since Linux 5.7, as long as the socket is bound to no interface yet.
        let name = interface.text
        let bound = unsafe setsockopt(
            descriptor.raw,
            SOL_SOCKET,
            SO_BINDTODEVICE,
            name,
            socklen_t(name.utf8.count)
        )
        guard bound == 0 else { throw .last("bind a socket to \(interface)") }
        return descriptor
    }

    private static func connect(_ descriptor: borrowing FileDescriptor, _ peer: SocketEndpoint) -> Int32 {
        let raw = descriptor.raw
        return unsafe SocketAddressStorage(peer).withPointer { unsafe pn_connect(raw, $0, $1) }
    }

    private static func enable(
        _ descriptor: borrowing FileDescriptor,
        _ level: Int32,
        _ option: Int32
    ) throws(SystemError) {
        try enable(descriptor.raw, level, option)
    }

    private static func enable(_ descriptor: Int32, _ level: Int32, _ option: Int32) throws(SystemError) {
        var on: Int32 = 1
        guard unsafe setsockopt(descriptor, level, option, &on, 4) == 0 else { throw .last("set a socket option") }
    }
}
