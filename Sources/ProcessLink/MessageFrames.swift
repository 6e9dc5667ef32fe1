// SPDX-License-Identifier: Apache-2.0
// The private socket's octets without the socket: what a peer sends, cut into messages. It is here by itself so that
// it can be fuzzed.

/// A stream of octets as messages, each behind its length: 32 bits, the highest octet first.
public struct MessageFrames: Sendable {
    /// A length that no message may have.
    public struct TooLong: Error, Hashable, Sendable {
        /// The length in octets, as the peer said it.
        public let length: Int
    }

    private let limit: Int
    private var octets: [UInt8] = []
    /// How many of them are taken already.
    private var taken = 0

    /// Makes an empty stream whose messages have at most `limit` octets.
    public init(limit: Int) {
        self.limit = limit
    }

    /// How many octets came since the beginning.
    public private(set) var received: UInt64 = 0

    /// How many of them went with the messages that were taken.
    public var delivered: UInt64 { received - UInt64(count) }

    private var count: Int { octets.count - taken }

    /// Adds what came.
    public mutating func append(_ more: [UInt8]) {
        // What is taken goes when it is most of what there is: so every octet is moved but once or twice.
        if taken > count {
            octets.removeFirst(taken)
            taken = 0
        }
        octets += more
        received += UInt64(more.count)
    }

    /// Takes the next message, without its length; nil where it is not all there yet.
    public mutating func next() throws(TooLong) -> ArraySlice<UInt8>? {
        guard let length = try nextLength, count - 4 >= length else { return nil }
        let start = taken + 4
        let message = octets[start..<start + length]
        taken = start + length
        // The memory goes with the message: one that was long may have held a secret.
        if count == 0 {
            octets = []
            taken = 0
        }
        return message
    }

    /// Whether ``next()`` has something to say at once: a message, or that there is none.
    public var isReady: Bool {
        do {
            guard let length = try nextLength else { return false }
            return count - 4 >= length
        } catch {
            return true
        }
    }

    private var nextLength: Int? {
        get throws(TooLong) {
            guard count >= 4 else { return nil }
            let length = octets[taken..<taken + 4].reduce(0) { $0 << 8 | Int($1) }
            guard length <= limit else { throw TooLong(length: length) }
            return length
        }
    }

    /// The four octets that go before a message.
    public static func header(of message: some Collection<UInt8>) -> [UInt8] {
        let length = UInt32(message.count)
        return (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) }
    }
}
