// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NetworkTypes
import ProcessLink
import SystemIO

/// Shakes hands with TLS servers over connections that the agent opened by its paths, and asks what it is told to ask.
///
/// It is a value of the main thread; the handshakes are the HTTP thread's.
struct HandshakeCaller {
    /// Takes what a handshake came to.
    typealias Done = @Sendable (HandshakeReport) -> Void

    private let group: any EventLoopGroup
    private var parties = HandshakeParties()

    init(group: any EventLoopGroup) {
        self.group = group
    }

    /// Forgets the keys and certificates that handshakes were made with; those that are on their way keep theirs.
    mutating func forget() { parties = HandshakeParties() }

    /// Begins a handshake; `done` is called once, on the HTTP thread or at once.
    /// - Parameter connection: owned from here on.
    mutating func call(
        _ request: HandshakeRequest,
        over connection: consuming SystemIO.FileDescriptor,
        at now: Instant,
        done: @escaping Done
    ) {
        let party: HandshakeParties.Party
        do throws(HandshakeParties.Useless) {
            party = try parties.party(to: request, at: now)
        } catch {
            return done(HandshakeReport(error.outcome))
        }
        let end = HandshakeEnd(identityExpires: party.identityExpires, done)
        let patience = TimeAmount.milliseconds(Int64(min(max(request.patience, 1), 60_000)))
        ClientBootstrap(group: group.next())
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = try NIOSSLClientHandler(
                        context: party.context,
                        serverHostname: request.name.withoutRootDot
                    )
                    let watch = HandshakeWatch(
                        tls,
                        showsIdentity: request.identity != nil,
                        isAsking: request.question != nil,
                        patience: patience,
                        end
                    )
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandlers([FirstRecord(for: watch), tls, watch])
                    guard let question = request.question else { return }
                    try pipeline.addHTTPClientHandlers(leftOverBytesStrategy: .dropBytes)
                    try pipeline.addHandler(RequestExchange(question, watch))
                }
            }
            .withConnectedSocket(connection.release())
            .whenFailure { _ in end.told(.unable) }
    }
}
