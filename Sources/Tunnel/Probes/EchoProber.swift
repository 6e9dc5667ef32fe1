// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes
public import SystemIO

/// Sends ICMP and ICMPv6 echo requests out of one interface and takes the answers that come in by it.
///
/// The raw sockets are bound to the interface (SO_BINDTODEVICE): the kernel routes by the `oif` rule of the path's
/// table and hands over only what arrived by that interface.
public final class EchoProber {
    private let loop: EventLoop
    /// One a family that the kernel has; owned.
    private let sockets: [AddressFamily: Int32]
    private let identity: EchoIdentity

    /// Opens the sockets on an interface; a family that the kernel has not is left out. Throws ENODEV where the
    /// interface is not there, EPERM without CAP_NET_RAW.
    ///
    /// - Parameter identity: whose answers are taken, whichever prober with that identity asked.
    public init(
        interface: InterfaceName,
        as identity: EchoIdentity,
        on loop: EventLoop,
        handler: @escaping (ProbeToken, _ source: IPAddress) -> Void
    ) throws(SystemError) {
        self.loop = loop
        self.identity = identity
        var sockets: [AddressFamily: Int32] = [:]
        for family in AddressFamily.allCases {
            do throws(SystemError) {
                sockets[family] = try Self.open(family, boundTo: interface).release()
            } catch {
                // As with ipv6.disable=1 on the kernel's command line.
                guard error.code == EAFNOSUPPORT else {
                    for socket in sockets.values { close(socket) }
                    throw error
                }
            }
        }
        self.sockets = sockets
        for (family, socket) in sockets {
            Self.letOnlyEchoRepliesIn(socket, family)
            try loop.watch(socket) { [weak self] _ in self?.drain(socket, family, handler) }
        }
    }

    deinit {
        for socket in sockets.values {
            loop.unwatch(socket)
            close(socket)
        }
    }

    static func open(
        _ family: AddressFamily,
        boundTo interface: InterfaceName?
    ) throws(SystemError) -> FileDescriptor {
        let type = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let raw =
            family == .ipv4 ? socket(AF_INET, type, Int32(IPPROTO_ICMP)) : socket(AF_INET6, type, Int32(IPPROTO_ICMPV6))
        let descriptor = try FileDescriptor(raw, from: "open an ICMP socket")
        if let interface {
            let name = Array(interface.text.utf8)
            let bound = unsafe setsockopt(descriptor.raw, SOL_SOCKET, SO_BINDTODEVICE, name, socklen_t(name.count))
            guard bound == 0 else { throw .last("bind an ICMP socket to \(interface)") }
        }
        // In one piece, whatever is known of the way: to find that out is what large ones are sent for (ip(7)).
        let (level, option) =
            family == .ipv4 ? (IPPROTO_IP, IP_MTU_DISCOVER) : (IPPROTO_IPV6, IPV6_MTU_DISCOVER)
        var discovery = family == .ipv4 ? IP_PMTUDISC_PROBE : IPV6_PMTUDISC_PROBE
        let size = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe setsockopt(descriptor.raw, Int32(level), option, &discovery, size) == 0 else {
            throw .last("have an ICMP socket send in one piece")
        }
        return descriptor
    }

    static func letOnlyEchoRepliesIn(_ socket: Int32, _ family: AddressFamily) {
        guard family == .ipv6 else {
            var filter = icmp_filter(data: ~(1 << UInt32(ICMP_ECHOREPLY)))
            unsafe setsockopt(socket, Int32(SOL_RAW), ICMP_FILTER, &filter, socklen_t(MemoryLayout<icmp_filter>.size))
            return
        }
        // RFC 3542 section 3.2: a set bit blocks the type.
        var blocked = icmp6_filter(icmp6_filt: (.max, .max, .max, .max, .max, .max, .max, .max))
        blocked.icmp6_filt.4 &= ~(1 << UInt32(ICMP6_ECHO_REPLY - 128))
        unsafe setsockopt(
            socket,
            Int32(IPPROTO_ICMPV6),
            ICMP6_FILTER,
            &blocked,
            socklen_t(MemoryLayout<icmp6_filter>.size)
        )
    }

    /// Sends a request. An error means that it did not leave, as where there is no route, or where the interface takes
    /// no such packet (EMSGSIZE).
    ///
    /// - Parameter octets: of the IP packet; nil for the smallest.
    public func send(_ token: ProbeToken, to target: IPAddress, octets: Int? = nil) throws(SystemError) {
        let packet = EchoPacket(
            family: target.family,
            isReply: false,
            identifier: identity.identifier,
            sequence: token.sequence,
            secret: identity.secret,
            stream: token.stream,
            octets: octets
        )
        let bytes = packet.bytes
        let address = SocketAddressStorage(SocketEndpoint(address: target, port: 0))
        let socket = sockets[target.family] ?? -1
        let sent = unsafe address.withPointer { pointer, length in
            unsafe bytes.withUnsafeBytes { unsafe pn_sendto(socket, $0.baseAddress, $0.count, 0, pointer, length) }
        }
        guard sent == bytes.count else { throw .last("send an echo request to \(target)") }
    }

    private func drain(_ socket: Int32, _ family: AddressFamily, _ handler: (ProbeToken, IPAddress) -> Void) {
        var buffer = [UInt8](repeating: 0, count: 2048)
        while true {
            var from = SocketAddressStorage()
            let count = unsafe from.withMutablePointer { pointer, length in
                unsafe buffer.withUnsafeMutableBytes {
                    unsafe pn_recvfrom(socket, $0.baseAddress, $0.count, 0, pointer, length)
                }
            }
            guard count > 0 else { return }
            guard let packet = EchoPacket(family: family, received: buffer[..<count]), packet.isReply,
                identity.owns(packet), let source = from.endpoint?.address
            else { continue }
            handler(ProbeToken(stream: packet.stream, sequence: packet.sequence), source)
        }
    }
}
