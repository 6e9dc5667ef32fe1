// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import NIOCore
import NIOHTTP1
import NIOHTTP2
import NetworkTypes
import ProcessLink

/// One question by HTTP: a POST, whose answer's body is the answer (RFC 8484 section 4).
final class HTTPSExchange: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private static let mediaType = "application/dns-message"
    private static let longest = 65_535

    private let question: UpstreamQuestion
    private let server: NamesOverTLS.Server
    private var done: ((HTTPSExchange, [UInt8]?) -> Void)?
    private var answer: [UInt8] = []
    private var isGood = false

    /// - Parameter done: called once with the answer; nil where it is none.
    init(
        _ question: UpstreamQuestion,
        of server: NamesOverTLS.Server,
        done: @escaping (HTTPSExchange, [UInt8]?) -> Void
    ) {
        self.question = question
        self.server = server
        self.done = done
    }

    /// Takes a stream of the connection.
    func begin(on stream: any Channel) throws {
        try stream.pipeline.syncOperations.addHandlers([
            HTTP2FramePayloadToHTTP1ClientCodec(httpProtocol: .https), self,
        ])
    }

    func channelActive(context: ChannelHandlerContext) {
        // The identifier is 0, so that the same question is the same request (section 4.1).
        let message = [0, 0] + question.message[2...]
        let port = server.upstream.endpoint.port
        let name = server.name.withoutRootDot
        var head = HTTPRequestHead(version: .http2, method: .POST, uri: server.path)
        head.headers = [
            "Host": port == 443 ? name : "\(name):\(port)",
            "User-Agent": "pnetd/\(Version.text)",
            "Accept": Self.mediaType,
            "Content-Type": Self.mediaType,
            "Content-Length": "\(message.count)",
        ]
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: message)))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            isGood = head.status == .ok && head.headers.first(name: "Content-Type") == Self.mediaType
        case .body(let part):
            answer += part.readableBytesView
            guard answer.count <= Self.longest else {
                end(nil)
                return context.close(promise: nil)
            }
        case .end:
            end(isGood && answer.count >= 12 ? Array(question.message[..<2]) + answer[2...] : nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(nil)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(nil)
        context.close(promise: nil)
    }

    /// The answer is this, or there is none.
    func end(_ answer: [UInt8]?) {
        let done = done
        self.done = nil
        done?(self, answer)
    }
}
