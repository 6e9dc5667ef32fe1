// SPDX-License-Identifier: Apache-2.0

import CLinux
import NameRelay
import NetworkTypes
import SystemIO

/// A worker's socket to the frontend, which speaks TLS for it: to servers, and with clients.
///
/// Where there is no frontend, what was to be asked by it has failed at once: another server is asked, and nobody in the
/// clear who is to be asked over TLS.
struct FrontendLink: ~Copyable {
    /// How long a client may be silent (RFC 7766 section 6.2.3); the frontend sees to it.
    static let idleTime = Duration.seconds(30)
    /// What a frontend that does not read may leave here.
    private static let unsentLimit = 1 << 20

    private var socket: SharedDescriptor?
    /// Which socket it is: what belongs to an earlier one finds nothing.
    private var serial: UInt64 = 0
    private var frames = RelayFrames()
    private var unsent: [UInt8] = []
    private var isBlocked = false
    private var asked: Set<AttemptID> = []
    private var input = [UInt8](repeating: 0, count: 64 << 10)
    private var room = [UInt8](repeating: 0, count: MessageSize.stream)

    private var tag: UInt64 { Worker.Watched.frontend.tag(serial) }

    /// Goes on by another socket.
    mutating func attach(
        _ next: SharedDescriptor,
        _ resolution: inout Resolution,
        poll: inout ReadinessPoll,
        now: Instant
    ) {
        let stranded = letGo(&poll)
        // A descriptor that cannot be polled is no socket: it is as if there were no frontend.
        if (try? poll.add(next.raw, tag: tag, for: .readable)) != nil { socket = next }
        for attempt in stranded { resolution.failed(attempt, now: now) }
    }

    /// - Returns: what was asked, and gets no answer any more.
    private mutating func letGo(_ poll: inout ReadinessPoll) -> [AttemptID] {
        if let socket {
            poll.remove(socket.raw)
            // The pool has a copy: the frontend is to know that nobody reads it.
            shutdown(socket.raw, Int32(SHUT_RDWR))
        }
        socket = nil
        serial += 1
        frames = RelayFrames()
        unsent = []
        isBlocked = false
        defer { asked = [] }
        return asked.sorted { $0.rawValue < $1.rawValue }
    }

    /// Has the frontend ask a server.
    mutating func ask(
        _ asking: Resolution.Asking,
        _ encryption: Upstream.Encryption,
        _ resolution: inout Resolution,
        poll: inout ReadinessPoll,
        now: Instant
    ) {
        guard socket != nil, unsent.count < Self.unsentLimit else { return resolution.failed(asking.attempt, now: now) }
        asked.insert(asking.attempt)
        let upstream = Upstream(asking.server, encryption)
        send(.ask(asking.attempt.rawValue, of: upstream, message: asking.message), &resolution, &poll, now)
    }

    /// Ends an attempt; an answer that still comes finds nothing.
    mutating func close(_ attempt: AttemptID) {
        asked.remove(attempt)
    }

    /// Gives the frontend the answer for a client of its own, if it is still the one that passed the question on.
    mutating func reply(
        _ message: [UInt8],
        to number: UInt64,
        of serial: UInt64,
        _ resolution: inout Resolution,
        poll: inout ReadinessPoll,
        now: Instant
    ) {
        guard serial == self.serial else { return }
        send(.reply(number, message: message), &resolution, &poll, now)
    }

    /// Reads what the frontend says, or goes on with what it could not be told at once.
    mutating func ready(
        _ value: UInt64,
        _ readiness: EventLoop.Readiness,
        _ resolution: inout Resolution,
        poll: inout ReadinessPoll,
        now: Instant
    ) {
        guard value == serial, let socket else { return }
        do {
            if readiness.contains(.writable) { try flush(&poll) }
            guard !readiness.isDisjoint(with: [.readable, .hungUp]),
                let count = try socket.descriptor.receive(into: &input)
            else { return }
            guard count > 0 else { throw SystemError(operation: "receive", code: 0) }
            frames.append(input[..<count])
            // What is done for one message may end the connection that the next came by.
            while value == serial, let message = try frames.next() { take(message, &resolution, &poll, now) }
        } catch {
            end(&resolution, &poll, now)
        }
    }

    private mutating func take(
        _ message: RelayMessage,
        _ resolution: inout Resolution,
        _ poll: inout ReadinessPoll,
        _ now: Instant
    ) {
        switch message {
        case .answered(let number, let octets):
            guard asked.contains(AttemptID(rawValue: number)) else { return }
            resolution.received(octets.span, for: AttemptID(rawValue: number), now: now)
        case .failed(let number):
            guard asked.remove(AttemptID(rawValue: number)) != nil else { return }
            resolution.failed(AttemptID(rawValue: number), now: now)
        case .query(let number, let client, let interface, let octets):
            var span = room.mutableSpan
            let verdict = resolution.query(
                octets.span,
                from: client,
                on: interface,
                by: .relay,
                now: now,
                into: &span
            )
            switch verdict {
            case .answer(let count):
                send(.reply(number, message: Array(room[..<count])), &resolution, &poll, now)
            case .drop:
                send(.reply(number, message: []), &resolution, &poll, now)
            case .later(let scan):
                let client = Client.relayed(query: number, link: serial, address: client, interface: interface)
                resolution.pursue(octets.span, scan, from: client, now: now)
            }
        case .ask, .reply:
            end(&resolution, &poll, now)
        }
    }

    private mutating func send(
        _ message: RelayMessage,
        _ resolution: inout Resolution,
        _ poll: inout ReadinessPoll,
        _ now: Instant
    ) {
        // An answer for a frontend that reads nothing is lost, as is its client.
        guard unsent.count < Self.unsentLimit + RelayFrames.longest else { return }
        unsent += message.frame
        do {
            try flush(&poll)
        } catch {
            end(&resolution, &poll, now)
        }
    }

    private mutating func flush(_ poll: inout ReadinessPoll) throws(SystemError) {
        guard let socket else { return }
        if !unsent.isEmpty { unsent.removeFirst(try socket.descriptor.write(unsent.span)) }
        guard unsent.isEmpty == isBlocked else { return }
        isBlocked = !unsent.isEmpty
        try poll.update(socket.raw, tag: tag, for: isBlocked ? [.readable, .writable] : .readable)
    }

    private mutating func end(_ resolution: inout Resolution, _ poll: inout ReadinessPoll, _ now: Instant) {
        for attempt in letGo(&poll) { resolution.failed(attempt, now: now) }
    }
}
