// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import NIOCore
import NIOHTTP1
import NIOTLS
import NetworkTypes
import ProcessLink

/// Makes one request once hands are shaken, and hears the head of its answer; of the body nothing is read.
final class RequestExchange: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let question: HandshakeRequest.Question
    private let watch: HandshakeWatch

    init(_ question: HandshakeRequest.Question, _ watch: HandshakeWatch) {
        self.question = question
        self.watch = watch
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted? = event as? TLSUserEvent else { return }
        var head = HTTPRequestHead(version: .http1_1, method: .GET, uri: question.path)
        head.headers = [
            "Host": question.authority,
            "User-Agent": "pnetd/\(Version.text)",
            "Accept": "*/*",
            "Connection": "close",
        ]
        if let authorization = question.authorization {
            head.headers.add(name: "Authorization", value: String(decoding: authorization.bytes, as: UTF8.self))
        }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(let head) = unwrapInboundIn(data) else { return }
        watch.answered(.served, status: Int(head.status.code), context: context)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let isCutOff = error as? HTTPParserError == .invalidEOFState
        watch.answered(isCutOff ? .cutOff : .notHTTP, context: context)
    }
}
