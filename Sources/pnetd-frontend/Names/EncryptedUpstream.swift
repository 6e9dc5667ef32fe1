// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import NIOSSL
import NetworkTypes
import ProcessLink

/// A question for a server, and who wants the answer.
struct UpstreamQuestion {
    let message: [UInt8]
    /// Takes the answer; nil where there is none.
    let done: ([UInt8]?) -> Void
    /// Whether it was put already, on a connection that ended.
    var isSecondTry = false
}

/// A connection by which a server is asked.
protocol UpstreamConnection: AnyObject {
    /// Puts a question. One that gets no answer since the connection ends is given back.
    func ask(_ question: UpstreamQuestion)
    /// Puts no more, and ends when all that was asked is answered.
    func retire()
}

/// A server that is asked over TLS: by one connection, which is opened when there is a question and goes when there has
/// been none for a while.
final class EncryptedUpstream {
    /// How long a connection may take, and then the handshake.
    private static let connectPatience = TimeAmount.seconds(2)
    /// How long a server whose connection failed is left alone: what is asked meanwhile has failed at once.
    private static let rest = TimeAmount.milliseconds(250)
    private static let waitingLimit = 1_024

    let server: NamesOverTLS.Server
    private let loop: any EventLoop
    private(set) var report: UpstreamReport
    private let changed: () -> Void
    private var context: NIOSSLContext?
    private var connection: (any UpstreamConnection)?
    private var isConnecting = false
    private var waiting: [UpstreamQuestion] = []
    private var restsUntil = NIODeadline.uptimeNanoseconds(0)

    /// - Parameters:
    ///   - known: what became of connections to it by other terms.
    ///   - changed: called when the report is another.
    init(
        _ server: NamesOverTLS.Server,
        on loop: any EventLoop,
        _ known: UpstreamReport?,
        changed: @escaping () -> Void
    ) {
        self.server = server
        self.loop = loop
        self.changed = changed
        report = known ?? UpstreamReport(server.upstream)
        report.problem = nil
    }

    /// Asks; `done` is called once.
    func ask(_ message: [UInt8], done: @escaping ([UInt8]?) -> Void) {
        put(UpstreamQuestion(message: message, done: done))
    }

    private func put(_ question: UpstreamQuestion) {
        if let connection { return connection.ask(question) }
        guard NIODeadline.now() >= restsUntil, waiting.count < Self.waitingLimit else { return question.done(nil) }
        waiting.append(question)
        if !isConnecting { connect() }
    }

    /// Ends, when all that was asked is answered.
    func retire() {
        connection?.retire()
        connection = nil
    }

    private func connect() {
        isConnecting = true
        do {
            let context = try tlsContext()
            let endpoint = server.upstream.endpoint
            let address = try SocketAddress(ipAddress: "\(endpoint.address)", port: Int(endpoint.port))
            let bound = NIOLoopBound((self, context), eventLoop: loop)
            ClientBootstrap(group: loop)
                .connectTimeout(Self.connectPatience)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let (upstream, context) = bound.value
                        let tls = try NIOSSLClientHandler(
                            context: context,
                            serverHostname: upstream.server.name.withoutRootDot
                        )
                        let handshake = UpstreamHandshake(tls, upstream)
                        try channel.pipeline.syncOperations.addHandlers([tls, handshake])
                    }
                }
                .connect(to: address)
                .assumeIsolated()
                .whenFailure { [self] error in
                    if case .connectTimeout? = error as? ChannelError { return failed(.silent) }
                    failed(.unreachable)
                }
        } catch {
            failed(.unable)
        }
    }

    /// Kept for as long as it is of use: a system trusts more than a hundred certificates that have to be read.
    private func tlsContext() throws -> NIOSSLContext {
        if let context { return context }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = [server.upstream.encryption == .https ? "h2" : "dot"]
        if let roots = server.roots {
            configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(roots.utf8)))
        }
        let context = try NIOSSLContext(configuration: configuration)
        self.context = context
        return context
    }

    /// The handshake came about: what waits is asked.
    func established(_ channel: any Channel, protocol negotiated: String?) {
        do {
            connection = try open(channel, negotiated)
        } catch {
            channel.close(promise: nil)
            return failed(.wrongProtocol)
        }
        isConnecting = false
        report.connections += 1
        report.problem = nil
        changed()
        let questions = waiting
        waiting = []
        for question in questions { put(question) }
    }

    private struct WrongProtocol: Error {}

    private func open(_ channel: any Channel, _ negotiated: String?) throws -> any UpstreamConnection {
        switch server.upstream.encryption {
        case .tls, nil:
            // Most servers on the port of DNS over TLS name no protocol (RFC 7301).
            guard negotiated == nil || negotiated == "dot" else { throw WrongProtocol() }
            let connection = TLSUpstreamConnection(self)
            try channel.pipeline.syncOperations.addHandler(connection)
            return connection
        case .https:
            guard negotiated == "h2" else { throw WrongProtocol() }
            return try HTTPSUpstreamConnection(self, on: channel)
        }
    }

    /// There is no connection, for this reason.
    func failed(_ reason: UpstreamFailure) {
        guard isConnecting else { return }
        isConnecting = false
        // Certificates that a system trusts change.
        context = nil
        restsUntil = .now() + Self.rest
        report.failures[reason, default: 0] += 1
        report.problem = reason
        changed()
        let questions = waiting
        waiting = []
        for question in questions { question.done(nil) }
    }

    /// A connection is over. What it left unanswered is asked once more: the server may have had enough of the connection
    /// when the question was on its way (RFC 7766 section 6.2.4).
    func ended(_ ended: any UpstreamConnection, unanswered: [UpstreamQuestion]) {
        if connection === ended { connection = nil }
        for var question in unanswered {
            guard !question.isSecondTry else {
                question.done(nil)
                continue
            }
            question.isSecondTry = true
            put(question)
        }
    }
}
