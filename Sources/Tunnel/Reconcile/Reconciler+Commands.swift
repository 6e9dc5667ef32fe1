// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

extension Reconciler {
    /// The commands that show where a network's packets go.
    ///
    /// - Parameter slot: its number among the reserved ones, from 1 on.
    public func commands(ofNetwork slot: Int, families: Set<AddressFamily>) -> [String] {
        families.sorted { $0.rawValue < $1.rawValue }.flatMap { family in
            let (active, standby) = (
                reserved.group(ofNetwork: slot, .active, family), reserved.group(ofNetwork: slot, .standby, family)
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
    /// - Parameter slot: its number among the reserved ones, from 1 on.
    public func commands(ofPath slot: Int, on interface: InterfaceName) -> [String] {
        let mark = String(reserved.underlayMark(slot), radix: 16)
        return [
            "wg show \(interface)", "ip route show table \(reserved.pathTable(slot))   # what is bound to it",
            "ip route show table \(reserved.underlayTable(slot))   # its tunnel's packets, mark 0x\(mark)",
        ]
    }
}

extension AddressFamily {
    /// As ip(8) takes it.
    fileprivate var option: String { self == .ipv4 ? "-4" : "-6" }
}
