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

enum NeighbourMessages {
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
