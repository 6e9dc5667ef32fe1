// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth

/// What a step will do to traffic.
public struct TrafficEffect: Hashable, Sendable {
    /// How much it is felt.
    public enum Severity: Int, Comparable, Hashable, Sendable {
        /// No packet is lost.
        case none
        /// Traffic takes another way from then on.
        case diversion
        /// Traffic that flows now is cut.
        case interruption

        /// What is felt less comes first.
        public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    /// How much it is felt.
    public var severity: Severity
    /// In words.
    public var text: String

    init(_ severity: Severity, _ text: String) {
        self.severity = severity
        self.text = text
    }

    static let harmless = TrafficEffect(.none, "no packet lost")
}

extension Step {
    /// What the step will do to traffic, in the kernel as it is just before it.
    func effect(on observed: Observed, _ desired: Desired) -> TrafficEffect {
        switch self {
        case .putGuard, .adoptGuard, .putBlocks, .makeLink, .addAddress, .addRule: .harmless
        case .configure(let name, let change):
            change.effect(on: observed.tunnels[name]) { observed.isLed($0, elsewhereThan: name, desired.reserved) }
        case .setUp(let link, _, let mtu, _):
            link.isUp && mtu < link.mtu
                ? TrafficEffect(.diversion, Observed.tooLarge(for: mtu)) : .harmless
        case .deleteAddress(let address):
            TrafficEffect(.interruption, "connections of this host from \(address.address.address) are cut")
        case .putNexthop(let nexthop): observed.effect(ofPutting: nexthop, desired)
        case .deleteNexthop(let id):
            observed.routes.values.contains { $0.destination == .nexthop(id) }
                ? TrafficEffect(.interruption, "the routes that use it go with it") : .harmless
        case .putRoute(let route): observed.effect(ofPutting: route, desired)
        case .deleteRoute(let route): observed.effect(ofDeleting: route, desired)
        case .deleteRule(let rule):
            rule.action == .lookup(desired.reserved.networkTable)
                ? TrafficEffect(.interruption, "the table of the networks is not asked any more") : .harmless
        case .deleteLink(let link): observed.effect(ofDeleting: link)
        }
    }
}

extension Observed {
    fileprivate static func tooLarge(for mtu: Int) -> String {
        "packets above \(mtu) octets are cut into pieces or refused"
    }

    fileprivate func effect(ofPutting nexthop: Nexthop, _ desired: Desired) -> TrafficEffect {
        let members = nexthop.destination.members
        guard let earlier = nexthops[nexthop.id]?.destination.members, earlier != members else { return .harmless }
        let reserved = desired.reserved
        let rank = reserved.rank(ofGroup: nexthop.id)
        let network = desired.networks.first { $0.slot == reserved.network(ofGroup: nexthop.id) }
        func path(_ member: UInt32) -> String {
            // By the interface: the path may be one that the file no longer has.
            guard case .device(let index, _) = nexthops[member]?.destination,
                let link = links.values.first(where: { $0.index == index })
            else { return "a path that went" }
            if let path = desired.paths.first(where: { $0.interface == link.name }) { return path.name.text }
            return link.alias.map { String($0.dropFirst(Link.aliasPrefix.count)) } ?? "a path that went"
        }
        func paths(_ members: [UInt32]) -> String {
            members.map(path).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }.joined(separator: " and ")
        }
        guard rank == .active else { return .harmless }
        return TrafficEffect(
            .diversion,
            "\(network?.name.text ?? "a network") moves from \(paths(earlier)) to \(paths(members)); no packet lost"
        )
    }

    fileprivate func effect(ofPutting route: Route, _ desired: Desired) -> TrafficEffect {
        let reserved = desired.reserved
        if let path = desired.paths.first(where: { reserved.underlayTable($0.slot) == route.table }) {
            return effect(onOuterPacketsOf: path, desired) { $0[route.key] = route }
        }
        if let before = routes[route.key], let mtu = route.mtu, mtu < before.mtu ?? .max,
            route.destination == before.destination, route.table == reserved.networkTable
        {
            return TrafficEffect(.diversion, Self.tooLarge(for: Int(mtu)))
        }
        guard route.table == reserved.networkTable, route.destination == .unreachable else { return .harmless }
        let network = desired.networks.first { $0.prefixes.contains(route.prefix) }
        let name = network?.name.text ?? "its network"
        let leads = routes.values.contains {
            $0.table == reserved.networkTable && $0.metric == ReservedNumbers.Rank.active.rawValue
                && $0.prefix != route.prefix && $0.prefix.contains(route.prefix)
        }
        if leads, network?.outcome.path == nil {
            return TrafficEffect(.interruption, "packets to it go nowhere until a path of \(name) is up")
        }
        return TrafficEffect(.diversion, "packets to it go by the paths of \(name), or nowhere")
    }

