// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// What becomes of packets (RFC 4301 section 4.4.1): they go through associations, as they are, or nowhere.
public struct SecurityPolicy: Hashable, Sendable {
    /// Which packets, by where they are on their way through the host.
    public enum Direction: UInt8, Hashable, Sendable, CaseIterable {
        /// Those that are for the host itself.
        case input = 0
        /// Those that leave, its own and forwarded ones.
        case output = 1
        /// Those that are to be forwarded.
        case forward = 2
    }

    /// What becomes of the packets.
    public enum Action: Hashable, Sendable {
        /// They pass: protected as the templates say, or as they are where there are none.
        case allow
        /// They are dropped.
        case block
    }

    /// The packets.
    public var selector: TrafficSelector
    /// Their way.
    public var direction: Direction
    /// Whether it is a socket's own, as IKE daemons have for their packets; these are asked first, and no program but
    /// that can change them.
    public var isOfSocket: Bool
    /// The kernel's number for it, new each time that it is made.
    public var index: UInt32
    /// Of two that fit, the one with the lower number holds.
    public var priority: UInt32
    /// What becomes of the packets.
    public var action: Action
    /// The xfrm interface's number (XFRMA_IF_ID); 0 for packets of none.
    public var interfaceID: UInt32
    /// The packets' mark; nil for any.
    public var mark: IPsecMark?
    /// The associations that the packets must go through, one inside of the other.
    public var templates: [Template]
    /// Whether it is of the kind that goes before all others (XFRM_POLICY_TYPE_SUB), which few kernels have.
    public var isSubPolicy: Bool

    /// An association that a policy asks for.
    public struct Template: Hashable, Sendable {
        /// The outer source; nil for any.
        public var source: IPAddress?
        /// The outer destination; nil for any.
        public var destination: IPAddress?
        /// The association's number; 0 for any.
        public var spi: UInt32
        /// What has to protect the packets.
        public var proto: IPsecProtocol
        /// How they have to be wrapped.
        public var mode: IPsecMode
        /// The association's request id; 0 for any.
        public var requestID: UInt32
        /// Whether packets may do without.
        public var isOptional: Bool
    }
}
