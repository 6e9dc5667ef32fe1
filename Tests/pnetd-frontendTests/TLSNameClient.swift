// SPDX-License-Identifier: Apache-2.0

import CLinux
import NIOCore
import NIOPosix
import NIOSSL
import NetworkTypes
import Synchronization

/// A client that asks over TLS, and ends its side of the connection while it waits.
final class TLSNameClient: Sendable {
    /// How it does so.
    enum Ending: CaseIterable, Sendable {
        /// By TLS (RFC 8446 section 6.1), and below.
        case notified
        /// Below only.
        case abrupt
    }

    private let channel: any Channel
    private let heard = Heard()

    init(to endpoint: SocketEndpoint, as name: String, roots: String) throws {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(roots.utf8)))
        let context = try NIOSSLContext(configuration: configuration)
        channel = try ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { [heard] channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = try NIOSSLClientHandler(context: context, serverHostname: name)
                    try channel.pipeline.syncOperations.addHandlers([tls, Listener(heard)])
                }
            }
            .connect(host: "\(endpoint.address)", port: Int(endpoint.port)).wait()
    }

    deinit { channel.close(promise: nil) }

    /// Whether the other side has ended the connection as well.
    var isOver: Bool { !channel.isActive }

    /// The messages that came so far.
    var messages: [[UInt8]] {
        var rest = heard.octets.withLock { $0 }[...]
        var messages: [[UInt8]] = []
        while let length = rest.prefix(2).count == 2 ? rest.prefix(2).reduce(0, { $0 << 8 | Int($1) }) : nil,
            rest.count >= 2 + length
        {
            messages.append(Array(rest.dropFirst(2).prefix(length)))
            rest = rest.dropFirst(2 + length)
        }
        return messages
    }

    /// Asks, and says that this is all.
    func ask(_ queries: [[UInt8]], then ending: Ending) throws {
        let frames = queries.flatMap { [UInt8($0.count >> 8), UInt8(truncatingIfNeeded: $0.count)] + $0 }
        try channel.writeAndFlush(ByteBuffer(bytes: frames)).wait()
        switch ending {
        case .notified: try channel.close(mode: .output).wait()
        case .abrupt:
            try channel.eventLoop.submit { [channel] in
                _ = try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
                    shutdown($0, Int32(SHUT_WR))
                }
            }.wait()
        }
    }
}

private final class Heard: Sendable {
    let octets = Mutex<[UInt8]>([])
}

private final class Listener: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let heard: Heard

    init(_ heard: Heard) {
        self.heard = heard
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let octets = unwrapInboundIn(data).readableBytesView
        heard.octets.withLock { $0 += octets }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
