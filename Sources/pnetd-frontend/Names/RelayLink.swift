// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NameRelay

/// The socket to one of the resolver's threads.
final class RelayLink: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private unowned let service: NameService
    private var frames = RelayFrames()
    private var context: ChannelHandlerContext?

    init(_ service: NameService) {
        self.service = service
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        frames.append(unwrapInboundIn(data).readableBytesView)
        do {
            while let message = try frames.next() { service.took(message, by: self) }
        } catch {
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        service.lost(self)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    /// Whether the resolver reads what it is told.
    var isWritable: Bool { context?.channel.isWritable ?? false }

    func send(_ message: RelayMessage) {
        guard let context else { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: message.frame)), promise: nil)
    }

    func close() {
        context?.close(promise: nil)
    }
}
