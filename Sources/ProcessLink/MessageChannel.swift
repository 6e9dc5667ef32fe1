// SPDX-License-Identifier: Apache-2.0

import CLinux
import FoundationEssentials
public import SystemIO

/// One end of the private socket: JSON messages, each behind its length, with descriptors beside them.
///
/// A peer that sends what is no message, or too much, is cut off: the channel closes and says why.
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
    private let socket: FileDescriptor
    private let incomingLimit: Int
    private var unread: [UInt8] = []
    private var unclaimed: [Int32] = []
    private var unsent: [(bytes: [UInt8], descriptors: [Int32])] = []
    private var unsentBytes = 0
    private var open = true

    /// Called with each message and the descriptors that came with it; the receiver closes them.
    public var onMessage: (Incoming, [Int32]) -> Void = { _, _ in }
    /// Called once when the channel is over.
    public var onClose: (Failure) -> Void = { _ in }

    /// The longest message either way, in octets.
    public static var messageLimit: Int { 8 << 20 }

    /// Takes a connected socket and begins to read it.
    /// - Parameter incomingLimit: the longest message that is taken, in octets.
    public init(
        _ socket: consuming FileDescriptor,
        on loop: EventLoop,
        incomingLimit: Int = MessageChannel.messageLimit
    ) throws(SystemError) {
        self.loop = loop
        self.incomingLimit = incomingLimit
        let raw = socket.raw
        self.socket = socket
        pn_set_nonblocking(raw)
        try loop.watch(raw) { [weak self] readiness in self?.ready(readiness) }
    }

    deinit {
        close(why: nil)
    }

    /// The process at the other end.
    public var peer: PeerCredentials? { try? PeerCredentials(of: socket.raw) }

    /// Sends a message; copies of the descriptors travel with it, the caller keeps its own.
    public func send(_ message: Outgoing, with descriptors: [Int32] = []) {
        guard open else { return }
        guard let body = try? JSONEncoder().encode(message), body.count <= Self.messageLimit else {
            return close(why: .malformed("a message of ours that is longer than \(Self.messageLimit) octets"))
        }
        let length = UInt32(body.count)
        let frame = (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) } + body
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
        loop.unwatch(socket.raw)
        shutdown(socket.raw, Int32(SHUT_RDWR))
        for descriptor in unclaimed + unsent.flatMap(\.descriptors) { CLinux.close(descriptor) }
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
            while let next = unsent.first {
                let sent = try DescriptorPassing.send(next.bytes.span, with: next.descriptors, over: socket.raw)
                guard sent > 0 else { break }
                for descriptor in next.descriptors { CLinux.close(descriptor) }
                unsentBytes -= sent
                if sent == next.bytes.count {
                    unsent.removeFirst()
                } else {
                    unsent[0] = (Array(next.bytes[sent...]), [])
                }
            }
            try loop.update(socket.raw, for: unsent.isEmpty ? .readable : [.readable, .writable])
        } catch {
            close(why: .system(error))
        }
    }

    private func receive() {
        do {
            while open, let (bytes, descriptors) = try DescriptorPassing.receive(upTo: 1 << 16, from: socket.raw) {
                unclaimed += descriptors
                guard !bytes.isEmpty else { return close(why: .closedByPeer) }
                guard unclaimed.count <= DescriptorPassing.limit else {
                    return close(why: .malformed("too many descriptors"))
                }
                unread += bytes
                dispatch()
            }
        } catch {
            close(why: .system(error))
        }
    }

    private func dispatch() {
        var start = 0
        while open, unread.count - start >= 4 {
            let length = unread[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
            guard length <= incomingLimit else { return close(why: .malformed("\(length) octets")) }
            guard unread.count - start - 4 >= length else { break }
            let body = Data(unread[start + 4..<start + 4 + length])
            start += 4 + length
            let message: Incoming
            do {
                message = try JSONDecoder().decode(Incoming.self, from: body)
            } catch {
                return close(why: .malformed("\(error)"))
            }
            let descriptors = unclaimed
            unclaimed = []
            onMessage(message, descriptors)
        }
        if open { unread.removeFirst(start) }
    }
}
