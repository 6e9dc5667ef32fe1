// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes

/// A nexthop object (linux/nexthop.h): a device, or a group of one.
public struct Nexthop: Hashable, Sendable {
    /// What it leads to.
    public enum Destination: Hashable, Sendable {
        /// Out of an interface: into a tunnel, or to a router on it.
        case device(link: Int32, gateway: IPAddress?)
        /// To the nexthops with these ids, equally.
        case group([UInt32])
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
            let members = stride(from: 0, to: group.count - 7, by: MemoryLayout<nexthop_grp>.size).map {
                UInt32(hostOrder: group.dropFirst($0))
            }
            return Nexthop(id: id, family: reserved.family(ofNexthop: id), destination: .group(members))
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
        if case .device = nexthop.destination { header.nh_family = nexthop.family.kernelNumber }
        var message = NetlinkMessage(type: RTM_NEWNEXTHOP, flags: NLM_F_CREATE | NLM_F_REPLACE, header: header)
        message.put(NHA_ID, number: nexthop.id)
        switch nexthop.destination {
        case .device(let link, let gateway):
            message.put(NHA_OIF, number: link)
            if let gateway { message.put(NHA_GATEWAY, gateway.bytes) }
        case .group(let members):
            // struct nexthop_grp: u32 id, u8 weight less one, then padding that must be zero.
            message.put(
                NHA_GROUP,
                members.flatMap { id in unsafe withUnsafeBytes(of: id) { unsafe Array($0) } + [0, 0, 0, 0] }
            )
        }
        return message
    }

    static func delete(_ id: UInt32) -> NetlinkMessage {
        var message = NetlinkMessage(type: RTM_DELNEXTHOP, flags: 0, header: nhmsg())
        message.put(NHA_ID, number: id)
        return message
    }
}