    fileprivate func effect(ofDeleting route: Route, _ desired: Desired) -> TrafficEffect {
        let reserved = desired.reserved
        if route.table == reserved.networkTable {
            switch route.metric {
            case ReservedNumbers.Rank.active.rawValue:
                return TrafficEffect(.interruption, "traffic to \(route.prefix) is cut")
            case ReservedNumbers.guardMetric:
                return TrafficEffect(
                    .interruption,
                    "\(route.prefix) is protected no longer: packets may leave in the open"
                )
            default: return .harmless
            }
        }
        let path = desired.paths.first { reserved.underlayTable($0.slot) == route.table }
        guard let path else { return .harmless }
        return effect(onOuterPacketsOf: path, desired) { $0[route.key] = nil }
    }

    /// What a change of its underlay's table does to a tunnel: where its peers were called, and where they are then.
    private func effect(
        onOuterPacketsOf path: Desired.Path,
        _ desired: Desired,
        _ change: (inout [Route.Key: Route]) -> Void
    ) -> TrafficEffect {
        let table = desired.reserved.underlayTable(path.slot)
        let before = routes.filter { $0.key.table == table }
        var after = before
        change(&after)
        let hosts = tunnels[path.interface]?.peers.compactMap(\.endpoint?.address) ?? []
        let ways = hosts.compactMap { host in before.way(to: host).map { (before: $0, after: after.way(to: host)) } }
        if ways.contains(where: { $0.after == nil }) {
            let isActive = desired.networks.contains { $0.outcome.carriers.contains(path.name) }
            let effect = "the outer packets of \(path.name) find no way out"
            return isActive
                ? TrafficEffect(.interruption, effect) : TrafficEffect(.diversion, "\(effect); it carries nothing now")
        }
        guard ways.contains(where: { $0.after != $0.before }) else { return .harmless }
        return TrafficEffect(.diversion, "the outer packets of \(path.name) take another way")
    }

    /// Whether the networks' table leads packets to a prefix by another interface.
    fileprivate func isLed(_ prefix: IPPrefix, elsewhereThan name: InterfaceName, _ reserved: ReservedNumbers) -> Bool {
        let (table, metric) = (reserved.networkTable, ReservedNumbers.Rank.active.rawValue)
        // Most often the prefix is a network's own; there may be ten thousand.
        let exact = routes[Route.Key(table: table, prefix: prefix, metric: metric)]
        let route =
            exact
            ?? routes.values.filter { $0.table == table && $0.metric == metric && $0.prefix.contains(prefix) }
            .max { $0.prefix.length < $1.prefix.length }
        guard let route,
            case .nexthop(let group) = route.destination, let members = nexthops[group]?.destination.members,
            !members.isEmpty
        else { return false }
        return members.allSatisfy { member in
            guard case .device(let link, _) = nexthops[member]?.destination else { return true }
            return link != links[name]?.index
        }
    }

    fileprivate func effect(ofDeleting link: Link) -> TrafficEffect {
        let peers = tunnels[link.name]?.peers.filter(\.hasSession) ?? []
        guard !peers.isEmpty else { return .harmless }
        // Its routes went before it: what is led by pnetd is led elsewhere by now.
        let who = peers.count == 1 ? "its peer reaches" : "its \(peers.count) peers reach"
        return TrafficEffect(.diversion, "its tunnel ends; \(who) the site by other paths")
    }
}

extension [Route.Key: Route] {
    /// Where packets to an address go by a table: by the longest prefix, of those by the lowest metric.
    fileprivate func way(to address: IPAddress) -> Route.Destination? {
        values.filter { $0.prefix.contains(address) }.min {
            ($1.prefix.length, $0.metric) < ($0.prefix.length, $1.metric)
        }?.destination
    }
}

extension WireGuardDevice.Peer {
    /// Whether there was a handshake ever: by the wall clock alone its age cannot be told.
    fileprivate var hasSession: Bool { lastHandshake != nil }
}

