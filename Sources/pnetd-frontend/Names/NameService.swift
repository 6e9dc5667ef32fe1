// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import NIOPosix
import NIOSSL
import NameRelay
import NetworkTypes
import ProcessLink

/// Names over TLS: asks servers for the resolver, and passes on to it what clients ask.
///
/// All of it is the event loop's; other threads have a ``NameTraffic``.
final class NameService {
    /// How often the agent is told what became of connections, at the most.
    private static let reportInterval = TimeAmount.milliseconds(250)
    /// Questions that one thread of the resolver may have under way, and octets of one: it has fewer, and shorter ones.
    private static let askedLimit = 4_096
    private static let questionLengths = 12...1_024

    let loop: any EventLoop
    private let log: Logger
    private let report: @Sendable ([UpstreamReport]) -> Void
    private var upstreams: [Upstream: EncryptedUpstream] = [:]
    private var links: [RelayLink] = []
    private var asked: [ObjectIdentifier: Int] = [:]
    /// Which of the resolver's threads gets the next question of a client.
    private var turn = 0
    /// Clients that wait for an answer, by our number for the question.
    private var waiting: [UInt64: (client: ClientConnection, link: RelayLink)] = [:]
    private var lastQuery: UInt64 = 0
    private var reporting: Scheduled<Void>?
    private var identity: ClientIdentity?
    /// What clients' handshakes are made with; nil where none are served.
    private(set) var serverContext: NIOSSLContext?
    let census = ClientCensus()

    init(on loop: any EventLoop, log: Logger, report: @escaping @Sendable ([UpstreamReport]) -> Void) {
        self.loop = loop
        self.log = log
        self.report = report
    }

    /// Goes on by other terms. What is under way ends by those that it began with.
    func adopt(_ terms: NamesOverTLS) {
        var next: [Upstream: EncryptedUpstream] = [:]
        for server in terms.servers {
            let known = upstreams[server.upstream]
            next[server.upstream] =
                known?.server == server
                ? known
                : EncryptedUpstream(server, on: loop, known?.report) { [unowned self] in reportSoon() }
        }
        for (upstream, known) in upstreams where next[upstream] !== known { known.retire() }
        upstreams = next
        reportSoon()
        guard terms.identity != identity else { return }
        identity = terms.identity
        do {
            serverContext = try terms.identity.map(ClientConnection.context)
        } catch {
            // With the last that was good.
            log.error("names over TLS cannot be served: the certificate or its key is of no use: \(error)")
        }
    }

    /// Talks with the resolver by these sockets from now on, which are the service's.
    func relay(by sockets: [NIOBSDSocket.Handle]) {
        let earlier = links
        links = []
        for link in earlier { link.close() }
        let service = NIOLoopBound(self, eventLoop: loop)
        for socket in sockets {
            ClientBootstrap(group: loop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let link = RelayLink(service.value)
                        try channel.pipeline.syncOperations.addHandler(link)
                        service.value.links.append(link)
                    }
                }
                .withConnectedSocket(socket)
                .assumeIsolated()
                .whenFailure { [log] error in log.error("cannot talk with the resolver: \(error)") }
        }
    }

    /// Takes what the resolver says.
    func took(_ message: RelayMessage, by link: RelayLink) {
        switch message {
        case .ask(let number, let upstream, let message):
            guard let server = upstreams[upstream], Self.questionLengths.contains(message.count),
                asked[ObjectIdentifier(link), default: 0] < Self.askedLimit
            else { return link.send(.failed(number)) }
            asked[ObjectIdentifier(link), default: 0] += 1
            server.ask(message) { [weak self] answer in
                guard let self, let count = asked[ObjectIdentifier(link)] else { return }
                asked[ObjectIdentifier(link)] = count - 1
                link.send(answer.map { .answered(number, message: $0) } ?? .failed(number))
            }
        case .reply(let number, let message):
            guard let place = waiting[number], place.link === link else { return }
            waiting[number] = nil
            place.client.answer(message)
        case .answered, .failed, .query:
            link.close()
        }
    }

    /// The resolver is gone, or goes on by other sockets. Clients that wait would do so in vain: they ask again on a new
    /// connection (RFC 7766 section 6.2.4).
    func lost(_ link: RelayLink) {
        links.removeAll { $0 === link }
        asked[ObjectIdentifier(link)] = nil
        let stranded = waiting.filter { $0.value.link === link }
        for (number, place) in stranded {
            waiting[number] = nil
            place.client.close()
        }
    }

    /// Passes on what a client asks.
    /// - Returns: whether there is anybody to answer.
    func pass(_ message: [UInt8], from client: ClientConnection) -> Bool {
        let ready = links.filter(\.isWritable)
        guard !ready.isEmpty else { return false }
        turn = (turn + 1) % ready.count
        lastQuery += 1
        waiting[lastQuery] = (client, ready[turn])
        ready[turn].send(.query(lastQuery, from: client.address, on: client.interface, message: message))
        return true
    }

    /// A client is gone.
    func left(_ client: ClientConnection) {
        census.left(client.address)
        for number in waiting.filter({ $0.value.client === client }).keys { waiting[number] = nil }
    }

    private func reportSoon() {
        guard reporting == nil else { return }
        reporting = loop.assumeIsolated().scheduleTask(in: Self.reportInterval) { [weak self] in
            guard let self else { return }
            reporting = nil
            report(upstreams.values.map(\.report))
        }
    }
}
