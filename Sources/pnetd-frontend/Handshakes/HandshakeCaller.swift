// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import NIOSSL
import NetworkTypes
import ProcessLink
import Synchronization
import SystemIO

/// Shakes hands with TLS servers over connections that the agent opened by its paths. Nothing else is said on them.
///
/// It is a value of the main thread; the handshakes are the HTTP thread's.
struct HandshakeCaller {
    /// How a handshake ended, and until when the certificate is valid that was seen, in seconds since 1970.
    typealias Done = @Sendable (HandshakeOutcome, Int64?) -> Void

    private let group: any EventLoopGroup
    private var trust = TrustedRoots()

    init(group: any EventLoopGroup) {
        self.group = group
    }

    /// Begins a handshake; `done` is called once, on the HTTP thread or at once.
    /// - Parameter connection: owned from here on.
    mutating func call(
        _ request: HandshakeRequest,
        over connection: consuming SystemIO.FileDescriptor,
        at now: Instant,
        done: @escaping Done
    ) {
        let end = HandshakeEnd(done)
        let context: NIOSSLContext
        do { context = try trust.context(for: request.roots, at: now) } catch { return end.told(.unable, nil) }
        let name = request.name.withoutRootDot
        let patience = TimeAmount.milliseconds(Int64(min(max(request.patience, 1), 60_000)))
        ClientBootstrap(group: group.next())
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = try NIOSSLClientHandler(context: context, serverHostname: name)
                    let watch = HandshakeWatch(tls, patience: patience, end)
                    try channel.pipeline.syncOperations.addHandlers([FirstRecord(for: watch), tls, watch])
                }
            }
            .withConnectedSocket(connection.release())
            .whenFailure { _ in end.told(.unable, nil) }
    }
}

/// Passes on how a handshake ended, the first time that it is told.
final class HandshakeEnd: Sendable {
    private let done: Mutex<HandshakeCaller.Done?>

    init(_ done: @escaping HandshakeCaller.Done) {
        self.done = Mutex(done)
    }

    func told(_ outcome: HandshakeOutcome, _ expires: Int64?) {
        let done = done.withLock { done in
            defer { done = nil }
            return done
        }
        done?(outcome, expires)
    }
}

/// Contexts by the certificates that they trust: a system has more than a hundred to be read.
private struct TrustedRoots {
    /// So long is one used: trust stores change, and this process lives for months.
    private static let freshness = Duration.seconds(600)
    private static let limit = 64

    private var contexts: [String?: (context: NIOSSLContext, made: Instant)] = [:]

    mutating func context(for roots: String?, at now: Instant) throws -> NIOSSLContext {
        contexts = contexts.filter { now - $0.value.made < Self.freshness }
        if let known = contexts[roots] { return known.context }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if let roots {
            configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(roots.utf8)))
        }
        let context = try NIOSSLContext(configuration: configuration)
        if contexts.count < Self.limit { contexts[roots] = (context, now) }
        return context
    }
}
