// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes
public import SystemIO

/// Echo requests to one address that go as all traffic does, by the routing tables and bound to no path. Of each answer it
/// tells by which interface it came in.
public final class RoutedEchoes {
    private let loop: EventLoop
    private let socket: FileDescriptor
    private let target: IPAddress
    private let identity = EchoIdentity()
    private var buffer = [UInt8](repeating: 0, count: 2048)

    /// Opens the socket.
    ///
    /// - Parameters:
    ///   - source: the address that requests have; nil: the one that the route says.
    ///   - handler: is given each answer's number, and the index of the interface that it came in by.
    /// - Throws: EADDRNOTAVAIL where the source is none of this host's, EPERM without CAP_NET_RAW.
    public init(
        to target: IPAddress,
        from source: IPAddress?,
        on loop: EventLoop,
        handler: @escaping (_ number: UInt32, _ link: Int32) -> Void
    ) throws(SystemError) {
        self.loop = loop
        self.target = target
        socket = try EchoProber.open(target.family, boundTo: nil)
        try ArrivedDatagram.askForLinks(socket.raw, target.family)
        if let source {
            let address = SocketAddressStorage(SocketEndpoint(address: source, port: 0))
            let raw = socket.raw
            guard unsafe address.withPointer({ unsafe pn_bind(raw, $0, $1) }) == 0 else {
                throw .last("send echo requests from \(source)")
            }
        }
        EchoProber.letOnlyEchoRepliesIn(socket.raw, target.family)
        try loop.watch(socket.raw) { [weak self] _ in self?.drain(handler) }
    }

    deinit { loop.unwatch(socket.raw) }

    /// Sends a request; false where it did not leave.
    public func send(_ number: UInt32) -> Bool {
        let bytes = EchoPacket(
            family: target.family,
            isReply: false,
            identifier: identity.identifier,
            sequence: UInt16(truncatingIfNeeded: number),
            secret: identity.secret,
            stream: number
        ).bytes
        let address = SocketAddressStorage(SocketEndpoint(address: target, port: 0))
        let raw = socket.raw
        return unsafe address.withPointer { pointer, length in
            unsafe bytes.withUnsafeBytes { unsafe pn_sendto(raw, $0.baseAddress, $0.count, 0, pointer, length) }
        } == bytes.count
    }

    private func drain(_ handler: (UInt32, Int32) -> Void) {
        while let arrived = ArrivedDatagram.receive(from: socket.raw, into: &buffer) {
            guard arrived.source.address == target, let link = arrived.link,
                let packet = EchoPacket(family: target.family, received: buffer[..<arrived.count]), packet.isReply,
                identity.owns(packet)
            else { continue }
            handler(packet.stream, link)
        }
    }
}
