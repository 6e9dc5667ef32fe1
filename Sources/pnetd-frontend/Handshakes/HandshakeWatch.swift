// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOSSL
import NIOTLS
import ProcessLink
import SystemIO

/// Waits for a handshake to end, says how it did, and hangs up.
final class HandshakeWatch: ChannelInboundHandler {
    typealias InboundIn = Any

    private let tls: NIOSSLClientHandler
    private let patience: TimeAmount
    private let end: HandshakeEnd
    private var limit: Scheduled<Void>?
    /// Whether what came back first begins like a record of TLS; nil where nothing came.
    fileprivate var beganAsTLS: Bool?

    init(_ tls: NIOSSLClientHandler, patience: TimeAmount, _ end: HandshakeEnd) {
        self.tls = tls
        self.patience = patience
        self.end = end
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        limit = context.eventLoop.scheduleTask(in: patience) {
            let (watch, context) = bound.value
            watch.end(.silent)
            context.close(promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted? = event as? TLSUserEvent else { return }
        end(.served)
        context.close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(outcome(of: error))
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(.hungUp)
    }

    private func end(_ outcome: HandshakeOutcome) {
        limit?.cancel()
        end.told(outcome, tls.peerCertificate.map { Int64($0.notValidAfter) })
    }

    private func outcome(of error: any Error) -> HandshakeOutcome {
        if error is NIOSSLExtraError { return .wrongName }
        guard beganAsTLS ?? true else { return .notTLS }
        guard case .handshakeFailed(let reason)? = error as? NIOSSLError, beganAsTLS != nil else { return .hungUp }
        // BoringSSL tells its reasons as text only, and of a certificate that none is good enough.
        let text = "\(reason)"
        if text.contains("CERTIFICATE_VERIFY_FAILED") { return verdict(on: tls.peerCertificate) }
        return reason == .sslError([.eofDuringHandshake]) ? .hungUp : .declined
    }

    /// What a certificate may be refused for, the plainest first.
    private func verdict(on certificate: NIOSSLCertificate?) -> HandshakeOutcome {
        guard let certificate else { return .untrusted }
        let now = Int64(SystemClock().wallNanoseconds / 1_000_000_000)
        if Int64(certificate.notValidAfter) < now { return .expired }
        return Int64(certificate.notValidBefore) > now ? .notYetValid : .untrusted
    }
}

/// Looks at the first octets that come back, which TLS itself keeps no memory of.
final class FirstRecord: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let watch: HandshakeWatch

    init(for watch: HandshakeWatch) {
        self.watch = watch
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if watch.beganAsTLS == nil {
            // The content types of RFC 8446 section 5.1; the version's first octet is 3 in all versions.
            let head = unwrapInboundIn(data).readableBytesView.prefix(2)
            watch.beganAsTLS = zip(head, [20...23, 3...3] as [ClosedRange<UInt8>]).allSatisfy { $1.contains($0) }
        }
        context.fireChannelRead(data)
    }
}