extension WireGuardChange {
    /// - Parameter isLedElsewhere: whether nothing to a prefix goes by the tunnel now.
    fileprivate func effect(
        on device: WireGuardDevice?,
        _ isLedElsewhere: (IPPrefix) -> Bool
    ) -> TrafficEffect {
        guard let device, device.privateKey != nil else { return .harmless }
        let before = Dictionary(device.peers.map { ($0.publicKey, $0) }, uniquingKeysWith: { first, _ in first })
        let given = peers.reduce(into: Set<IPPrefix>()) { $0.formUnion($1.allowedIPs ?? []) }
        var cut: [String] = []
        var narrowed: String?
        for peer in peers {
            guard let earlier = before[peer.publicKey] else { continue }
            if peer.remove {
                // One that may send and is sent nothing carries nothing.
                if earlier.hasSession, !earlier.allowedIPs.isEmpty { cut.append("peer \(peer.publicKey) is cut off") }
            } else if let allowed = peer.allowedIPs, !peer.keepsAllowedIPs {
                // What another peer is given in the same change is moved, not taken away.
                let lost = earlier.allowedIPs.subtracting(allowed).subtracting(given).sorted()
                if let first = lost.first, lost.allSatisfy(isLedElsewhere) {
                    narrowed = "peer \(peer.publicKey) may send from \(first) no longer; nothing is sent there by it"
                } else if let first = lost.first {
                    let more = lost.count > 1 ? " and \(lost.count - 1) more" : ""
                    let rest = allowed.isEmpty ? "" : ", and what it keeps is put anew, which takes a moment"
                    cut.append("peer \(peer.publicKey) carries \(first)\(more) no longer\(rest)")
                }
            }
        }
        if !cut.isEmpty { return TrafficEffect(.interruption, cut.joined(separator: "; ")) }
        if privateKey != nil {
            let who =
                device.peers.count == 1
                ? "its peer handshakes anew, once it knows"
                : "its \(device.peers.count) peers handshake anew, once they know"
            return TrafficEffect(.interruption, "\(who) the new public key; until then the tunnel is cut")
        }
        if let narrowed { return TrafficEffect(.diversion, narrowed) }
        if let moved = peers.first(where: { $0.endpoint != nil && before[$0.publicKey]?.endpoint != nil }),
            let endpoint = moved.endpoint
        {
            return TrafficEffect(.diversion, "packets go to \(endpoint); whether the peer is there shows then only")
        }
        if let listenPort {
            return TrafficEffect(.diversion, "packets come from port \(listenPort); firewalls on the way must let them")
        }
        if peers.contains(where: { $0.presharedKey != nil && before[$0.publicKey] != nil }) {
            return TrafficEffect(.none, "no packet lost: sessions go on, the next handshake uses the new preshared key")
        }
        return .harmless
    }
}

extension WireGuardChange: CustomStringConvertible {
    /// What changes, without any key but public ones.
    var description: String {
        var parts: [String] = []
        if privateKey != nil { parts.append("private key") }
        if let listenPort { parts.append("port \(listenPort)") }
        if let mark { parts.append("mark 0x\(String(mark, radix: 16))") }
        let set = Set(peers.lazy.filter { !$0.remove }.map(\.publicKey)).count
        if let only = peers.first, peers.count == 1 {
            parts.append("\(only)")
        } else if !peers.isEmpty {
            let removed = peers.count(where: \.remove)
            if removed > 0 { parts.append("remove \(removed) peer\(removed == 1 ? "" : "s")") }
            if set > 0 { parts.append("set \(set) peer\(set == 1 ? "" : "s")") }
        }
        return parts.joined(separator: ", ")
    }
}

extension WireGuardChange.Peer: CustomStringConvertible {
    var description: String {
        guard !remove else { return "remove peer \(publicKey)" }
        var parts: [String] = []
        if let endpoint { parts.append("endpoint \(endpoint)") }
        if presharedKey != nil { parts.append("preshared key") }
        if let keepalive { parts.append("keepalive \(keepalive) s") }
        if let allowedIPs { parts.append("\(allowedIPs.count) allowed IPs") }
        return "peer \(publicKey)" + (parts.isEmpty ? "" : " (\(parts.joined(separator: ", ")))")
    }
}
