// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// The numbers in the kernel that are ours, from the file's `reserve:` block. A slot, from 1, stands for a path or a
/// network for as long as the site has it.
///
///     tables        +0 networks, +slot a path, +64+slot its underlay
///     priorities    +2 slot, +2 slot+1 the underlay's mark; +130+slot a path's interface and mark; +199 networks
///     marks         6 low bits of the mask: the path's slot; its high bit: outer packets of that path
///     nexthops      +2 slot IPv4, +2 slot+1 IPv6 of a path; +200+4 slot the groups of a network, +700+2 slot the active
///                   one where several paths carry together, +1000+2 slot a path's second one for that
///     xfrm if_ids   the same range once more: +slot a path
public struct ReservedNumbers: Codable, Hashable, Sendable {
    /// The most paths of a site.
    public static let pathLimit = 62
    /// The most networks of a site.
    public static let networkLimit = 120

    /// The `rtm_protocol` that marks routes, rules and nexthops as ours.
    public var routeProtocol: UInt8
    /// The first of 128 routing tables.
    public var firstTable: UInt32
    /// The first of 200 rule priorities.
    public var firstPriority: UInt32
    /// Seven bits of the packet and connection mark, next to each other.
    public var markMask: UInt32
    /// The first of 1,200 nexthop ids.
    public var firstNexthop: UInt32

    /// Makes a reservation.
    public init(
        routeProtocol: UInt8,
        firstTable: UInt32,
        firstPriority: UInt32,
        markMask: UInt32,
        firstNexthop: UInt32
    ) {
        self.routeProtocol = routeProtocol
        self.firstTable = firstTable
        self.firstPriority = firstPriority
        self.markMask = markMask
        self.firstNexthop = firstNexthop
    }

    /// Whether the numbers leave room for all that is counted from them.
    var isPlausible: Bool {
        firstTable <= .max - 127 && firstPriority <= .max - 199 && firstNexthop <= .max - 1_199
            && markMask >> markMask.trailingZeroBitCount == 0x7f
    }

    // Closed, since the last one may be the last that there is.
    var tables: ClosedRange<UInt32> { firstTable...firstTable + 127 }
    var priorities: ClosedRange<UInt32> { firstPriority...firstPriority + 199 }
    var nexthops: ClosedRange<UInt32> { firstNexthop...firstNexthop + 1_199 }

    var networkTable: UInt32 { firstTable }
    func pathTable(_ slot: Int) -> UInt32 { firstTable + UInt32(slot) }
    func underlayTable(_ slot: Int) -> UInt32 { firstTable + 64 + UInt32(slot) }

    func underlayPriority(_ slot: Int) -> UInt32 { firstPriority + 2 * UInt32(slot) }
    func pathPriority(_ slot: Int) -> UInt32 { firstPriority + 130 + UInt32(slot) }
    var networkPriority: UInt32 { firstPriority + 199 }

    private var markShift: Int { markMask.trailingZeroBitCount }
    /// Stands for the path in the marks of packets and connections.
    func pathMark(_ slot: Int) -> UInt32 { UInt32(slot) << markShift }
    /// On the outer packets of the path's tunnel.
    public func underlayMark(_ slot: Int) -> UInt32 { (64 | UInt32(slot)) << markShift }

    /// Ties the interface of an IPsec path to its security associations and policies.
    public func xfrmInterfaceID(_ slot: Int) -> UInt32 { firstNexthop + UInt32(slot) }
    /// Those that are ours.
    var xfrmInterfaceIDs: ClosedRange<UInt32> { nexthops }

    func nexthop(ofPath slot: Int, _ family: AddressFamily) -> UInt32 {
        firstNexthop + 2 * UInt32(slot) + (family == .ipv4 ? 0 : 1)
    }

    /// The path once more. A group with one nexthop counts nobody's packets, and all flows look silent to it; with two that
    /// lead the same way it does.
    func secondNexthop(ofPath slot: Int, _ family: AddressFamily) -> UInt32 {
        nexthop(ofPath: slot, family) + Self.secondNexthops
    }

    private static let secondNexthops: UInt32 = 1_000

    func group(ofNetwork slot: Int, _ rank: Rank, _ family: AddressFamily) -> UInt32 {
        firstNexthop + 200 + 4 * UInt32(slot) + (rank == .active ? 0 : 2) + (family == .ipv4 ? 0 : 1)
    }

    /// The active group where several paths may carry together: the kernel does not change the type of a group.
    func sharedGroup(ofNetwork slot: Int, _ family: AddressFamily) -> UInt32 {
        firstNexthop + Self.sharedGroups + 2 * UInt32(slot) + (family == .ipv4 ? 0 : 1)
    }

    private static let sharedGroups: UInt32 = 700

    /// Every second nexthop of ours is for IPv6. One that somebody else made under our protocol may have any number.
    func family(ofNexthop id: UInt32) -> AddressFamily { (id &- firstNexthop) % 2 == 0 ? .ipv4 : .ipv6 }

    func path(ofNexthop id: UInt32) -> Int? {
        guard nexthops.contains(id) else { return nil }
        let place = (id - firstNexthop) % Self.secondNexthops
        return (2..<200).contains(place) ? Int(place / 2) : nil
    }

    func network(ofGroup id: UInt32) -> Int {
        isShared(id) ? Int(id &- firstNexthop &- Self.sharedGroups) / 2 : Int(id &- firstNexthop &- 200) / 4
    }
    func rank(ofGroup id: UInt32) -> Rank { isShared(id) || (id &- firstNexthop) % 4 < 2 ? .active : .standby }
    private func isShared(_ id: UInt32) -> Bool { id &- firstNexthop >= Self.sharedGroups }

    /// Active before standby before guard: the routes' metrics.
    enum Rank: UInt32, CaseIterable {
        case active = 100
        case standby = 200
    }

    static let guardMetric: UInt32 = 4_294_967_294
    /// Before active: a prefix that a drill leads elsewhere.
    static let canaryMetric: UInt32 = 50
}
