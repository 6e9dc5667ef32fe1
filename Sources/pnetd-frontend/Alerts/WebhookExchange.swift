// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import NIOCore
import NIOHTTP1
import ProcessLink

/// Says one alert on one connection and hears what the receiver says to it.
final class WebhookExchange: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    /// How much of an answer's body is read, so that the receiver can finish its sentence. It is not kept.
    private static let bodyLimit = 64 << 10

    private let delivery: AlertDelivery
    private let url: WebhookURL
    private let call: WebhookCall
    private var bodySize = 0

    init(_ delivery: AlertDelivery, _ url: WebhookURL, _ call: WebhookCall) {
        self.delivery = delivery
        self.url = url
        self.call = call
    }

    func channelActive(context: ChannelHandlerContext) {
        // The name may have been resolved after the attempt timed out; the agent has been told, nothing may go now.
        guard call.begin(on: context.channel) else { return context.close(promise: nil) }
        let body = context.channel.allocator.buffer(string: delivery.body)
        var head = HTTPRequestHead(version: .http1_1, method: .POST, uri: url.target)
        head.headers = [
            "Host": url.authority,
            "User-Agent": "pnetd/\(Version.text)",
            "Content-Type": "application/json",
            "Content-Length": "\(body.readableBytes)",
            "Idempotency-Key": delivery.id,
            "Accept": "*/*",
            "Connection": "close",
        ]
        if let authorization = url.authorization { head.headers.add(name: "Authorization", value: authorization) }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): call.answered(head.status.code)
        case .body(let part):
            bodySize += part.readableBytes
            if bodySize > Self.bodyLimit { over() }
        case .end: over()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        call.end(.failed("\(url.origin): \(WebhookSender.words(for: error))"))
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        over()
        context.fireChannelInactive()
    }

    private func over() {
        call.end(.failed("\(url.origin) hung up without an answer"))
    }
}
