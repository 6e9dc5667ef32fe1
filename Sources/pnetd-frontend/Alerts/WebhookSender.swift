// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import ProcessLink

/// Delivers alerts by HTTP POST: one connection each, no redirect followed, no proxy.
struct WebhookSender: Sendable {
    /// How long an attempt may take, from the name's resolution to the answer.
    static let patience = TimeAmount.seconds(10)

    let group: any EventLoopGroup
    var patience = WebhookSender.patience
    /// Whose certificates are trusted; those that the system trusts.
    var trustRoots = NIOSSLTrustRoots.default

    /// Begins an attempt; `done` is called once, on the HTTP thread or at once.
    func send(_ delivery: AlertDelivery, to text: String, done: @escaping @Sendable (DeliveryOutcome) -> Void) {
        guard let url = WebhookURL(text) else { return done(.failed("the webhook is not a URL")) }
        let call = WebhookCall(url: url, done: done)
        let tls: NIOSSLContext?
        do {
            tls = url.scheme == .https ? try context() : nil
        } catch {
            return done(.failed("\(url.origin): cannot set up TLS: \(error)"))
        }
        let eventLoop = group.next()
        eventLoop.scheduleTask(in: patience) { call.timedOut(after: patience) }
        ClientBootstrap(group: eventLoop)
            .connectTimeout(patience)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls { try pipeline.addHandler(Self.handler(tls, for: url)) }
                    try pipeline.addHTTPClientHandlers(leftOverBytesStrategy: .dropBytes)
                    try pipeline.addHandler(WebhookExchange(delivery, url, call))
                }
            }
            // NIO resolves the name on a thread of its own, so a slow resolver holds up nobody.
            .connect(host: url.host, port: url.port)
            .whenFailure { error in call.end(.failed("\(url.origin): \(Self.words(for: error))")) }
    }

    /// Made anew for each alert: they are rare, this process lives for months, and trust stores change.
    private func context() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = trustRoots
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        return try NIOSSLContext(configuration: configuration)
    }

    /// The certificate is checked against the URL's host; an address has no server name indication (RFC 6066).
    private static func handler(_ tls: NIOSSLContext, for url: WebhookURL) throws -> NIOSSLClientHandler {
        let isAddress = (try? SocketAddress(ipAddress: url.host, port: 0)) != nil
        return try NIOSSLClientHandler(context: tls, serverHostname: isAddress ? nil : url.host)
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
        case let error as NIOSSLError:
            if case .handshakeFailed(let reason) = error { return "no TLS: \(reason)" }
            return "\(error)"
        case is NIOSSLExtraError: return "the certificate is not that of the host"
        default: return "\(error)"
        }
    }
}
