// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes

/// Another host on a link, as ARP or neighbour discovery look for it (RTM_NEWNEIGH).
struct Neighbour: Hashable, Sendable {
    /// The interface's number.
    var link: Int32
    /// The host's address.
    var address: IPAddress
}

/// What the kernel knows of a host on a link.
public enum NeighbourState: Hashable, Sendable {
    /// It was looked for in vain (NUD_FAILED, linux/neighbour.h).
    case missing
    /// It was last known to be there so long ago.
    case confirmed(ago: Duration)
    /// It is being looked for.
    case unsure
}

enum NeighbourMessages {
    /// Asks for what is known of one host (since Linux 5.0).
    static func get(_ neighbour: Neighbour) -> NetlinkMessage {
        var header = ndmsg()
        header.ndm_family = neighbour.address.family.kernelNumber
        header.ndm_ifindex = neighbour.link
        var message = NetlinkMessage(type: RTM_GETNEIGH, flags: 0, header: header)
        message.put(NDA_DST, neighbour.address.bytes)
        return message
    }

    /// Has the kernel look whether a host that it knows is still there, as it does by itself half a minute later.
    static func lookFor(_ neighbour: Neighbour) -> NetlinkMessage {
        var header = ndmsg()
        header.ndm_family = neighbour.address.family.kernelNumber
        header.ndm_ifindex = neighbour.link
        header.ndm_state = UInt16(NUD_PROBE)
        var message = NetlinkMessage(type: RTM_NEWNEIGH, flags: NLM_F_REPLACE, header: header)
        message.put(NDA_DST, neighbour.address.bytes)
        return message
    }

    /// Reads what is known of a host. `struct nda_cacheinfo` begins with the age of the last confirmation, in hundredths
    /// of a second (USER_HZ).
    static func state(_ reply: NetlinkReply) -> NeighbourState? {
        guard let header = reply.header(ndmsg.self), reply.type == RTM_NEWNEIGH else { return nil }
        if header.ndm_state & UInt16(NUD_FAILED) != 0 { return .missing }
        guard let cache = reply.attributes(after: ndmsg.self)[NDA_CACHEINFO], cache.count >= 4,
            header.ndm_state & UInt16(NUD_REACHABLE | NUD_STALE | NUD_DELAY) != 0
        else { return .unsure }
        return .confirmed(ago: .milliseconds(10 * Int64(UInt32(hostOrder: cache))))
    }

    static func dump() -> NetlinkMessage {
        NetlinkMessage(type: RTM_GETNEIGH, flags: 0, header: ndmsg())
    }

    /// The neighbour, and whether it was looked for in vain (NUD_FAILED, linux/neighbour.h).
    static func parse(_ reply: NetlinkReply) -> (neighbour: Neighbour, isMissing: Bool)? {
        guard let header = reply.header(ndmsg.self), AddressFamily(kernelNumber: header.ndm_family) != nil,
            let address = reply.attributes(after: ndmsg.self).address(NDA_DST)
        else { return nil }
        let isMissing = reply.type == RTM_NEWNEIGH && header.ndm_state & UInt16(NUD_FAILED) != 0
        return (Neighbour(link: header.ndm_ifindex, address: address), isMissing)
    }
}
