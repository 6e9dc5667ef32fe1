// SPDX-License-Identifier: Apache-2.0

/// The numbers in the kernel that are pnetd's, in its network namespace.
///
/// What carries them is pnetd's to change and to remove, and nothing else is. The defaults keep clear of those of
/// Tailscale, mwan3, Kubernetes and systemd-networkd; `reserve` in the file moves them.
public struct Reservation: Hashable, Sendable {
    /// The most paths that the tables have room for.
    public static let pathLimit = 62
    /// The most networks that the nexthop ids and rule priorities have room for.
    public static let networkLimit = 120

    /// The origin (`rtm_protocol`, `nh_protocol`, `FRA_PROTOCOL`) of our routes, nexthops and rules.
    public let `protocol`: UInt8
    /// The first of 128 routing tables: it holds the networks' routes, the next 63 one path each, then, after a gap
    /// of one, 63 one underlay each.
    public let table: UInt32
    /// The first of 200 rule priorities.
    public let rulePriority: UInt32
    /// The seven adjacent bits of the packet mark that are ours.
    public let markMask: UInt32
    /// The first of 1200 nexthop ids.
    public let nexthopIDs: UInt32

    /// What is reserved unless the file says otherwise.
    public static let standard = Reservation(
        protocol: 112,
        table: 7000,
        rulePriority: 700,
        markMask: 0x7f00_0000,
        nexthopIDs: 7000
    )

    /// The tables of the paths, one each in the order of the file.
    public var pathTables: ClosedRange<UInt32> { table + 1...table + 63 }
    /// The tables of the underlays, one a path in the order of the file.
    public var underlayTables: ClosedRange<UInt32> { table + 65...table + 127 }
    /// The priorities of all our rules.
    public var rulePriorities: ClosedRange<UInt32> { rulePriority...rulePriority + 199 }
    /// The ids of all our nexthops and groups.
    public var nexthops: ClosedRange<UInt32> { nexthopIDs...nexthopIDs + 1_199 }
}
