// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOSSL
import NIOTLS
import NetworkTypes
import SystemIO

/// A client that asks over TLS (RFC 7858): many questions in a row, answered as they are ready, not in turn.
final class ClientConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How long a handshake may take, and how long a client may be silent afterwards (RFC 7766 section 6.2.3).
    private static let handshakePatience = TimeAmount.seconds(5)
    private static let idleTime = TimeAmount.seconds(30)
    /// Questions that wait for their answer; while there are so many, no more is read.
    private static let waitingLimit = 32
    /// More than come within one read, where they are not tiny.
    private static let waitingBound = 1_024
    /// The octets of answers that a client may leave unread; who leaves more has to go.
    static let unsent = ChannelOptions.Types.WriteBufferWaterMark(low: 64 << 10, high: 512 << 10)

    /// Where it is.
    let address: IPAddress
    /// The index of the interface by which it came; 0 where the kernel was not asked to tell.
    let interface: UInt32
    private unowned let service: NameService
    private var stream = MessageStream()
    private var waiting = 0
    /// Whether the client has said that it asks no more (RFC 7766 section 6.2.4).
    private var hasAskedAll = false
    private var lastSent: EventLoopFuture<Void>?
    private var context: ChannelHandlerContext?
    private var deadline: Scheduled<Void>?

    private init(_ address: IPAddress, on interface: UInt32, _ service: NameService) {
        self.address = address
        self.interface = interface
        self.service = service
    }

    /// What handshakes with clients are made with. Throws where the identity is of no use.
    static func context(_ identity: ClientIdentity) throws -> NIOSSLContext {
        let chain = try NIOSSLCertificate.fromPEMBytes(Array(identity.certificates.utf8))
        let key = try NIOSSLPrivateKey(bytes: identity.privateKey.bytes, format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["dot"]
        // Some clients wait for the end of the connection below, not for that of TLS.
        configuration.shutdownTimeout = .milliseconds(200)
        return try NIOSSLContext(configuration: configuration)
    }

    /// Lets a client in, or throws: the connection is closed.
    static func begin(on channel: any Channel, _ service: NameService) throws {
        guard let context = service.serverContext,
            let address = channel.remoteAddress?.ipAddress.flatMap({ IPAddress($0) }),
            service.census.enter(address)
        else { throw ChannelError.ioOnClosedChannel }
        let interface = try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
            of: NIOBSDSocket.Handle.self
        ) { NetworkSocket.arrivalInterface(of: $0) }
        let connection = ClientConnection(address, on: interface ?? 0, service)
        channel.closeFuture.assumeIsolated().whenComplete { _ in service.left(connection) }
        try channel.pipeline.syncOperations.addHandlers([NIOSSLServerHandler(context: context), connection])
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        wait(Self.handshakePatience)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        deadline?.cancel()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent { wait(Self.idleTime) }
        if case .inputClosed? = event as? ChannelEvent {
            hasAskedAll = true
            if waiting == 0 { closeWhenSent() }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var octets = unwrapInboundIn(data)
        stream.append(&octets)
        while let message = stream.next() {
            guard waiting < Self.waitingBound, service.pass(message, from: self) else { return close() }
            waiting += 1
            // Octets in a trickle do not count: a whole question does.
            wait(Self.idleTime)
        }
        if waiting >= Self.waitingLimit { read(false, context) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Many a client ends the connection below without a word to TLS. Its questions came whole.
        if case .uncleanShutdown? = error as? NIOSSLError { return }
        context.close(promise: nil)
    }

    /// Gives the client an answer; empty: it gets none.
    func answer(_ message: [UInt8]) {
        guard let context else { return }
        waiting -= 1
        wait(Self.idleTime)
        if !message.isEmpty {
            guard context.channel.isWritable else { return close() }
            let frame = MessageStream.frame(message, context.channel.allocator)
            lastSent = context.writeAndFlush(wrapOutboundOut(frame))
        }
        if hasAskedAll, waiting == 0 { return closeWhenSent() }
        if waiting == Self.waitingLimit / 2 { read(true, context) }
    }

    func close() {
        context?.close(promise: nil)
    }

    /// Ends the connection once the last answer has left.
    private func closeWhenSent() {
        guard let lastSent else { return close() }
        lastSent.assumeIsolated().whenComplete { [self] _ in close() }
    }

    private func read(_ isOn: Bool, _ context: ChannelHandlerContext) {
        context.channel.setOption(.autoRead, value: isOn).whenFailure { _ in }
    }

    private func wait(_ time: TimeAmount) {
        deadline?.cancel()
        deadline = context?.eventLoop.assumeIsolated().scheduleTask(in: time) { [weak self] in
            guard let self else { return }
            // The resolver gives each an answer in a few seconds; who still waits is not idle.
            if waiting > 0 { wait(Self.idleTime) } else { close() }
        }
    }
}
