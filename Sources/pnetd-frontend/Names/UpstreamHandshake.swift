// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOSSL
import NIOTLS
import ProcessLink
import SystemIO

/// Watches the handshake with a server that is to be asked, and says why there is none.
final class UpstreamHandshake: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private static let patience = TimeAmount.seconds(3)

    private let tls: NIOSSLClientHandler
    private let upstream: EncryptedUpstream
    private var deadline: Scheduled<Void>?
    private var isOver = false

    init(_ tls: NIOSSLClientHandler, _ upstream: EncryptedUpstream) {
        self.tls = tls
        self.upstream = upstream
    }

    func channelActive(context: ChannelHandlerContext) {
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: Self.patience) { [self] in
            failed(.silent, context)
        }
        context.fireChannelActive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let negotiated)? = event as? TLSUserEvent, !isOver {
            isOver = true
            deadline?.cancel()
            upstream.established(context.channel, protocol: negotiated)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard isOver else { return failed(reason(error), context) }
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !isOver { failed(.declined, context) }
        context.fireChannelInactive()
    }

    private func failed(_ reason: UpstreamFailure, _ context: ChannelHandlerContext) {
        guard !isOver else { return }
        isOver = true
        deadline?.cancel()
        upstream.failed(reason)
        context.close(promise: nil)
    }

    private func reason(_ error: any Error) -> UpstreamFailure {
        if error is NIOSSLExtraError { return .wrongName }
        // BoringSSL tells its reasons as text only, and of a certificate that none is good enough.
        let text = "\(error)"
        if text.contains("CERTIFICATE_VERIFY_FAILED") {
            switch HandshakeWatch.verdict(on: tls.peerCertificate) {
            case .expired: return .expired
            case .notYetValid: return .notYetValid
            default: return .untrusted
            }
        }
        let isOther = text.contains("WRONG_VERSION_NUMBER") || text.contains("NO_APPLICATION_PROTOCOL")
        return isOther ? .wrongProtocol : .declined
    }
}
