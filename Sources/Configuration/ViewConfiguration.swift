// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// What some clients of the resolver see otherwise, as the file asks for it.
public struct ViewConfiguration: Hashable, Sendable {
    /// A zone, and the network whose decision it follows.
    public struct Zone: Hashable, Sendable {
        /// The network.
        public let network: NetworkName
        /// The zone.
        public let zone: ZoneConfiguration
    }

    /// The view's name.
    public let name: String
    /// Whose view it is, by address; nil for anybody's. Not nil where ``interfaces`` is.
    public let clients: [IPPrefix]?
    /// The interfaces on which they ask; nil for all.
    public let interfaces: [InterfaceName]?
    /// What stands in place of the zones of the same name, and beside the others.
    public let zones: [Zone]
    /// Whether the upstreams are asked for what no zone holds.
    public let hasUpstreams: Bool
}
