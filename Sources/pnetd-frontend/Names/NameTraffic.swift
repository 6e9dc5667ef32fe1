// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import NIOPosix
import ProcessLink

/// The ``NameService`` as other threads have it.
struct NameTraffic: Sendable {
    private let loop: any EventLoop
    private let service: NIOLoopBound<NameService>

    /// - Parameter report: called on the loop's thread.
    init(
        group: any EventLoopGroup,
        log: Logger,
        report: @escaping @Sendable ([UpstreamReport]) -> Void
    ) throws {
        let loop = group.next()
        self.loop = loop
        service = try loop.submit {
            NIOLoopBound(NameService(on: loop, log: log, report: report), eventLoop: loop)
        }.wait()
    }

    /// Goes on by other terms.
    func adopt(_ terms: NamesOverTLS) {
        loop.execute { [service] in service.value.adopt(terms) }
    }

    /// Talks with the resolver by these sockets from now on, which are the service's.
    func relay(by sockets: [Int32]) {
        loop.execute { [service] in service.value.relay(by: sockets) }
    }

    /// Serves clients who come by a listening socket, which is the service's from here on.
    func serve(_ listener: Int32) throws -> ListenerService {
        let service = service
        let bootstrap = ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: 1024)
            .childChannelOption(.writeBufferWaterMark, value: ClientConnection.unsent)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try ClientConnection.begin(on: channel, service.value) }
            }
        return ListenerService(channel: try bootstrap.withBoundSocket(listener).wait())
    }
}
