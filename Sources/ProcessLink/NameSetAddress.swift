// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// An address that the resolver is about to answer for a name in sets, as it tells the agent of it.
public struct NameSetAddress: Hashable, Sendable, Codable {
    /// The sets that the name is in.
    public var sets: [NameSetName]
    /// The address.
    public var address: IPAddress
    /// For how many seconds the firewall is to hold it.
    public var lifetime: UInt32

    /// Makes one.
    public init(sets: [NameSetName], address: IPAddress, lifetime: UInt32) {
        (self.sets, self.address, self.lifetime) = (sets, address, lifetime)
    }

    /// The most octets of a message that an address takes, for each set that it is in.
    public static var octetLimit: Int { 120 }

    /// The most addresses of one message.
    public static var limit: Int { 256 }
}
