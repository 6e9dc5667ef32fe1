// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO

/// A UDP socket of one path, bound to its interface and to our address on it: sockets of other paths do not meet it, and
/// what it sends leaves by the path or not at all.
struct PathSocket: ~Copyable {
    /// What came in, as far as it may count.
    struct Datagram {
        var source: SocketEndpoint
        /// TTL or hop limit; nil where the kernel did not tell.
        var ttl: Int32?
        /// When the kernel got it, in nanoseconds since 1970; nil where it did not tell.
        var received: Int64?
        var payload: ArraySlice<UInt8>
    }

    private let socket: FileDescriptor
    private var buffer: [UInt8]

    /// What to watch for readability.
    var descriptor: Int32 { socket.raw }

    /// RFC 5881 section 4 and RFC 5883 section 5; as good for others.
    private static let anyPorts: ClosedRange<UInt16> = 49152...65535

    /// Throws ENODEV where the interface is not there, EADDRNOTAVAIL where it has not the address yet, and EADDRINUSE where
    /// another program hears the port.
    ///
    /// - Parameters:
    ///   - port: ours; nil for any.
    ///   - size: octets of the longest payload; what is longer is cut off.
    init(interface: InterfaceName, local: IPAddress, port: UInt16? = nil, size: Int) throws(SystemError) {
        let isIPv4 = local.family == .ipv4
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let raw = CLinux.socket(isIPv4 ? AF_INET : AF_INET6, type, 0)
        let socket = try FileDescriptor(raw, from: "open a UDP socket")
        let name = Array(interface.text.utf8)
        let bound = unsafe setsockopt(socket.raw, SOL_SOCKET, SO_BINDTODEVICE, name, socklen_t(name.count))
        guard bound == 0 else { throw .last("bind a UDP socket to \(interface)") }
        let level = Int32(isIPv4 ? IPPROTO_IP : IPPROTO_IPV6)
        try Self.set(socket.raw, level, isIPv4 ? IP_RECVTTL : IPV6_RECVHOPLIMIT, to: 1)
        // RFC 5082: no router lowers what arrives with the highest value there is.
        try Self.set(socket.raw, level, isIPv4 ? IP_TTL : IPV6_UNICAST_HOPS, to: 255)
        // Without it the time is taken when the datagram is read.
        try? Self.set(socket.raw, SOL_SOCKET, SO_TIMESTAMPNS, to: 1)
        try Self.bind(socket.raw, local, port, on: interface)
        self.socket = socket
        buffer = [UInt8](repeating: 0, count: size)
    }

    private static func bind(
        _ socket: Int32,
        _ local: IPAddress,
        _ port: UInt16?,
        on interface: InterfaceName
    ) throws(SystemError) {
        func attempt(_ port: UInt16) throws(SystemError) {
            let endpoint = SocketEndpoint(address: local, port: port)
            guard unsafe SocketAddressStorage(endpoint).withPointer({ unsafe pn_bind(socket, $0, $1) }) == 0 else {
                throw .last("bind \(endpoint) on \(interface)")
            }
        }
        if let port {
            guard port < 1024 else { return try attempt(port) }
            return try Privileges.raising(.bindService) { () throws(SystemError) in try attempt(port) }
        }
        for isLast in Array(repeating: false, count: 63) + [true] {
            do throws(SystemError) {
                return try attempt(.random(in: anyPorts))
            } catch {
                guard error.code == EADDRINUSE, !isLast else { throw error }
            }
        }
    }

    private static func set(_ socket: Int32, _ level: Int32, _ option: Int32, to value: Int32) throws(SystemError) {
        var value = value
        guard unsafe setsockopt(socket, level, option, &value, 4) == 0 else { throw .last("set a UDP socket's option") }
    }

    /// Whether the datagram left.
    func send(_ octets: [UInt8], to destination: SocketEndpoint) -> Bool {
        let address = SocketAddressStorage(destination)
        let raw = socket.raw
        let sent = unsafe address.withPointer { pointer, length in
            unsafe octets.withUnsafeBytes { unsafe pn_sendto(raw, $0.baseAddress, $0.count, 0, pointer, length) }
        }
        return sent == octets.count
    }

    /// The next datagram; nil where none waits.
    mutating func receive() -> Datagram? {
        guard let arrived = ArrivedDatagram.receive(from: socket.raw, into: &buffer) else { return nil }
        return Datagram(
            source: arrived.source,
            ttl: arrived.ttl,
            received: arrived.received,
            payload: buffer[..<arrived.count]
        )
    }
}
