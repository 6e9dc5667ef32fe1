// SPDX-License-Identifier: Apache-2.0

/// The key that both ends of a BFD session have, and how they show it (RFC 5880 section 6.7.4). It never prints its
/// secret.
public struct BFDKey: Sendable {
    /// How a packet shows that its sender has the key.
    public enum Algorithm: String, Hashable, Sendable, CaseIterable {
        /// Keyed SHA1: the sequence number of the packet before may come once more.
        case keyedSHA1 = "keyed-sha1"
        /// Meticulous Keyed SHA1: each packet has a sequence number of its own.
        case meticulousKeyedSHA1 = "meticulous-keyed-sha1"
    }

    /// How packets show it.
    public let algorithm: Algorithm
    /// What tells it from other keys of the session.
    public let id: UInt8
    /// The secret, filled up with zeros to the 20 octets of a digest: for packets and for nobody else.
    public let octets: [UInt8]

    /// The longest secret in octets: that of a SHA1 digest.
    public static let sizeLimit = 20

    /// Takes a secret of 1 to 20 octets.
    public init?(_ algorithm: Algorithm, id: UInt8, secret: some Collection<UInt8>) {
        guard (1...Self.sizeLimit).contains(secret.count) else { return nil }
        self.algorithm = algorithm
        self.id = id
        octets = secret + Array(repeating: 0, count: Self.sizeLimit - secret.count)
    }
}

extension BFDKey: Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Its kind and number: `meticulous-keyed-sha1, key 1`; never the secret.
    public var description: String { "\(algorithm.rawValue), key \(id)" }
    /// Never the secret.
    public var debugDescription: String { description }
    /// Never the secret: nothing to reflect on.
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// Feeds nothing of the secret to the hasher.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(algorithm)
        hasher.combine(id)
    }

    /// Compares all octets, whatever the first ones say.
    public static func == (left: Self, right: Self) -> Bool {
        (left.algorithm, left.id) == (right.algorithm, right.id)
            && zip(left.octets, right.octets).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
