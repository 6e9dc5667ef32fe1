// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

extension Reconciler {
    /// The commands that show where a network's packets go.
    ///
    public func commands(of network: Desired.Network) -> [String] {
        Set(network.prefixes.map(\.family)).sorted { $0.rawValue < $1.rawValue }.flatMap { family in
            let (active, standby) = (
                network.group(.active, family, reserved), network.group(.standby, family, reserved)
            )
            return [
                "ip \(family.option) route show table \(reserved.networkTable)",
                "ip nexthop get id \(active)   # the active path's",
                "ip nexthop get id \(standby)   # the standby path's",
            ]
        } + ["nft list table inet pnetd"]
    }

    /// The commands that show how a path's packets go, and its tunnel's.
    ///
    public func commands(of path: Desired.Path) -> [String] {
        let (slot, name) = (path.slot, path.interface)
        let mark = String(reserved.underlayMark(slot), radix: 16)
        let bound = "ip route show table \(reserved.pathTable(slot))   # what is bound to it"
        let outer = "ip route show table \(reserved.underlayTable(slot))   # its tunnel's packets, mark 0x\(mark)"
        switch path.kind {
        case .wireGuard: return ["wg show \(name)", bound, outer]
        case .ipsec:
            let number = String(reserved.xfrmInterfaceID(slot), radix: 16)
            return [
                "ip -s xfrm state   # those with if_id 0x\(number); root sees their keys", "cat /proc/net/xfrm_stat",
                bound,
                outer,
            ]
        case .routed(let line):
            return ["ip -s link show \(name)"] + line.gateways.map { "ip neigh show \($0) dev \(name)" } + [bound]
        }
    }
}

extension AddressFamily {
    /// As ip(8) takes it.
    fileprivate var option: String { self == .ipv4 ? "-4" : "-6" }
}
