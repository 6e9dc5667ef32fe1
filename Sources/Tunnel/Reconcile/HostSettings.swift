// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO

/// Settings of the kernel that are the operator's, and that can stand in the way of what the file asks for. They are
/// read and reported, never changed.
public struct HostSettings: Hashable, Sendable {
    /// By interface, with what holds for all interfaces taken in; without those that are not there.
    var sourceChecks: [InterfaceName: SourceCheck] = [:]
    /// Interfaces of paths that take no part in IPv6.
    var withoutIPv6: Set<InterfaceName> = []
    /// The families in which packets of other hosts are not passed on.
    var isNotForwarding: Set<AddressFamily> = []
    /// Whether a change of a nexthop is announced for each IPv4 route that uses it: a switch then costs by the prefix.
    var copiesNexthopChanges = false

    init() {}

    /// Reads what concerns the paths.
    public init(for desired: Desired) {
        let all = Self.sourceCheck("all") ?? SourceCheck(filter: 0, goesByMark: false)
        for interface in Set(desired.paths.flatMap(\.interfaces)) {
            guard let own = Self.sourceCheck(interface.text) else { continue }
            // The kernel takes the greater of the two (IN_DEV_MAXCONF), and either of them (IN_DEV_ORCONF).
            sourceChecks[interface] = SourceCheck(
                filter: max(own.filter, all.filter),
                goesByMark: own.goesByMark || all.goesByMark
            )
        }
        withoutIPv6 = Set(
            desired.paths.map(\.interface).filter { Self.number("ipv6/conf/\($0)/disable_ipv6") == 1 }
        )
        if Self.number("ipv4/ip_forward") == 0 { isNotForwarding.insert(.ipv4) }
        if Self.number("ipv6/conf/all/forwarding") == 0 { isNotForwarding.insert(.ipv6) }
        copiesNexthopChanges = Self.number("ipv4/nexthop_compat_mode") == 1
    }

    private static func sourceCheck(_ interface: String) -> SourceCheck? {
        guard let filter = number("ipv4/conf/\(interface)/rp_filter"),
            let mark = number("ipv4/conf/\(interface)/src_valid_mark")
        else { return nil }
        return SourceCheck(filter: filter, goesByMark: mark != 0)
    }

    private static func number(_ setting: String) -> Int? {
        guard let text = try? Files.read("/proc/sys/net/\(setting)") else { return nil }
        return Int(String(decoding: text.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }
}

extension HostSettings {
    /// So many prefixes make the cost of a switch worth a word.
    private static let manyPrefixes = 100

    /// What stands in the way, each with what it breaks and what mends it.
    public func warnings(for desired: Desired) -> [String] {
        var warnings = desired.paths.flatMap { path in
            [underlayWarning(path), pathWarning(path), ipv6Warning(path)].compactMap(\.self)
        }
        for family in AddressFamily.allCases where isNotForwarding.contains(family) {
            let paths = desired.paths.filter { $0.natSources.contains { $0.family == family } }
            guard let path = paths.first else { continue }
            let setting = family == .ipv4 ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding"
            warnings.append(
                "\(setting) is 0: the hosts in the nat of \(path.name) are not let through (sysctl -w \(setting)=1)"
            )
        }
        if copiesNexthopChanges, desired.networks.reduce(0, { $0 + $1.prefixes.count }) >= Self.manyPrefixes {
            let setting = "net.ipv4.nexthop_compat_mode"
            warnings.append(
                "\(setting) is 1: the kernel announces every route at every switch (sysctl -w \(setting)=0)"
            )
        }
        return warnings
    }

    /// Peers are mostly found by a default route, and that of the main table leads by one underlay only.
    private func underlayWarning(_ path: Desired.Path) -> String? {
        guard case .wireGuard(let tunnel) = path.kind else { return nil }
        let hasIPv4 = tunnel.settings.peers.contains { $0.endpoint?.address.family != .ipv6 }
        let name = tunnel.underlay.interface
        guard hasIPv4, sourceChecks[name]?.filter == 1 else { return nil }
        return
            "\(name): rp_filter is 1: what \(path.name)'s peers send is dropped unless the main table leads "
            + "to them by \(name) (sysctl -w \(name.setting("rp_filter"))=2)"
    }

    private func ipv6Warning(_ path: Desired.Path) -> String? {
        guard withoutIPv6.contains(path.interface), path.addresses.contains(where: { $0.address.family == .ipv6 })
        else {
            return nil
        }
        let name = path.interface.text.replacing(".", with: "/")
        return "\(path.interface): disable_ipv6 is 1: nothing of IPv6 goes by \(path.name) "
            + "(sysctl -w net.ipv6.conf.\(name).disable_ipv6=0)"
    }

    /// The mark of what comes in by a path leads to the path's own table, and so satisfies even a strict filter.
    private func pathWarning(_ path: Desired.Path) -> String? {
        guard let check = sourceChecks[path.interface], check.filter != 0, !check.goesByMark,
            path.gateway(.ipv4) != nil || path.addresses.contains(where: { $0.address.family == .ipv4 })
        else { return nil }
        let when = check.filter == 1 ? "another path, or none, leads to its networks" : "no path leads to its networks"
        return "\(path.interface): src_valid_mark is 0 and rp_filter is \(check.filter): answers by \(path.name) are "
            + "dropped while \(when) (sysctl -w \(path.interface.setting("src_valid_mark"))=1)"
    }
}

extension InterfaceName {
    /// The name of a setting of the interface's as sysctl(8) takes it: a dot in the interface's name is a slash.
    fileprivate func setting(_ name: String) -> String {
        "net.ipv4.conf.\(text.replacing(".", with: "/")).\(name)"
    }
}
