// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOSSL
import NIOTLS
import ProcessLink
import SystemIO

/// Waits for a handshake to end, or for what is said behind it, says how it did, and hangs up.
///
/// With TLS 1.3 the handshake is over for us before the server has looked at our certificate, or missed it (RFC 8446
/// section 2): a refusal comes a round trip later. So the server has served when it has said something more, as most do
/// with a ticket for the next session (section 4.6.1), or has kept quiet for twice as long as the handshake took:
///
///     ClientHello ------>                    \
///                 <------ ServerHello, ...   / the handshake, as long as a round trip
///     Certificate, Finished ------>          \
///                 <------ ticket, or alert   / as long again, and then the same time over
final class HandshakeWatch: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private enum Stage {
        case shakingHands
        /// Behind the handshake; whether anything has come since.
        case listening(hasHeard: Bool)
    }

    /// How long a server may think that it takes to say no.
    private static let shortestQuiet = TimeAmount.milliseconds(500)
    /// So long before the limit a quiet server has served all the same.
    private static let limitMargin = TimeAmount.milliseconds(50)
    /// The longest head of an answer, in octets.
    private static let longestHead = 16 << 10

    private let tls: NIOSSLClientHandler
    private let showsIdentity: Bool
    private let isAsking: Bool
    private let patience: TimeAmount
    private let end: HandshakeEnd
    private let begin = NIODeadline.now()
    private var stage = Stage.shakingHands
    private var limit: Scheduled<Void>?
    private var quiet: Scheduled<Void>?
    private var octets = 0
    /// Whether what came back first begins like a record of TLS; nil where nothing came.
    fileprivate var beganAsTLS: Bool?

    /// - Parameters:
    ///   - showsIdentity: whether the server is shown a certificate if it wants one.
    ///   - isAsking: whether a request follows, and ``answered(_:context:)`` tells the end.
    init(
        _ tls: NIOSSLClientHandler,
        showsIdentity: Bool,
        isAsking: Bool,
        patience: TimeAmount,
        _ end: HandshakeEnd
    ) {
        self.tls = tls
        self.showsIdentity = showsIdentity
        self.isAsking = isAsking
        self.patience = patience
        self.end = end
    }

    func handlerAdded(context: ChannelHandlerContext) {
        limit = schedule(in: patience, context) { watch in
            guard case .listening = watch.stage else { return .silent }
            // Whoever was shown no certificate has nothing to refuse but that, and most have nothing to refuse at all.
            return watch.isAsking || watch.showsIdentity ? .unanswered : .served
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted? = event as? TLSUserEvent else { return }
        stage = .listening(hasHeard: false)
        context.fireUserInboundEventTriggered(event)
        guard !isAsking else { return }
        guard tls.tlsVersion == .tlsv13 else { return over(.served, context) }
        let time = NIODeadline.now() - begin
        // On a way so long that twice that is not left, the time until just before the limit has to do.
        let left = patience - time - Self.limitMargin
        quiet = schedule(in: min(max(time * 2, Self.shortestQuiet), max(left, .zero)), context) { _ in .served }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        octets += unwrapInboundIn(data).readableBytes
        guard octets <= Self.longestHead else { return over(.notHTTP, context) }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        if case .listening(hasHeard: true) = stage, !isAsking { over(.served, context) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        over(outcome(of: error), context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        over(hangingUp, context)
        context.fireChannelInactive()
    }

    /// Takes what came of the request.
    func answered(_ outcome: HandshakeOutcome, status: Int? = nil, context: ChannelHandlerContext) {
        over(outcome, status: status, context)
    }

    /// Takes note that something came, be it only of TLS's own.
    fileprivate func heard() {
        if case .listening = stage { stage = .listening(hasHeard: true) }
    }

    private var hangingUp: HandshakeOutcome {
        if case .shakingHands = stage { .hungUp } else { .cutOff }
    }

    private func schedule(
        in time: TimeAmount,
        _ context: ChannelHandlerContext,
        _ outcome: @escaping (HandshakeWatch) -> HandshakeOutcome
    ) -> Scheduled<Void> {
        let bound = NIOLoopBound((self, context, outcome), eventLoop: context.eventLoop)
        return context.eventLoop.scheduleTask(in: time) {
            let (watch, context, outcome) = bound.value
            watch.over(outcome(watch), context)
        }
    }

    private func over(_ outcome: HandshakeOutcome, status: Int? = nil, _ context: ChannelHandlerContext) {
        limit?.cancel()
        quiet?.cancel()
        end.told(outcome, expires: tls.peerCertificate.map { Int64($0.notValidAfter) }, status: status)
        context.close(promise: nil)
    }

    private func outcome(of error: any Error) -> HandshakeOutcome {
        if error is NIOSSLExtraError { return .wrongName }
        guard beganAsTLS ?? true else { return .notTLS }
        // BoringSSL tells its reasons as text only, and of a certificate that none is good enough.
        let text = "\(error)"
        if case .listening = stage { return text.contains("_ALERT_") ? refusal(text) : .cutOff }
        guard case .handshakeFailed(let reason)? = error as? NIOSSLError, beganAsTLS != nil else { return .hungUp }
        if text.contains("CERTIFICATE_VERIFY_FAILED") { return Self.verdict(on: tls.peerCertificate) }
        return reason == .sslError([.eofDuringHandshake]) ? .hungUp : refusal(text)
    }

    /// Whether an alert (RFC 8446 section 6.2) is about our certificate.
    private func refusal(_ text: String) -> HandshakeOutcome {
        if text.contains("_ALERT_CERTIFICATE_REQUIRED") { return .certificateWanted }
        let isAboutCertificate = [
            "BAD_CERTIFICATE", "UNSUPPORTED_CERTIFICATE", "CERTIFICATE_REVOKED", "CERTIFICATE_EXPIRED",
            "CERTIFICATE_UNKNOWN", "UNKNOWN_CA", "ACCESS_DENIED",
        ].contains { text.contains("_ALERT_\($0)") }
        return showsIdentity && isAboutCertificate ? .certificateDeclined : .declined
    }

    /// What a certificate may be refused for, the plainest first.
    static func verdict(on certificate: NIOSSLCertificate?) -> HandshakeOutcome {
        guard let certificate else { return .untrusted }
        let now = Int64(SystemClock().wallNanoseconds / 1_000_000_000)
        if Int64(certificate.notValidAfter) < now { return .expired }
        return Int64(certificate.notValidBefore) > now ? .notYetValid : .untrusted
    }
}

/// Looks at the octets that come back, of which TLS itself keeps no memory.
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
        watch.heard()
        context.fireChannelRead(data)
    }
}
