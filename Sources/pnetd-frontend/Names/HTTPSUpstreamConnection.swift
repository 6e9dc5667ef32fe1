// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP2

/// A connection to a server of DNS over HTTPS (RFC 8484): each question is a stream of HTTP/2 (RFC 9113).
final class HTTPSUpstreamConnection: UpstreamConnection {
    /// As with TLS alone; see ``TLSUpstreamConnection``.
    private static let idleTime = TimeAmount.seconds(10)
    private static let patience = TimeAmount.seconds(2)
    /// Fewer than any server is said to allow (RFC 9113 section 6.5.2).
    private static let limit = 100

    private let upstream: EncryptedUpstream
    private let channel: any Channel
    private let multiplexer: NIOHTTP2Handler.StreamMultiplexer
    private var asked: [ObjectIdentifier: UpstreamQuestion] = [:]
    private var waiting: [UpstreamQuestion] = []
    private var deadline: Scheduled<Void>?
    private var isRetired = false

    /// Speaks HTTP/2 on a channel over which a handshake came about.
    init(_ upstream: EncryptedUpstream, on channel: any Channel) throws {
        self.upstream = upstream
        self.channel = channel
        multiplexer = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
            mode: .client,
            connectionConfiguration: .init(),
            streamConfiguration: .init()
        ) { pushed in pushed.close() }
        channel.closeFuture.assumeIsolated().whenComplete { [self] _ in ended() }
        wait()
    }

    func ask(_ question: UpstreamQuestion) {
        guard asked.count < Self.limit else {
            guard waiting.count < Self.limit else { return question.done(nil) }
            return waiting.append(question)
        }
        let exchange = HTTPSExchange(question, of: upstream.server) { [weak self] exchange, answer in
            self?.came(answer, by: exchange)
        }
        let isFirst = asked.isEmpty
        asked[ObjectIdentifier(exchange)] = question
        if isFirst { wait() }
        let bound = NIOLoopBound(exchange, eventLoop: channel.eventLoop)
        multiplexer.createStreamChannel { stream in
            stream.eventLoop.makeCompletedFuture { try bound.value.begin(on: stream) }
        }.assumeIsolated().whenFailure { _ in bound.value.end(nil) }
    }

    func retire() {
        isRetired = true
        if asked.isEmpty { channel.close(promise: nil) }
    }

    private func came(_ answer: [UInt8]?, by exchange: HTTPSExchange) {
        // What ends with the connection is put once more on another.
        guard answer != nil || channel.isActive,
            let question = asked.removeValue(forKey: ObjectIdentifier(exchange))
        else { return }
        question.done(answer)
        if !waiting.isEmpty { ask(waiting.removeFirst()) }
        if isRetired, asked.isEmpty { return channel.close(promise: nil) }
        if answer != nil || asked.isEmpty { wait() }
    }

    private func ended() {
        deadline?.cancel()
        let unanswered = Array(asked.values) + waiting
        asked = [:]
        waiting = []
        upstream.ended(self, unanswered: unanswered)
    }

    private func wait() {
        deadline?.cancel()
        let time = asked.isEmpty ? Self.idleTime : Self.patience
        deadline = channel.eventLoop.assumeIsolated().scheduleTask(in: time) { [weak self] in
            self?.channel.close(promise: nil)
        }
    }
}
