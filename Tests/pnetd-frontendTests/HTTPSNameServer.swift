// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOPosix
import NIOSSL
import NetworkTypes
import Synchronization
import Testing

/// A server of DNS over HTTPS, by HTTP/2: it gives each question back as its answer, or does as its path says.
final class HTTPSNameServer {
    /// What it was asked by a request.
    struct Request: Hashable, Sendable {
        var method: String
        var path: String
        var authority: String?
        var type: String?
        var body: [UInt8] = []
    }

    private final class Log: Sendable {
        let requests = Mutex<[Request]>([])
    }

    private let log = Log()
    private let channel: any Channel

    /// Where it listens.
    let endpoint: SocketEndpoint

    /// Serves with the certificate for a name that the servers' authority has signed.
    init(_ name: String, of servers: TLSServers, protocols: [String] = ["h2"]) throws {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile("\(servers.folder)/\(name).pem").map {
                .certificate($0)
            },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: "\(servers.folder)/\(name).key", format: .pem))
        )
        configuration.applicationProtocols = protocols
        let context = try NIOSSLContext(configuration: configuration)
        let log = log
        channel = try ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(NIOSSLServerHandler(context: context))
                    _ = try pipeline.configureHTTP2Pipeline(
                        mode: .server,
                        connectionConfiguration: .init(),
                        streamConfiguration: .init()
                    ) { stream in
                        stream.eventLoop.makeCompletedFuture {
                            try stream.pipeline.syncOperations.addHandlers([
                                HTTP2FramePayloadToHTTP1ServerCodec(),
                                Answering { request in log.requests.withLock { $0.append(request) } },
                            ])
                        }
                    }
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .wait()
        let port = try #require(channel.localAddress?.port)
        endpoint = SocketEndpoint(address: .v4(IPv4Address(bits: 0x7f00_0001)), port: UInt16(port))
    }

    deinit { channel.close(promise: nil) }

    /// What it was asked, in order.
    var requests: [Request] { log.requests.withLock { $0 } }

    private final class Answering: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let heard: (Request) -> Void
        private var request = Request(method: "", path: "")

        init(_ heard: @escaping (Request) -> Void) {
            self.heard = heard
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                request = Request(
                    method: head.method.rawValue,
                    path: head.uri,
                    authority: head.headers.first(name: "host"),
                    type: head.headers.first(name: "content-type")
                )
            case .body(let part): request.body += part.readableBytesView
            case .end:
                heard(request)
                answer(context)
            }
        }

        private func answer(_ context: ChannelHandlerContext) {
            var answer = request.body
            answer[2] |= 0x80
            if request.path == "/long" { answer += [UInt8](repeating: 0, count: 65_536) }
            if request.path == "/short" { answer = [0, 0, 0x80] }
            let status: HTTPResponseStatus = request.path == "/absent" ? .notFound : .ok
            let type = request.path == "/text" ? "text/plain" : "application/dns-message"
            if request.path == "/hangs-up" { return context.close(promise: nil) }
            let head = HTTPResponseHead(version: .http2, status: status, headers: ["content-type": type])
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: answer)))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
