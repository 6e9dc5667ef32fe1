// SPDX-License-Identifier: Apache-2.0

import CLinux
import CMnl
import SystemIO

/// Octets to and from the kernel; tests put a made-up kernel in its place.
protocol NetlinkTransport: AnyObject {
    /// Sends one datagram, which may hold several messages.
    func send(_ bytes: ArraySlice<UInt8>) throws(NetlinkError)
    /// Receives one datagram; nil where none comes in time.
    func receive() throws(NetlinkError) -> [UInt8]?
}

/// A netlink socket of libmnl, for commands or for events.
@safe final class NetlinkSocket: NetlinkTransport {
    private let socket: OpaquePointer
    /// The port by which the kernel names what this socket caused.
    let port: UInt32
    /// Where datagrams arrive: the kernel's dumps come in at most 32 KiB each (netlink_dump). Cleared after each, for
    /// WireGuard tells its keys.
    private var room = [UInt8](repeating: 0, count: 1 << 17)

    /// Opens a socket of a bus, as NETLINK_ROUTE. Answers are waited for at most a second.
    init(bus: Int32) throws(NetlinkError) {
        guard let opened = unsafe mnl_socket_open2(bus, Int32(SOCK_CLOEXEC.rawValue)) else {
            throw .socket(.last("open a netlink socket"))
        }
        guard unsafe mnl_socket_bind(opened, 0, 0) == 0 else {
            let error = SystemError.last("bind a netlink socket")
            unsafe mnl_socket_close(opened)
            throw .socket(error)
        }
        unsafe socket = opened
        port = unsafe mnl_socket_get_portid(opened)
        for option in [NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK] { set(SOL_NETLINK, option, 1) }
        // Whole batches leave at once, and a burst of answers must not overrun.
        set(SOL_SOCKET, SO_SNDBUFFORCE, 4 << 20)
        set(SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        var limit = timeval(tv_sec: 1, tv_usec: 0)
        unsafe setsockopt(raw, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit {
        unsafe mnl_socket_close(socket)
    }

    /// The descriptor, borrowed.
    var raw: Int32 { unsafe mnl_socket_get_fd(socket) }

    /// Subscribes to groups of events and makes the socket non-blocking.
    func subscribe(to groups: [Int]) throws(NetlinkError) {
        for group in groups {
            guard set(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, Int32(group)) else {
                throw .socket(.last("subscribe to netlink group \(group)"))
            }
        }
        pn_set_nonblocking(raw)
    }

    /// Lets so many octets wait to be read, and no more.
    func limitBuffer(to octets: Int32) { set(SOL_SOCKET, SO_RCVBUFFORCE, octets / 2) }

    @discardableResult
    private func set(_ level: Int32, _ option: Int32, _ value: Int32) -> Bool {
        var value = value
        return unsafe setsockopt(raw, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0
    }

    func send(_ bytes: ArraySlice<UInt8>) throws(NetlinkError) {
        let sent = unsafe bytes.withUnsafeBytes { unsafe mnl_socket_sendto(socket, $0.baseAddress, $0.count) }
        guard sent == bytes.count else { throw .socket(.last("send to the kernel")) }
    }

    func receive() throws(NetlinkError) -> [UInt8]? {
        let datagram = unsafe room.withUnsafeMutableBytes { buffer -> [UInt8]? in
            let count = unsafe mnl_socket_recvfrom(socket, buffer.baseAddress, buffer.count)
            guard count >= 0, let start = buffer.baseAddress else { return nil }
            defer { unsafe explicit_bzero(start, count) }
            return unsafe Array(buffer[..<count])
        }
        if let datagram { return datagram }
        switch pn_errno() {
        case EAGAIN, EINTR: return nil
        case ENOBUFS, ENOSPC: throw .overrun
        case let code: throw .socket(SystemError(operation: "receive from the kernel", code: code))
        }
    }
}
