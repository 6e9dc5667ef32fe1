// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// What happened to security associations and policies, as the kernel tells it.
public enum XFRMEvent: Hashable, Sendable {
    /// An association was made, or changed.
    case newAssociation(SecurityAssociation)
    /// An association was deleted by a program; by an end of its lifetime, see ``expired(_:isHard:)``.
    case deletedAssociation(SecurityAssociation)
    /// All associations of a protocol were deleted; of ``IPsecProtocol/any``, all.
    case flushedAssociations(IPsecProtocol)
    /// A lifetime has ended: a soft one, so that it is time for another association; or a hard one, and it is gone.
    /// Algorithms are not told.
    case expired(SecurityAssociation, isHard: Bool)
    /// A policy was made, or changed.
    case newPolicy(SecurityPolicy)
    /// A policy was deleted by a program.
    case deletedPolicy(SecurityPolicy)
    /// All policies but those of sockets were deleted.
    case flushedPolicies
    /// A policy's lifetime has ended; where it is a hard one, the policy is gone.
    case policyExpired(SecurityPolicy, isHard: Bool)
    /// There is traffic, and a policy for it, but no association.
    case acquire(Acquire)
    /// The peer's packets come from another address or port than before: a NAT in between has forgotten.
    case mapping(Mapping)
    /// Somebody decided, for the whole namespace, what becomes of packets for which there is no policy
    /// (XFRM_MSG_SETDEFAULT, Linux 5.14).
    case changedDefaults(blocked: Set<SecurityPolicy.Direction>)
    /// Events before this one were lost: all has to be read anew.
    case overrun

    /// What has no association yet.
    public struct Acquire: Hashable, Sendable {
        /// The policy that asks for one.
        public var policy: SecurityPolicy
        /// The packet that came first.
        public var traffic: TrafficSelector
        /// The outer source; nil where the policy leaves it open.
        public var source: IPAddress?
        /// The outer destination; nil where the policy leaves it open.
        public var destination: IPAddress?
        /// What is to protect the packets.
        public var proto: IPsecProtocol
    }

    /// A peer behind a NAT that has moved.
    public struct Mapping: Hashable, Sendable {
        /// The association of the packets that came.
        public var id: SecurityAssociation.ID
        /// Ties it to its policies.
        public var requestID: UInt32
        /// Where they came from before.
        public var old: SocketEndpoint
        /// Where they come from now.
        public var new: SocketEndpoint
    }
}

/// An event, and whose doing it was.
public struct XFRMNotice: Hashable, Sendable {
    /// What happened.
    public var event: XFRMEvent
    /// What the request that caused it says that its sender is: a netlink port, or a process as with strongSwan. 0 for
    /// the kernel's own doing, as the end of a lifetime, and for programs that do not say, as ip(8).
    public var port: UInt32
}
