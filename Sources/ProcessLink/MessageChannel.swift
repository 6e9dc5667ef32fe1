// SPDX-License-Identifier: Apache-2.0

import CLinux
import FoundationEssentials
public import SystemIO

/// One end of the private socket: JSON messages, each behind its length, with descriptors beside them.
///
/// A peer that sends what is no message, or too much, is cut off: the channel closes and says why. One that never stops
/// gets its share of the loop's turns and no more.
public final class MessageChannel<Incoming: Decodable, Outgoing: Encodable> {
    /// Why a channel is over.
    public enum Failure: Error, Hashable, CustomStringConvertible {
        case closedByPeer
        case malformed(String)
        case tooSlow
        case system(SystemError)

        /// The reason in words.
        public var description: String {
            switch self {
            case .closedByPeer: "the other side closed the connection"
            case .malformed(let what): "malformed message: \(what)"
            case .tooSlow: "the other side does not read what it is sent"
            case .system(let error): error.description
            }
        }
    }

    private let loop: EventLoop
    /// Owned; closed by ``close(why:)``.
    private let socket: Int32
    private var unread: MessageFrames
    /// Descriptors whose message is not complete yet, each with how many octets had come by then: the kernel ends a
    /// read behind the part that they came with (unix(7)), so they belong to the message with the last of the octets.
    private var unclaimed: [(position: UInt64, descriptor: Int32)] = []
    private var unsent: [(bytes: [UInt8], descriptors: [Int32])] = []
    /// How much of the first of them went already.
    private var sentOfFirst = 0
    private var unsentBytes = 0
    private var open = true
    private var isGoingOn = false

    /// Called with each message and the descriptors that came with it; the receiver closes them.
    public var onMessage: (Incoming, [Int32]) -> Void = { _, _ in }
    /// Called once when the channel is over.
    public var onClose: (Failure) -> Void = { _ in }

    /// The longest message either way, in octets.
    public static var messageLimit: Int { 8 << 20 }
    /// The most octets that are read in one turn of the loop.
    public static var octetsATurn: Int { 1 << 16 }
    /// The most messages that are taken in one turn of the loop.
    public static var messagesATurn: Int { 64 }

    /// Takes a connected socket and begins to read it.
    /// - Parameter incomingLimit: the longest message that is taken, in octets.
    public init(
        _ socket: consuming FileDescriptor,
        on loop: EventLoop,
        incomingLimit: Int = MessageChannel.messageLimit
    ) throws(SystemError) {
        self.loop = loop
        unread = MessageFrames(limit: incomingLimit)
        self.socket = socket.release()
        pn_set_nonblocking(self.socket)
        try loop.watch(self.socket) { [weak self] readiness in self?.ready(readiness) }
    }

    deinit {
        close(why: nil)
    }

    /// How many octets of messages were taken so far.
    public var octetsTaken: UInt64 { unread.delivered }

    /// Sends a message; copies of the descriptors travel with it, the caller keeps its own.
    public func send(_ message: Outgoing, with descriptors: [Int32] = []) {
        guard open else { return }
        guard let body = try? JSONEncoder().encode(message), body.count <= Self.messageLimit else {
            return close(why: .malformed("a message of ours that is longer than \(Self.messageLimit) octets"))
        }
        let frame = MessageFrames.header(of: body) + body
        let copies = descriptors.map { pn_duplicate($0) }
        unsent.append((frame, copies))
        unsentBytes += frame.count
        guard unsentBytes <= 4 * Self.messageLimit else { return close(why: .tooSlow) }
        flush()
    }

    /// Ends the channel without telling ``onClose``.
    public func close() {
        close(why: nil)
    }

    private func close(why failure: Failure?) {
        guard open else { return }
        open = false
        loop.unwatch(socket)
        shutdown(socket, Int32(SHUT_RDWR))
        for descriptor in unsent.flatMap(\.descriptors) { CLinux.close(descriptor) }
        // With the socket go the descriptors that are still in it.
        DescriptorDisposal.close(unclaimed.map(\.descriptor) + [socket])
        unclaimed = []
        unsent = []
        if let failure { onClose(failure) }
    }

    private func ready(_ readiness: EventLoop.Readiness) {
        if readiness.contains(.writable) { flush() }
        if open, !readiness.isDisjoint(with: [.readable, .hungUp]) { receive() }
    }

    private func flush() {
        do {
            var done = 0
            defer { unsent.removeFirst(done) }
            while done < unsent.count {
                let next = unsent[done]
                let rest = next.bytes.span.extracting(droppingFirst: sentOfFirst)
                // The descriptors went with the first octets.
                let descriptors = sentOfFirst == 0 ? next.descriptors : []
                let sent = try DescriptorPassing.send(rest, with: descriptors, over: socket)
                guard sent > 0 else { break }
                for descriptor in descriptors { CLinux.close(descriptor) }
                unsent[done].descriptors = []
                unsentBytes -= sent
                sentOfFirst += sent
                guard sentOfFirst == next.bytes.count else { continue }
                sentOfFirst = 0
                done += 1
            }
            try loop.update(socket, for: done == unsent.count ? .readable : [.readable, .writable])
        } catch {
            close(why: .system(error))
        }
    }

    /// Reads once and takes a few messages. For what is left in the socket the loop comes back by itself; for messages
    /// that are here already it is asked to. Nothing more is read before those are taken.
    private func receive() {
        do {
            if !unread.isReady {
                guard let (bytes, descriptors) = try DescriptorPassing.receive(upTo: Self.octetsATurn, from: socket)
                else { return }
                unread.append(bytes)
                unclaimed += descriptors.map { (unread.received, $0) }
                guard !bytes.isEmpty else { return close(why: .closedByPeer) }
                guard unclaimed.count <= DescriptorPassing.limit else {
                    return close(why: .malformed("too many descriptors"))
                }
            }
        } catch {
            return close(why: .system(error))
        }
        dispatch()
        guard open, unread.isReady, !isGoingOn else { return }
        isGoingOn = true
        loop.schedule(after: .zero) { [weak self] in
            guard let self else { return }
            isGoingOn = false
            if open { receive() }
        }
    }

    private func dispatch() {
        for _ in 0..<Self.messagesATurn where open {
            let message: Incoming
            do {
                guard let body = try unread.next() else { return }
                message = try JSONDecoder().decode(Incoming.self, from: Data(body))
            } catch let error as MessageFrames.TooLong {
                return close(why: .malformed("\(error.length) octets"))
            } catch {
                // It may quote the peer.
                return close(why: .malformed(String("\(error)".prefix(200))))
            }
            let mine = unclaimed.prefix { $0.position <= unread.delivered }
            unclaimed.removeFirst(mine.count)
            onMessage(message, mine.map(\.descriptor))
        }
    }
}
