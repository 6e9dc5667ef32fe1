// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1

/// Answers the requests of one connection, one after the other.
final class RequestHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let ask: @Sendable (@escaping WebServer.Asker) -> Void
    /// The request whose end has yet to come.
    private var pending: HTTPRequestHead?
    /// After an answer that ends the connection nothing more is heard.
    private var isClosing = false

    init(ask: @escaping @Sendable (@escaping WebServer.Asker) -> Void) {
        self.ask = ask
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            if let refusal = Self.refusal(of: head) { return answer(refusal, to: head, context) }
            pending = head
        case .body: break
        case .end:
            guard let head = pending else { return }
            pending = nil
            context.triggerUserOutboundEvent(ConnectionLimits.Progress.requestIsWhole, promise: nil)
            route(head, context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Mostly clients that hang up; the handler before this one has answered what was no HTTP with 400.
        context.close(promise: nil)
    }

    /// What is refused by its head alone.
    private static func refusal(of head: HTTPRequestHead) -> Answer? {
        guard head.method == .GET || head.method == .HEAD else { return .notAllowed }
        let hasBody =
            head.headers.contains(name: "Transfer-Encoding")
            || head.headers["Content-Length"].contains { $0 != "0" }
        return hasBody ? .noBody : nil
    }

    private func route(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        switch Resource(target: head.uri) {
        case nil: answer(.notFound, to: head, context)
        case .index: answer(.index, to: head, context)
        case .metrics: askForPage(head, context) { .metrics($0) }
        case .health: askForPage(head, context) { .health($0) }
        }
    }

    private func askForPage(
        _ head: HTTPRequestHead,
        _ context: ChannelHandlerContext,
        _ answer: @escaping @Sendable (PageAnswer) -> Answer
    ) {
        let eventLoop = context.eventLoop
        let here = NIOLoopBound((self, context), eventLoop: eventLoop)
        ask { page in
            // On the main thread still: text is made there, the connection is touched on its own thread only.
            let text = answer(page)
            eventLoop.execute {
                let (handler, context) = here.value
                handler.answer(text, to: head, context)
            }
        }
    }

    private func answer(_ answer: Answer, to request: HTTPRequestHead, _ context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        let closes = answer.closes || !request.isKeepAlive
        isClosing = closes
        let body = context.channel.allocator.buffer(string: answer.body)
        var head = HTTPResponseHead(version: .http1_1, status: answer.status)
        head.headers = [
            "Content-Type": answer.type, "Content-Length": "\(body.readableBytes)", "Cache-Control": "no-store",
        ]
        if answer.status == .methodNotAllowed { head.headers.add(name: "Allow", value: "GET, HEAD") }
        head.headers.add(name: "Connection", value: closes ? "close" : "keep-alive")
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if request.method != .HEAD { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
        let left = context.eventLoop.makePromise(of: Void.self)
        left.futureResult.assumeIsolated().whenComplete { _ in
            guard !closes else { return context.close(promise: nil) }
            context.triggerUserOutboundEvent(ConnectionLimits.Progress.answerHasLeft, promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: left)
    }
}
