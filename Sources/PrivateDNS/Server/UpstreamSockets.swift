// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO

/// The sockets of the attempts in flight, one each.
struct UpstreamSockets: ~Copyable {
    private final class Socket {
        let descriptor: FileDescriptor
        /// How a server is asked; nil where a host only has to take the connection.
        let transport: UpstreamTransport?
        /// What has not been sent yet, on a stream.
        var unsent: [UInt8]
        /// What came on a stream, until it is a whole message.
        var received: [UInt8] = []

        init(_ descriptor: consuming FileDescriptor, _ transport: UpstreamTransport?, unsent: [UInt8]) {
            self.descriptor = descriptor
            self.transport = transport
            self.unsent = unsent
        }
    }

    private var sockets: [AttemptID: Socket] = [:]
    private var room = [UInt8](repeating: 0, count: MessageSize.stream + 2)

    /// Opens a socket and sends the question; what fails is told to the resolution.
    mutating func ask(
        _ asking: Resolution.Asking,
        _ resolution: inout Resolution,
        poll: inout ReadinessPoll,
        now: Instant
    ) {
        do {
            try open(asking, &poll)
        } catch {
            close(asking.attempt)
            resolution.failed(asking.attempt, now: now)
        }
    }

    /// Opens a connection to a host, which is closed as soon as it stands; what becomes of it is told to the resolution.
    mutating func prove(
        _ attempt: AttemptID,
        _ host: SocketEndpoint,
        _ interface: InterfaceName?,
        _ resolution: inout Resolution,
        poll: inout ReadinessPoll,
        now: Instant
    ) {
        do {
            let descriptor = try NetworkSocket.stream(to: host, through: interface)
            try poll.add(descriptor.raw, tag: Worker.Watched.upstream.tag(attempt.rawValue), for: .writable)
            sockets[attempt] = Socket(descriptor, nil, unsent: [])
        } catch {
            resolution.failed(attempt, now: now)
        }
    }

    private mutating func open(_ asking: Resolution.Asking, _ poll: inout ReadinessPoll) throws(SystemError) {
        let tag = Worker.Watched.upstream.tag(asking.attempt.rawValue)
        switch asking.transport {
        case .datagram:
            let descriptor = try NetworkSocket.datagram(to: asking.server, through: asking.interface)
            guard try descriptor.write(asking.message.span) == asking.message.count else { return }
            try poll.add(descriptor.raw, tag: tag, for: .readable)
            sockets[asking.attempt] = Socket(descriptor, .datagram, unsent: [])
        case .stream:
            let descriptor = try NetworkSocket.stream(to: asking.server, through: asking.interface)
            try poll.add(descriptor.raw, tag: tag, for: .writable)
            var frame: [UInt8] = []
            frame.append(UInt16(asking.message.count))
            // Length and message go in one write (RFC 7766 section 8).
            sockets[asking.attempt] = Socket(descriptor, .stream, unsent: frame + asking.message)
        case .encrypted:
            // Never in the clear. Who can ask over TLS does not come here.
            throw SystemError(operation: "ask over TLS", code: EPROTONOSUPPORT)
        }
    }

    /// Ends an attempt.
    mutating func close(_ attempt: AttemptID) {
        sockets[attempt] = nil
    }

    /// Reads what came for an attempt, or writes what it still has to say.
    mutating func ready(
        _ attempt: AttemptID,
        _ readiness: EventLoop.Readiness,
        _ resolution: inout Resolution,
        poll: inout ReadinessPoll,
        now: Instant
    ) {
        guard let socket = sockets[attempt] else { return }
        do {
            if socket.transport == nil {
                // A connection that was refused says so here.
                _ = try socket.descriptor.write([UInt8]().span)
                close(attempt)
                resolution.proved(attempt, now: now)
            } else if !socket.unsent.isEmpty {
                let unsent = socket.unsent
                let sent = try socket.descriptor.write(unsent.span)
                socket.unsent.removeFirst(sent)
                guard socket.unsent.isEmpty else { return }
                try poll.update(
                    socket.descriptor.raw,
                    tag: Worker.Watched.upstream.tag(attempt.rawValue),
                    for: .readable
                )
            } else if socket.transport == .datagram {
                guard let count = try socket.descriptor.receive(into: &room) else { return }
                resolution.received(room.span.extracting(first: count), for: attempt, now: now)
            } else {
                guard let count = try socket.descriptor.receive(into: &room) else { return }
                guard count > 0 else { throw SystemError(operation: "receive", code: 0) }
                socket.received += room[..<count]
                takeFrame(socket, attempt, &resolution, now)
            }
        } catch {
            close(attempt)
            resolution.failed(attempt, now: now)
        }
    }

    private func takeFrame(_ socket: Socket, _ attempt: AttemptID, _ resolution: inout Resolution, _ now: Instant) {
        let received = socket.received
        guard received.count >= 2 else { return }
        let length = Int(received.span.uint16(at: 0))
        guard received.count >= 2 + length else { return }
        resolution.received(received.span.extracting(2..<2 + length), for: attempt, now: now)
    }
}
