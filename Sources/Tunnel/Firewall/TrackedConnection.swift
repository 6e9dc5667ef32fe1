// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes

/// A connection as the kernel tracks it: who talks to whom once it is translated, and what names it.
struct TrackedConnection {
    /// Where its packets really go: the far end, behind any translation of the destination.
    let farEnd: IPAddress
    /// What the far end answers to: the address that the source was translated to.
    let answeredAt: IPAddress
    /// The family, and the attributes that tell it from all others, as the kernel gave them.
    private let family: UInt8
    private let key: [(type: Int, value: ArraySlice<UInt8>)]

    /// Asks for the connections that carry a mark and whose source is translated; kernels before 5.15 give the others
    /// too.
    static func dump(mark: UInt32, mask: UInt32) -> NetlinkMessage {
        var message = message(IPCTNL_MSG_CT_GET, family: UInt8(AF_UNSPEC))
        message.put(CTA_MARK, bigEndian: mark)
        message.put(CTA_MARK_MASK, bigEndian: mask)
        message.put(CTA_STATUS, bigEndian: IPS_SRC_NAT.rawValue)
        message.put(CTA_STATUS_MASK, bigEndian: IPS_SRC_NAT.rawValue)
        return message
    }

    /// Reads a connection whose source is translated; nil for any other.
    init?(_ reply: NetlinkReply) {
        let attributes = reply.attributes(after: nfgenmsg.self)
        guard reply.type == Self.type(IPCTNL_MSG_CT_NEW), let header = reply.header(nfgenmsg.self),
            let status = attributes[CTA_STATUS], status.count == 4,
            UInt32(networkOrder: status) & IPS_SRC_NAT.rawValue != 0
        else { return nil }
        let ends = attributes.nest(CTA_TUPLE_REPLY).nest(CTA_TUPLE_IP)
        guard let farEnd = ends.address(CTA_IP_V4_SRC) ?? ends.address(CTA_IP_V6_SRC),
            let answeredAt = ends.address(CTA_IP_V4_DST) ?? ends.address(CTA_IP_V6_DST)
        else { return nil }
        self.farEnd = farEnd
        self.answeredAt = answeredAt
        family = header.nfgen_family
        // The id, so that one that took its place meanwhile is not meant.
        let naming = [CTA_TUPLE_ORIG, CTA_ZONE, CTA_ID].map { Int($0.attributeCode) }
        key = attributes.items.filter { naming.contains($0.type) }
    }

    /// Deletes this connection and no other.
    var deletion: NetlinkMessage {
        var message = Self.message(IPCTNL_MSG_CT_DELETE, family: family)
        for (type, value) in key { message.put(type, Array(value)) }
        return message
    }

    /// Asks for the UDP connection between two endpoints, whichever of them began it.
    static func between(_ far: SocketEndpoint, _ near: SocketEndpoint) -> NetlinkMessage {
        let isIPv4 = far.address.family == .ipv4
        var message = message(IPCTNL_MSG_CT_GET, family: UInt8(isIPv4 ? AF_INET : AF_INET6))
        message.nest(CTA_TUPLE_ORIG) { tuple in
            tuple.nest(CTA_TUPLE_IP) { ends in
                ends.put(isIPv4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, far.address.bytes)
                ends.put(isIPv4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, near.address.bytes)
            }
            tuple.nest(CTA_TUPLE_PROTO) { ports in
                ports.put(CTA_PROTO_NUM, [UInt8(IPPROTO_UDP)])
                ports.put(CTA_PROTO_SRC_PORT, bigEndian: far.port)
                ports.put(CTA_PROTO_DST_PORT, bigEndian: near.port)
            }
        }
        return message
    }

    /// Whether anything came from the far end: it began the connection, or has answered.
    static func wasHeard(_ far: IPAddress, _ reply: NetlinkReply) -> Bool? {
        let attributes = reply.attributes(after: nfgenmsg.self)
        guard reply.type == type(IPCTNL_MSG_CT_NEW), let status = attributes[CTA_STATUS], status.count == 4 else {
            return nil
        }
        let began = attributes.nest(CTA_TUPLE_ORIG).nest(CTA_TUPLE_IP)
        let caller = began.address(CTA_IP_V4_SRC) ?? began.address(CTA_IP_V6_SRC)
        return caller == far || UInt32(networkOrder: status) & IPS_SEEN_REPLY.rawValue != 0
    }

    private static func type(_ message: cntl_msg_types) -> Int {
        Int(NFNL_SUBSYS_CTNETLINK) << 8 | Int(message.rawValue)
    }

    private static func message(_ message: cntl_msg_types, family: UInt8) -> NetlinkMessage {
        NetlinkMessage(
            type: type(message),
            flags: 0,
            header: nfgenmsg(nfgen_family: family, version: UInt8(NFNETLINK_V0), res_id: 0)
        )
    }
}
