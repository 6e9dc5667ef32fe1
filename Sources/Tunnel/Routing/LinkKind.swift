// SPDX-License-Identifier: Apache-2.0

import CLinux

/// What an interface of ours is made as (IFLA_INFO_KIND, linux/if_link.h).
enum LinkKind: Hashable, Sendable {
    /// A WireGuard tunnel.
    case wireGuard
    /// An interface whose packets go by the security associations and policies with its number, not 0 (IFLA_XFRM_IF_ID,
    /// Linux 4.19). A kernel without them refuses: see ``IPsecLack``. A number that another has is refused with EEXIST.
    case xfrm(interfaceID: UInt32)
    /// A VLAN of the interface with that number (IEEE 802.1Q).
    case vlan(Link.VLAN)

    /// The kernel's word for it.
    var driver: String {
        switch self {
        case .wireGuard: "wireguard"
        case .xfrm: "xfrm"
        case .vlan: "vlan"
        }
    }

    func put(into message: inout NetlinkMessage) {
        if case .vlan(let vlan) = self { message.put(IFLA_LINK, number: vlan.parent) }
        message.nest(IFLA_LINKINFO) { information in
            information.put(IFLA_INFO_KIND, text: driver)
            switch self {
            case .wireGuard: break
            case .xfrm(let id): information.nest(IFLA_INFO_DATA) { $0.put(IFLA_XFRM_IF_ID, number: id) }
            case .vlan(let vlan): information.nest(IFLA_INFO_DATA) { $0.put(IFLA_VLAN_ID, number: vlan.id) }
            }
        }
    }
}
