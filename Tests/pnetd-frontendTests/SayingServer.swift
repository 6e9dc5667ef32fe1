// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import NIOSSL
import NetworkTypes
import Synchronization

/// A TLS server that says a thing to whoever asks it something, or hangs up.
final class SayingServer: Sendable {
    let endpoint: SocketEndpoint
    private let channel: any Channel
    private let notes = Notes()

    /// - Parameter answer: nil: it hangs up; empty: it keeps quiet.
    init(_ identity: ClientIdentity, saying answer: String?) throws {
        let configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(identity.certificates.utf8)).map {
                .certificate($0)
            },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: identity.privateKey.bytes, format: .pem))
        )
        let context = try NIOSSLContext(configuration: configuration)
        channel = try ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { [notes] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        NIOSSLServerHandler(context: context), Speaker(answer, notes),
                    ])
                }
            }
            .bind(host: "127.0.0.1", port: 0).wait()
        let port = UInt16(channel.localAddress?.port ?? 0)
        endpoint = SocketEndpoint(address: .v4(IPv4Address(bits: 0x7F00_0001)), port: port)
    }

    /// What it was asked.
    var question: String { notes.text.withLock { $0 } }

    deinit { channel.close(promise: nil) }
}

private final class Notes: Sendable {
    let text = Mutex("")
}

private final class Speaker: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let answer: String?
    private let notes: Notes

    init(_ answer: String?, _ notes: Notes) {
        self.answer = answer
        self.notes = notes
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = String(buffer: unwrapInboundIn(data))
        let isFirst = notes.text.withLock { text in
            defer { text += part }
            return text.isEmpty
        }
        guard isFirst else { return }
        guard let answer else { return context.close(promise: nil) }
        guard !answer.isEmpty else { return }
        context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(string: answer)), promise: nil)
    }
}
