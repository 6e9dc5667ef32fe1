// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// The client for whom an explanation is given: whether it may ask, and what it sees.
public struct NameAsker: Hashable, Sendable {
    /// Where it is; nil for one that may ask.
    public var address: IPAddress?
    /// The index of the interface on which it asks; 0 where that is not known.
    public var interface: UInt32
    /// The view that it sees, by name; nil for what follows from the other two.
    public var view: String?

    /// Describes a client.
    public init(address: IPAddress? = nil, interface: UInt32 = 0, view: String? = nil) {
        (self.address, self.interface, self.view) = (address, interface, view)
    }
}
