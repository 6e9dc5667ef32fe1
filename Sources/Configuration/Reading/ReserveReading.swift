// SPDX-License-Identifier: Apache-2.0

extension Reading {
    /// The section `reserve`.
    func reserve(_ node: YAMLNode) -> Reservation {
        let standard = Reservation.standard
        guard
            let section = Section(
                node,
                of: "reserve",
                keys: ["protocol", "table", "rule-priority", "mark-mask", "nexthop-ids"],
                reading: self
            )
        else { return standard }
        func first(_ key: String, in range: ClosedRange<Int>, hint: String) -> UInt32? {
            section[key].flatMap { integer($0, key, in: range, hint: hint) }.map { UInt32($0) }
        }
        let last = Int(UInt32.max)
        return Reservation(
            protocol: section["protocol"].flatMap(routeProtocol) ?? standard.protocol,
            // Tables up to 255 are the kernel's own and those that people number by hand.
            table: first("table", in: 256...last - 127, hint: "128 tables from here are used") ?? standard.table,
            // Rules must come before that of the main table, 32766.
            rulePriority: first("rule-priority", in: 1...32_565, hint: "200 priorities from here are used")
                ?? standard.rulePriority,
            markMask: section["mark-mask"].flatMap(markMask) ?? standard.markMask,
            nexthopIDs: first("nexthop-ids", in: 1...last - 1_199, hint: "1200 ids from here are used")
                ?? standard.nexthopIDs
        )
    }

    /// Numbers that `rtnetlink.h` gives to others: what carries them is theirs.
    private static let takenProtocols: [Int: String] = [
        8: "gated", 9: "ra", 10: "mrt", 11: "zebra", 12: "bird", 13: "dnrouted", 14: "xorp", 15: "ntk", 16: "dhcp",
        17: "mrouted", 18: "keepalived", 42: "babel", 99: "openr", 186: "bgp", 187: "isis", 188: "ospf", 189: "rip",
        192: "eigrp",
    ]

    private func routeProtocol(_ node: YAMLNode) -> UInt8? {
        guard let number = integer(node, "protocol", in: 5...255, hint: "0 to 4 are the kernel's") else { return nil }
        if let owner = Self.takenProtocols[number] {
            error(node.mark, "protocol \(number) is that of \(owner)", hint: "112 is free by default")
        }
        return UInt8(number)
    }

    private func markMask(_ node: YAMLNode) -> UInt32? {
        guard let number = integer(node, "mark-mask", in: 1...Int(UInt32.max)) else { return nil }
        let mask = UInt32(number)
        if mask >> mask.trailingZeroBitCount != 0x7f {
            error(node.mark, "mark-mask must be 7 adjacent bits", hint: "as in 0x7f000000")
        }
        return mask
    }
}
