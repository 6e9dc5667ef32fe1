// SPDX-License-Identifier: Apache-2.0

import CLinux
import FoundationEssentials
import Logging
import NetworkTypes
import ProcessLink
import SystemIO
import Testing

@testable import pnetd

/// Whoever closes a socket last waits for what is in it, as long as SO_LINGER says: the sender must not say it.
@Suite(.serialized)
struct LingeringDescriptorTests {
    /// A connection that nobody reads, full of octets, that is to linger for three seconds.
    private final class Full {
        let listener: FileDescriptor
        let socket: Int32

        init() throws {
            let any = try #require(SocketEndpoint("127.0.0.1", defaultPort: 0))
            listener = try NetworkSocket.listener(on: any, isStream: true)
            let endpoint = try #require(NetworkSocket.boundEndpoint(of: listener.raw))
            socket = try NetworkSocket.stream(to: endpoint, through: nil).release()
            let octets = [UInt8](repeating: 0, count: 1 << 16)
            while unsafe send(socket, octets, octets.count, Int32(MSG_DONTWAIT)) > 0 {}
            var linger = CLinux.linger(l_onoff: 1, l_linger: 3)
            let size = socklen_t(MemoryLayout<CLinux.linger>.size)
            try #require(unsafe setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, size) == 0)
        }
    }

    private func longestTurn(_ messages: [MessageToAgent]) throws -> Duration {
        let folder = "/tmp/pnetd-linger-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try Files.makeDirectory(folder)
        let loop = try EventLoop()
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let sockets = try PrivateSockets(in: folder, on: loop, log: log, isSupervised: false)
        let stranger = try UnixSocket.connect(path: "\(folder)/\(LinkRole.resolver.socketName)")
        let full = try Full()
        for (index, message) in messages.enumerated() {
            let body = Array(try JSONEncoder().encode(message))
            let frame = MessageFrames.header(of: body) + body
            let isLast = index == messages.count - 1
            _ = try DescriptorPassing.send(frame.span, with: isLast ? [full.socket] : [], over: stranger.raw)
        }
        close(full.socket)
        var longest = Duration.zero
        let end = loop.now + .seconds(1)
        while loop.now < end {
            let start = loop.now
            try loop.turn(waiting: .milliseconds(5))
            longest = max(longest, loop.now - start)
        }
        withExtendedLifetime(sockets) {}
        for role in LinkRole.allCases { try Files.remove("\(folder)/\(role.socketName)") }
        unsafe rmdir(folder)
        return longest
    }

    @Test func oneBesideAMessageHoldsNobodyUp() throws {
        #expect(try longestTurn([.hello(holding: []), .metrics([])]) < .milliseconds(500))
    }

    @Test func oneBesideAHelloHoldsNobodyUp() throws {
        #expect(try longestTurn([.hello(holding: [])]) < .milliseconds(500))
    }
}
