// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Bounds on what one connection may cost: octets a request, and time for each part of an exchange.
///
/// It stands before the parser. A whole request must come within its time, however steadily its octets drip in; a time
/// limit on silence alone would let a slow client hold its connection for hours.
final class ConnectionLimits: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    struct Limits: Sendable {
        /// Octets of a request, line and fields.
        var request = 8 << 10
        /// From the connection, or the request's first octet, to its last.
        var receiving = TimeAmount.seconds(10)
        /// From a request's last octet until the answer has left.
        var answering = TimeAmount.seconds(12)
        /// Between requests; more than the usual scrape interval.
        var idle = TimeAmount.seconds(120)
    }

    /// What ``RequestHandler`` tells about the exchange.
    enum Progress: Sendable {
        case requestIsWhole
        case answerHasLeft
    }

    private static let tooLarge =
        "HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

    private let limits: Limits
    private var octets = 0
    private var isIdle = false
    private var deadline: Scheduled<Void>?

    init(_ limits: Limits) {
        self.limits = limits
    }

    func channelActive(context: ChannelHandlerContext) {
        setDeadline(limits.receiving, context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        octets += unwrapInboundIn(data).readableBytes
        if isIdle {
            isIdle = false
            setDeadline(limits.receiving, context)
        }
        guard octets <= limits.request else {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: Self.tooLarge)), promise: nil)
            return context.close(promise: nil)
        }
        context.fireChannelRead(data)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        switch event as? Progress {
        case .requestIsWhole:
            octets = 0
            isIdle = false
            setDeadline(limits.answering, context)
        case .answerHasLeft:
            isIdle = true
            setDeadline(limits.idle, context)
        case nil: return context.triggerUserOutboundEvent(event, promise: promise)
        }
        promise?.succeed()
    }

    private func setDeadline(_ time: TimeAmount, _ context: ChannelHandlerContext) {
        deadline?.cancel()
        let channel = context.channel
        deadline = context.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
    }
}
