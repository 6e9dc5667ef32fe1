// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Serves HTTP/1.1 on listening sockets that somebody else opened.
struct WebServer: Sendable {
    typealias Asker = @Sendable (PageAnswer) -> Void

    /// The most connections at a time, over all sockets; a further one is closed at once.
    static let connectionLimit = 256

    private let group: any EventLoopGroup
    private let ask: @Sendable (@escaping Asker) -> Void
    private let limits: ConnectionLimits.Limits
    private let connections = ConnectionCount()

    /// Makes a server that gets its pages through `ask`.
    init(
        group: any EventLoopGroup,
        limits: ConnectionLimits.Limits = .init(),
        ask: @escaping @Sendable (@escaping Asker) -> Void
    ) {
        self.group = group
        self.limits = limits
        self.ask = ask
    }

    /// Serves a listening socket, which is the server's from here on.
    func serve(_ listener: Int32) throws -> ListenerService {
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .childChannelInitializer { channel in
                guard connections.enter() else { return channel.close() }
                channel.closeFuture.whenComplete { _ in connections.leave() }
                return channel.eventLoop.makeCompletedFuture { try furnish(channel.pipeline.syncOperations) }
            }
        return ListenerService(channel: try bootstrap.withBoundSocket(listener).wait())
    }

    private func furnish(_ pipeline: ChannelPipeline.SynchronousOperations) throws {
        try pipeline.addHandler(ConnectionLimits(limits))
        try pipeline.configureHTTPServerPipeline(withPipeliningAssistance: true, withErrorHandling: true)
        try pipeline.addHandler(RequestHandler(ask: ask))
    }
}

/// How many connections are open.
private final class ConnectionCount: Sendable {
    private let count = Atomic(0)

    func enter() -> Bool {
        if count.add(1, ordering: .relaxed).newValue <= WebServer.connectionLimit { return true }
        leave()
        return false
    }

    func leave() {
        count.subtract(1, ordering: .relaxed)
    }
}
