// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes

/// A policy of ours that drops all packets of an xfrm interface for which there is no other: none may pass unprotected
/// where an IKE daemon is gone, or has not come yet.
///
/// What tells one policy from another is its selector, direction, mark and interface number, but not its priority
/// (`xfrm_policy_insert_list`). One for any address would so be the very policy that an IKE daemon makes for a tunnel
/// of all addresses: whoever comes second would replace the other's, and whoever goes first would take both away.
/// Therefore ours have a destination port, of which no bit counts: they hold for the same packets, and are different.
public struct BlockPolicy: Hashable, Sendable {
    /// Of the packets.
    public var family: AddressFamily
    /// Of the packets.
    public var direction: SecurityPolicy.Direction
    /// The xfrm interface's number, not 0.
    public var interfaceID: UInt32

    /// Makes a policy.
    public init(family: AddressFamily, direction: SecurityPolicy.Direction, interfaceID: UInt32) {
        (self.family, self.direction, self.interfaceID) = (family, direction, interfaceID)
    }

    /// All that an interface needs: both families, in every direction.
    public static func all(interfaceID: UInt32) -> Set<BlockPolicy> {
        var all: Set<BlockPolicy> = []
        for family in AddressFamily.allCases {
            for direction in SecurityPolicy.Direction.allCases {
                all.insert(BlockPolicy(family: family, direction: direction, interfaceID: interfaceID))
            }
        }
        return all
    }

    /// After all others that anyone makes; the same number as the guard routes' metric.
    static let priority = ReservedNumbers.guardMetric
    /// The port that does not count: `pn`.
    static let port = TrafficSelector.Port(number: 0x706e, mask: 0)

    /// Recognises one of ours, whatever interface it is for; nil for all others.
    public init?(_ policy: SecurityPolicy, among interfaceIDs: ClosedRange<UInt32>) {
        guard policy.action == .block, policy.priority == Self.priority, !policy.isOfSocket, !policy.isSubPolicy,
            interfaceIDs.contains(policy.interfaceID), policy.mark == nil, policy.selector.isForAll,
            policy.selector.destinationPort == Self.port
        else { return nil }
        self.init(family: policy.selector.family, direction: policy.direction, interfaceID: policy.interfaceID)
    }

    /// What has to be done so that of ours there are those that are wanted and no others.
    public struct Difference: Hashable, Sendable {
        /// Those that are not there.
        public var missing: Set<BlockPolicy>
        /// Those that are there and not wanted.
        public var surplus: Set<BlockPolicy>

        /// Whether there is nothing to do.
        public var isEmpty: Bool { missing.isEmpty && surplus.isEmpty }
    }

    /// What has to be done about policies that were read.
    ///
    /// - Parameter interfaceIDs: the numbers that are ours.
    public static func difference(
        wanted: Set<BlockPolicy>,
        from policies: some Sequence<SecurityPolicy>,
        among interfaceIDs: ClosedRange<UInt32>
    ) -> Difference {
        let present = Set(policies.compactMap { BlockPolicy($0, among: interfaceIDs) })
        return Difference(missing: wanted.subtracting(present), surplus: present.subtracting(wanted))
    }
}

extension BlockPolicy {
    /// Makes it, or puts it right where it is there with another priority or action.
    var installation: NetlinkMessage {
        var info = xfrm_userpolicy_info()
        info.sel = selector
        // XFRM_INF: a number of octets or packets that never comes.
        info.lft.soft_byte_limit = .max
        info.lft.hard_byte_limit = .max
        info.lft.soft_packet_limit = .max
        info.lft.hard_packet_limit = .max
        info.priority = Self.priority
        info.dir = direction.rawValue
        info.action = UInt8(XFRM_POLICY_BLOCK)
        let header: [168 of UInt8] = info.octets()
        var message = NetlinkMessage(type: XFRM_MSG_UPDPOLICY, flags: 0, header: header)
        message.put(XFRMA_IF_ID, number: interfaceID)
        return message
    }

    /// Takes it away.
    var removal: NetlinkMessage {
        var id = xfrm_userpolicy_id()
        id.sel = selector
        id.dir = direction.rawValue
        let header: [64 of UInt8] = id.octets()
        var message = NetlinkMessage(type: XFRM_MSG_DELPOLICY, flags: 0, header: header)
        message.put(XFRMA_IF_ID, number: interfaceID)
        return message
    }

    private var selector: xfrm_selector {
        var selector = xfrm_selector()
        selector.family = UInt16(family.kernelNumber)
        selector.dport = Self.port.number.bigEndian
        return selector
    }
}
