// SPDX-License-Identifier: Apache-2.0

import NIOPosix
import NetworkTypes
import ProcessLink
import Synchronization
import SystemIO
import Testing

@testable import pnetd_frontend

/// A handshake as the agent asks for one, and what it came to.
enum HandshakeCall {
    private final class Ends: Sendable {
        let all = Mutex<[HandshakeReport]>([])
    }

    static func make(
        on loop: SystemIO.EventLoop,
        to endpoint: SocketEndpoint,
        as name: String = "hub.example.net",
        trusting roots: String?,
        showing identity: ClientIdentity? = nil,
        asking question: HandshakeRequest.Question? = nil,
        patience: Int = 5_000
    ) throws -> HandshakeReport {
        let connection = try LoopbackSocket.connect(to: endpoint)
        let request = HandshakeRequest(
            request: 1,
            name: try #require(DomainName(name)),
            roots: roots,
            identity: identity,
            question: question,
            patience: patience
        )
        let ends = Ends()
        var caller = HandshakeCaller(group: MultiThreadedEventLoopGroup.singleton)
        caller.call(request, over: connection, at: loop.now) { report in ends.all.withLock { $0.append(report) } }
        try loop.turnUntil("the handshake ends") { ends.all.withLock { !$0.isEmpty } }
        // Hanging up is no second end.
        try loop.turn(waiting: .milliseconds(50))
        let all = ends.all.withLock { $0 }
        #expect(all.count == 1)
        return all[0]
    }
}
