// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import NIOPosix
import ProcessLink

/// Delivers alerts by HTTP POST: one connection each, no redirect followed, no proxy.
struct WebhookSender: Sendable {
    /// How long an attempt may take, from the name's resolution to the answer.
    static let patience = TimeAmount.seconds(10)

    let group: any EventLoopGroup
    var patience = WebhookSender.patience

    /// Begins an attempt; `done` is called once, on the HTTP thread or at once.
    func send(_ delivery: AlertDelivery, to text: String, done: @escaping @Sendable (DeliveryOutcome) -> Void) {
        guard let url = WebhookURL(text) else { return done(.failed("the webhook is not a URL")) }
        guard url.scheme == .http else { return done(.failed("\(url.origin): https is not built in")) }
        let eventLoop = group.next()
        let call = WebhookCall(url: url, done: done)
        eventLoop.scheduleTask(in: patience) { call.timedOut(after: patience) }
        ClientBootstrap(group: eventLoop)
            .connectTimeout(patience)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHTTPClientHandlers(leftOverBytesStrategy: .dropBytes)
                    try pipeline.addHandler(WebhookExchange(delivery, url, call))
                }
            }
            // NIO resolves the name on a thread of its own, so a slow resolver holds up nobody.
            .connect(host: url.host, port: url.port)
            .whenFailure { error in call.end(.failed("\(url.origin): \(Self.words(for: error))")) }
    }

    /// An error in words that hold nothing of the URL but its host.
    static func words(for error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            if let failure = error.connectionErrors.first { return words(for: failure.error) }
            let unresolved = error.dnsAError ?? error.dnsAAAAError
            return unresolved == nil ? "cannot connect" : "the name has no address"
        case let error as IOError: return error.description
        case let error as ChannelError:
            if case .connectTimeout = error { return "no connection in time" }
            return "\(error)"
        case is HTTPParserError: return "the answer is not HTTP"
        default: return "\(error)"
        }
    }
}
