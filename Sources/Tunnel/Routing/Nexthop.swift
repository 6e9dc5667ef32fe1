// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes

/// A nexthop object (linux/nexthop.h): a device, or a group of them.
public struct Nexthop: Hashable, Sendable {
    /// What it leads to.
    public enum Destination: Hashable, Sendable {
        /// Out of an interface: into a tunnel, or to a router on it.
        case device(link: Int32, gateway: IPAddress?)
        /// To the nexthops with these ids, equally.
        case group([UInt32])
        /// To nexthops by their weights, flow by flow: a resilient group, since Linux 5.13. The flows of a nexthop that goes
        /// are divided among the others, which keep theirs; one that comes gets only what was silent for a while.
        case shares([Share])

        /// The nexthops of a group, each once; none for a device.
        var members: [UInt32] {
            switch self {
            case .device: []
            case .group(let members): members
            case .shares(let shares): shares.map(\.id)
            }
        }

        /// The group without one of its nexthops.
        func without(_ id: UInt32) -> Self {
            switch self {
            case .device: self
            case .group(let members): .group(members.filter { $0 != id })
            case .shares(let shares): .shares(shares.filter { $0.id != id })
            }
        }
    }

    /// A nexthop of a group.
    public struct Share: Hashable, Sendable {
        /// Its id.
        public var id: UInt32
        /// 1 to 255.
        public var weight: Int
    }

    /// Its number, from the reserved range.
    public var id: UInt32
    /// The family of the routes that use it; the two never share one. Groups have none of their own in the kernel.
    public var family: AddressFamily
    /// What it leads to.
    public var destination: Destination
}

enum NexthopMessages {
    static func dump() -> NetlinkMessage {
        NetlinkMessage(type: RTM_GETNEXTHOP, flags: 0, header: nhmsg())
    }

    /// Reads a nexthop. The kernel forgets a group's family; the reserved numbering knows it.
    static func parse(_ reply: NetlinkReply, _ reserved: ReservedNumbers) -> Nexthop? {
        guard let header = reply.header(nhmsg.self),
            header.nh_protocol == reserved.routeProtocol
        else { return nil }
        let attributes = reply.attributes(after: nhmsg.self)
        guard let id = attributes.number(NHA_ID, as: UInt32.self) else { return nil }
        if let group = attributes[NHA_GROUP] {
            let shares = stride(from: 0, to: group.count - 7, by: MemoryLayout<nexthop_grp>.size).map {
                let member = group.dropFirst($0)
                return Nexthop.Share(id: UInt32(hostOrder: member), weight: Int(member[member.startIndex + 4]) + 1)
            }
            let isResilient = attributes.number(NHA_GROUP_TYPE, as: UInt16.self) == UInt16(NEXTHOP_GRP_TYPE_RES)
            let destination: Nexthop.Destination = isResilient ? .shares(shares) : .group(shares.map(\.id))
            return Nexthop(id: id, family: reserved.family(ofNexthop: id), destination: destination)
        }
        guard let family = AddressFamily(kernelNumber: header.nh_family),
            let link = attributes.number(NHA_OIF, as: Int32.self)
        else { return nil }
        let destination = Nexthop.Destination.device(link: link, gateway: attributes.address(NHA_GATEWAY))
        return Nexthop(id: id, family: family, destination: destination)
    }

    /// The id of a nexthop that somebody else has made among our reserved ones.
    static func foreign(_ reply: NetlinkReply, _ reserved: ReservedNumbers) -> UInt32? {
        guard let header = reply.header(nhmsg.self),
            header.nh_protocol != reserved.routeProtocol,
            let id = reply.attributes(after: nhmsg.self).number(NHA_ID, as: UInt32.self), reserved.nexthops.contains(id)
        else { return nil }
        return id
    }

    /// Makes a nexthop or changes it in place; the routes that use it follow at once.
    static func put(_ nexthop: Nexthop, _ reserved: ReservedNumbers) -> NetlinkMessage {
        var header = nhmsg()
        header.nh_protocol = reserved.routeProtocol
        if nexthop.destination.members.isEmpty { header.nh_family = nexthop.family.kernelNumber }
        var message = NetlinkMessage(type: RTM_NEWNEXTHOP, flags: NLM_F_CREATE | NLM_F_REPLACE, header: header)
        message.put(NHA_ID, number: nexthop.id)
        switch nexthop.destination {
        case .device(let link, let gateway):
            message.put(NHA_OIF, number: link)
            if let gateway { message.put(NHA_GATEWAY, gateway.bytes) }
        case .group(let members): message.put(NHA_GROUP, members.flatMap { entry($0, weight: 1) })
        case .shares(let shares):
            message.put(NHA_GROUP, shares.flatMap { entry($0.id, weight: $0.weight) })
            message.put(NHA_GROUP_TYPE, number: UInt16(NEXTHOP_GRP_TYPE_RES))
            message.nest(NHA_RES_GROUP) {
                $0.put(NHA_RES_GROUP_BUCKETS, number: bucketCount)
                $0.put(NHA_RES_GROUP_IDLE_TIMER, number: idleTicks)
            }
        }
        return message
    }

    /// struct nexthop_grp: u32 id, u8 weight less one, then padding that must be zero.
    private static func entry(_ id: UInt32, weight: Int) -> [UInt8] {
        unsafe withUnsafeBytes(of: id) { unsafe Array($0) } + [UInt8(clamping: weight - 1), 0, 0, 0]
    }

    /// Flows are divided into so many parts; a weight is kept to a part in so many.
    private static let bucketCount: UInt16 = 256
    /// How long nothing was sent by the flows of a part before it may go to another nexthop, in hundredths of a second:
    /// as long as connection tracking keeps a UDP stream that is silent.
    private static let idleTicks: UInt32 = 12_000

    static func delete(_ id: UInt32) -> NetlinkMessage {
        var message = NetlinkMessage(type: RTM_DELNEXTHOP, flags: 0, header: nhmsg())
        message.put(NHA_ID, number: id)
        return message
    }
}
