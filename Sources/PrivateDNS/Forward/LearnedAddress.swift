// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// An address that an answer leads to, and that the firewall is to hold in these sets before the answer leaves.
public struct LearnedAddress: Hashable, Sendable {
    /// At least one.
    public let sets: [NameSetName]
    /// A host's.
    public let address: IPAddress
    /// For how many seconds, within ``NetworkTypes/NameSetLifetime/bounds``.
    public let lifetime: UInt32
}
