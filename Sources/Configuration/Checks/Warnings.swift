// SPDX-License-Identifier: Apache-2.0
// What may be meant as it stands, but seldom is. Each is said of a file without errors, so all declarations are whole.

import NetworkTypes

extension Reading {
    /// A path that is brought up and carries nothing.
    func warnOfUnusedPaths() {
        let used = Set(declared.references.map(\.value))
        for path in declared.paths where !used.contains(path.value) {
            warning(path.mark, "no network uses path '\(path.value)'")
        }
    }

    /// Prefixes that no peer of a path may carry: WireGuard drops what is sent to them. Several longer prefixes may
    /// make up one shorter one, so this is no error.
    func warnOfUncarriedPrefixes() {
        let automatic = Set(declared.automaticPeers.map(\.owner))
        for reference in declared.references
        where declared.kinds[reference.value] == .wireguard && !automatic.contains(reference.value) {
            let carried = declared.allowedIPs.filter { $0.owner == reference.value }
            for prefix in declared.prefixes where prefix.owner == reference.owner {
                guard !carried.contains(where: { $0.value.contains(prefix.value) }) else { continue }
                let message = "no peer of path '\(reference.value)' has \(prefix.value) in its allowed-ips"
                warning(reference.mark, message, hint: "WireGuard would drop what is sent there")
            }
        }
    }

    /// Prefixes of a family in which a line has no router.
    func warnOfUnroutedPrefixes() {
        for reference in declared.references where declared.kinds[reference.value] == .routed {
            let families = Set(declared.gateways.filter { $0.owner == reference.value }.map(\.value.family))
            for prefix in declared.prefixes where prefix.owner == reference.owner {
                guard !families.contains(prefix.value.family) else { continue }
                let family = prefix.value.family == .ipv4 ? "IPv4" : "IPv6"
                let message = "\(prefix.value) does not go by path '\(reference.value)'"
                warning(reference.mark, message, hint: "the path has no \(family) gateway")
            }
        }
    }

    /// Far ends of BFD and STAMP sessions that no peer of a path may carry.
    func warnOfUncarriedFarEnds() {
        let automatic = Set(declared.automaticPeers.map(\.owner))
        for peer in declared.farEnds
        where declared.kinds[peer.owner] == .wireguard && !automatic.contains(peer.owner) {
            let carried = declared.allowedIPs.filter { $0.owner == peer.owner }
            guard !carried.contains(where: { $0.value.contains(peer.value) }) else { continue }
            let message = "no peer of path '\(peer.owner)' has \(peer.value) in its allowed-ips"
            warning(peer.mark, message, hint: "WireGuard would drop what is sent there")
        }
    }

    /// Targets of a family in which a path has no address to ask from.
    func warnOfUnaskableTargets() {
        for reference in declared.references
        where !declared.pathsOnForeignInterfaces.contains(reference.value) {
            let own = declared.addresses.filter { $0.owner == reference.value }.map(\.value.address)
            let sources = declared.sources.filter { $0.owner == reference.value }.map(\.value)
            let families = Set((own + sources).map(\.family))
            for target in declared.targets where target.owner == reference.owner {
                guard !families.contains(target.value.family) else { continue }
                let family = target.value.family == .ipv4 ? "IPv4" : "IPv6"
                let message = "target \(target.value) cannot be asked through path '\(reference.value)'"
                warning(target.mark, message, hint: "the path has no \(family) address")
            }
        }
    }

    /// More reverse names than are made.
    func warnOfManyReverseZones() {
        var counts: [String: Int] = [:]
        for prefix in declared.prefixes
        where (declared.zones + declared.presetZones).contains(where: { $0.owner == prefix.owner }) {
            let before = counts[prefix.owner, default: 0]
            counts[prefix.owner] = before + prefix.value.reverseApexes.count
            guard before <= ReverseZone.limit, counts[prefix.owner, default: 0] > ReverseZone.limit else { continue }
            let message = "from \(prefix.value) on, network '\(prefix.owner)' has no reverse names"
            let hint =
                "its prefixes make more than \(ReverseZone.limit) zones; prefixes of /8, /16 and /24 make one each"
            warning(prefix.mark, message, hint: hint)
        }
    }
}
