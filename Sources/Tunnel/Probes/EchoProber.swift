// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes
public import SystemIO

/// Sends ICMP and ICMPv6 echo requests out of one interface and takes the answers that come in by it.
///
/// The raw sockets are bound to the interface (SO_BINDTODEVICE): the kernel routes by the `oif` rule of the path's
/// table and hands over only what arrived by that interface.
public final class EchoProber {
    /// Tells an answer's probe: what was put into the request.
    public struct Token: Hashable, Sendable {
        /// Who was asked.
        public let address: IPAddress
        /// Chosen by the sender, say a row of its table.
        public let stream: UInt32
        /// The probe's number in its stream.
        public let sequence: UInt16

        /// Names a probe.
        public init(address: IPAddress, stream: UInt32, sequence: UInt16) {
            self.address = address
            self.stream = stream
            self.sequence = sequence
        }
    }

    private let loop: EventLoop
    private let v4: FileDescriptor
    private let v6: FileDescriptor
    private let identifier: UInt16
    /// Proves that an answer is one to a question of this run.
    private let secret: UInt64

    /// Opens the sockets on an interface. Throws ENODEV where it is not there, EPERM without CAP_NET_RAW.
    public init(
        interface: InterfaceName,
        on loop: EventLoop,
        handler: @escaping (Token) -> Void
    ) throws(SystemError) {
        self.loop = loop
        identifier = .random(in: .min ... .max)
        secret = .random(in: .min ... .max)
        v4 = try Self.open(AF_INET, IPPROTO_ICMP, interface)
        v6 = try Self.open(AF_INET6, Int(IPPROTO_ICMPV6), interface)
        Self.letOnlyEchoRepliesIn(v4.raw, v6.raw)
        try loop.watch(v4.raw) { [weak self] _ in self?.drain(.ipv4, handler) }
        try loop.watch(v6.raw) { [weak self] _ in self?.drain(.ipv6, handler) }
    }

    deinit {
        loop.unwatch(v4.raw)
        loop.unwatch(v6.raw)
    }

    private static func open(_ family: Int32, _ number: Int, _ interface: InterfaceName) throws(SystemError)
        -> FileDescriptor
    {
        let type = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = try FileDescriptor(socket(family, type, Int32(number)), from: "open an ICMP socket")
        let name = Array(interface.text.utf8)
        let bound = unsafe setsockopt(descriptor.raw, SOL_SOCKET, SO_BINDTODEVICE, name, socklen_t(name.count))
        guard bound == 0 else { throw .last("bind an ICMP socket to \(interface)") }
        return descriptor
    }

    private static func letOnlyEchoRepliesIn(_ v4: Int32, _ v6: Int32) {
        var filter = icmp_filter(data: ~(1 << UInt32(ICMP_ECHOREPLY)))
        unsafe setsockopt(v4, Int32(SOL_RAW), ICMP_FILTER, &filter, socklen_t(MemoryLayout<icmp_filter>.size))
        // RFC 3542 section 3.2: a set bit blocks the type.
        var blocked = icmp6_filter(icmp6_filt: (.max, .max, .max, .max, .max, .max, .max, .max))
        blocked.icmp6_filt.4 &= ~(1 << UInt32(ICMP6_ECHO_REPLY - 128))
        unsafe setsockopt(
            v6,
            Int32(IPPROTO_ICMPV6),
            ICMP6_FILTER,
            &blocked,
            socklen_t(MemoryLayout<icmp6_filter>.size)
        )
    }

    /// Sends a request. An error means that it did not leave, as where there is no route.
    public func send(_ token: Token) throws(SystemError) {
        let packet = EchoPacket(
            family: token.address.family,
            isReply: false,
            identifier: identifier,
            sequence: token.sequence,
            secret: secret,
            stream: token.stream
        )
        let bytes = packet.bytes
        let address = SocketAddressStorage(SocketEndpoint(address: token.address, port: 0))
        let socket = token.address.family == .ipv4 ? v4.raw : v6.raw
        let sent = unsafe address.withPointer { pointer, length in
            unsafe bytes.withUnsafeBytes { unsafe pn_sendto(socket, $0.baseAddress, $0.count, 0, pointer, length) }
        }
        guard sent == bytes.count else { throw .last("send an echo request to \(token.address)") }
    }

    private func drain(_ family: AddressFamily, _ handler: (Token) -> Void) {
        let socket = family == .ipv4 ? v4.raw : v6.raw
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
                packet.identifier == identifier, packet.secret == secret, let source = from.endpoint?.address
            else { continue }
            handler(Token(address: source, stream: packet.stream, sequence: packet.sequence))
        }
    }
}
