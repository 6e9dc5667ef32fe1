// SPDX-License-Identifier: Apache-2.0

import CLinux

/// What an interface of ours is made as (IFLA_INFO_KIND, linux/if_link.h).
enum LinkKind: Hashable, Sendable {
    /// A WireGuard tunnel.
    case wireGuard
    /// A VLAN of the interface with that number (IEEE 802.1Q).
    case vlan(Link.VLAN)

    /// The kernel's word for it.
    var driver: String {
        switch self {
        case .wireGuard: "wireguard"
        case .vlan: "vlan"
        }
    }

    func put(into message: inout NetlinkMessage) {
        if case .vlan(let vlan) = self { message.put(IFLA_LINK, number: vlan.parent) }
        message.nest(IFLA_LINKINFO) { information in
            information.put(IFLA_INFO_KIND, text: driver)
            guard case .vlan(let vlan) = self else { return }
            information.nest(IFLA_INFO_DATA) { $0.put(IFLA_VLAN_ID, number: vlan.id) }
        }
    }
}
