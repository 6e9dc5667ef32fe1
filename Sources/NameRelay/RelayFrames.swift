// SPDX-License-Identifier: Apache-2.0

/// What came over the socket between resolver and frontend, cut into messages.
public struct RelayFrames: Sendable {
    /// The peer sent what is no message; the connection is of no more use.
    public struct Fault: Error, Hashable, Sendable {}

    /// The longest frame without its length: a DNS message of 65,535 octets, and what is before it.
    public static let longest = 65_535 + 30

    private var octets: [UInt8] = []
    /// How many of them are taken already.
    private var taken = 0

    /// Makes an empty stream.
    public init() {}

    /// Adds what came.
    public mutating func append(_ more: some Collection<UInt8>) {
        // What is taken goes when it is most of what there is: so every octet is moved but once or twice.
        if taken > octets.count - taken {
            octets.removeFirst(taken)
            taken = 0
        }
        octets += more
    }

    /// Takes the next message; nil where it is not all there yet.
    public mutating func next() throws(Fault) -> RelayMessage? {
        guard octets.count - taken >= 4 else { return nil }
        let length = octets[taken..<taken + 4].reduce(0) { $0 << 8 | Int($1) }
        guard length <= Self.longest else { throw Fault() }
        let start = taken + 4
        guard octets.count - start >= length else { return nil }
        taken = start + length
        guard let message = RelayMessage(octets[start..<taken]) else { throw Fault() }
        return message
    }
}
