// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// An address that an answer leads to, and that the firewall is to hold in these sets before the answer leaves.
public struct LearnedAddress: Hashable, Sendable {
    /// At least one.
    public let sets: [NameSetName]
    /// A host's.
    public let address: IPAddress
    /// For how many seconds; see ``longestLifetime``.
    public let lifetime: UInt32

    /// Twice the longest TTL that answers leave with.
    public static let longestLifetime: UInt32 = 2 * longestTTL
    /// What is told is told for at least so long, in seconds.
    public static let shortestLifetime: UInt32 = 120
    /// In seconds; clients that keep an answer for longer do so in vain.
    static let longestTTL: UInt32 = 86_400
}
