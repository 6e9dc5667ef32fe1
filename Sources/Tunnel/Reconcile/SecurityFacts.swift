// SPDX-License-Identifier: Apache-2.0

/// What the kernel has for one xfrm interface, whoever gave it (RFC 4301 section 4.4).
public struct SecurityFacts: Hashable, Sendable {
    /// The associations of packets that come in, those that are being negotiated left out.
    public var inbound: [SecurityAssociation] = []
    /// The associations of packets that go out.
    public var outbound: [SecurityAssociation] = []
    /// The directions for which there is a policy that lets packets through.
    public var directions: Set<SecurityPolicy.Direction> = []

    /// The associations of both ways.
    public var associations: [SecurityAssociation] { inbound + outbound }

    /// Whether packets are protected both ways.
    public var isComplete: Bool {
        !inbound.isEmpty && !outbound.isEmpty && directions.isSuperset(of: [.input, .output])
    }
}
