// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOSSL

/// A connection to a server of DNS over TLS (RFC 7858): questions one behind the other, answers in whatever order.
final class TLSUpstreamConnection: ChannelInboundHandler, UpstreamConnection {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How long it is kept without a question.
    private static let idleTime = TimeAmount.seconds(10)
    /// How long nothing may come while questions wait: then it leads nowhere, and another may.
    private static let patience = TimeAmount.seconds(2)
    private static let limit = 2_048

    private let upstream: EncryptedUpstream
    private var context: ChannelHandlerContext?
    private var stream = MessageStream()
    private var asked: [UInt16: UpstreamQuestion] = [:]
    /// The identifiers of this connection are its own: those of the resolver's threads may be the same.
    private var lastID = UInt16.random(in: .min ... .max)
    private var deadline: Scheduled<Void>?
    private var isRetired = false

    init(_ upstream: EncryptedUpstream) {
        self.upstream = upstream
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        wait()
    }

    func ask(_ question: UpstreamQuestion) {
        guard let context, asked.count < Self.limit else { return question.done(nil) }
        repeat { lastID &+= 1 } while asked[lastID] != nil
        let isFirst = asked.isEmpty
        asked[lastID] = question
        let message = Self.identified(question.message, by: lastID)
        context.writeAndFlush(wrapOutboundOut(MessageStream.frame(message, context.channel.allocator)), promise: nil)
        if isFirst { wait() }
    }

    func retire() {
        isRetired = true
        if asked.isEmpty { context?.close(promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var octets = unwrapInboundIn(data)
        stream.append(&octets)
        while let message = stream.next() {
            guard message.count >= 12 else { return context.close(promise: nil) }
            let id = UInt16(message[0]) << 8 | UInt16(message[1])
            // One for nobody: whoever asked does not wait any more, or it was never asked.
            guard let question = asked.removeValue(forKey: id) else { continue }
            question.done(Self.identified(message, by: question.message[0...1].reduce(0) { $0 << 8 | UInt16($1) }))
        }
        if isRetired, asked.isEmpty { return context.close(promise: nil) }
        wait()
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        self.context = nil
        let unanswered = asked.values
        asked = [:]
        upstream.ended(self, unanswered: Array(unanswered))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private static func identified(_ message: [UInt8], by id: UInt16) -> [UInt8] {
        [UInt8(id >> 8), UInt8(truncatingIfNeeded: id)] + message[2...]
    }

    private func wait() {
        deadline?.cancel()
        let time = asked.isEmpty ? Self.idleTime : Self.patience
        deadline = context?.eventLoop.assumeIsolated().scheduleTask(in: time) { [weak self] in
            self?.context?.close(promise: nil)
        }
    }
}
