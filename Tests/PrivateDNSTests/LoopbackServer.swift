// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO
import Testing

@testable import PrivateDNS

/// A pool with UDP and TCP on one port.
final class LoopbackServer {
    let pool: WorkerPool
    let endpoint: SocketEndpoint
    private var serial: UInt64 = 0
    private var policy: Policy?

    /// - Parameter backlog: octets that the kernel is to keep of what waits for the first worker; nil for its own choice.
    init(
        workers: Int = 1,
        address: String = "127.0.0.1",
        clock: any TimeSource = SystemClock(),
        backlog: Int32? = nil
    ) throws {
        pool = try WorkerPool(cacheBudget: 1 << 20, clock: clock)
        let any = SocketEndpoint(address: try #require(IPAddress(address)), port: 0)
        // A TCP port is chosen rather than a UDP one: those of connections that just ended are many.
        let stream = try NetworkSocket.listener(on: any, isStream: true)
        let bound = try #require(NetworkSocket.boundEndpoint(of: stream.raw))
        let first = try NetworkSocket.listener(on: bound, isStream: false)
        if var backlog {
            let size = socklen_t(MemoryLayout<Int32>.size)
            try #require(unsafe setsockopt(first.raw, SOL_SOCKET, SO_RCVBUF, &backlog, size) == 0)
        }
        var listeners = [
            WorkerPool.Listener(worker: 0, descriptor: first.raw, isStream: false),
            WorkerPool.Listener(worker: 0, descriptor: stream.raw, isStream: true),
        ]
        var more: [Int32] = []
        for worker in 1..<max(workers, 1) {
            for isStream in [false, true] {
                more.append(try NetworkSocket.listener(on: bound, isStream: isStream).release())
                listeners.append(.init(worker: worker, descriptor: more.last ?? -1, isStream: isStream))
            }
        }
        try pool.serve(listeners)
        for descriptor in more { close(descriptor) }
        endpoint = SocketEndpoint(address: try #require(IPAddress("127.0.0.1")), port: bound.port)
    }

    deinit { pool.stop() }

    func adopt(
        _ zones: [Policy.Zone],
        views: [Policy.View] = [],
        upstreams: [Upstream] = [],
        clientLimits: ClientLimits = .standard
    ) throws {
        serial += 1
        let next = Policy(
            serial: serial,
            allow: [try #require(IPPrefix("127.0.0.0/8"))],
            whenBlocked: .servfail,
            clientLimits: clientLimits,
            upstreams: upstreams,
            zones: zones,
            views: views,
            after: policy
        )
        policy = next
        pool.adopt(next)
        for _ in 0..<500 where pool.policyInForce != serial { usleep(10_000) }
        try #require(pool.policyInForce == serial)
    }

    func ask(_ query: [UInt8]) throws -> [UInt8]? {
        let socket = try NetworkSocket.datagram(to: endpoint, through: nil)
        _ = try socket.write(query.span)
        return try Self.wait(socket)
    }

    /// What comes next; nil where nothing does, empty at the end of a stream.
    static func wait(_ socket: borrowing FileDescriptor, milliseconds: Int32 = 4000) throws -> [UInt8]? {
        var poller = pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&poller, 1, milliseconds) == 1 else { return nil }
        return try socket.read(upTo: 65535)
    }

    /// Plays a server: answers the question that waits on a socket with one address.
    static func answer(_ cloud: borrowing FileDescriptor, _ address: [UInt8]) throws {
        var poller = pollfd(fd: cloud.raw, events: Int16(POLLIN), revents: 0)
        try #require(unsafe poll(&poller, 1, 4000) == 1)
        var inbox = DatagramInbox(capacity: 1, datagramSize: 2048)
        try #require(try inbox.receive(from: cloud.raw) == 1)
        let question = [UInt8](inbox.octets(of: 0))
        let name = DomainName(wire: WireName.lowered(question.span, at: 12))?.withoutRootDot ?? ""
        let reply = MessageText.answer(to: question, answers: [MessageText.record(name, .a, ttl: 300, address)])
        var outbox = DatagramOutbox(capacity: 1, datagramSize: 1232)
        var room = outbox.nextRoom()
        room.copy(reply.span, at: 0)
        outbox.commit(reply.count, to: inbox.peer(of: 0))
        #expect(outbox.send(to: cloud.raw) == 0)
    }
}
