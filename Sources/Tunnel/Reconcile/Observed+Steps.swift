// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

extension Observed {
    /// The kernel after a step, as the kernel would have it: for saying beforehand what a plan comes to.
    mutating func take(_ step: Step) {
        switch step {
        case .putGuard(let table): self.guard = GuardTable(contents: NftTable.Contents(of: table))
        case .adoptGuard: self.guard?.isOrphan = false
        case .putBlocks(let difference):
            blocks = (blocks ?? []).union(difference.missing).subtracting(difference.surplus)
        case .makeLink(let name, let kind): make(name, kind)
        case .configure(let name, let change): configure(name, change)
        case .setUp(let link, let path, let mtu, _):
            links[link.name]?.isUp = true
            links[link.name]?.hasCarrier = true
            links[link.name]?.alias = Link.alias(of: path)
            links[link.name]?.mtu = mtu
            if link.sourceCheck != nil { links[link.name]?.sourceCheck = .ours }
        case .addAddress(let address): addresses.insert(address)
        case .deleteAddress(let address): addresses.remove(address)
        case .putNexthop(let nexthop): nexthops[nexthop.id] = nexthop
        case .deleteNexthop(let id): loseNexthop(id)
        case .putRoute(let route): routes[route.key] = route
        case .deleteRoute(let route): routes[route.key] = nil
        case .addRule(let rule): rules.insert(rule)
        case .deleteRule(let rule): rules.remove(rule)
        case .deleteLink(let link): loseLink(link)
        }
    }

    private mutating func make(_ name: InterfaceName, _ kind: LinkKind) {
        let index = (links.values.map(\.index).max() ?? 0) + 1
        links[name] = Link(
            index: index,
            name: name,
            kind: kind.driver,
            alias: nil,
            isUp: false,
            hasCarrier: false,
            mtu: kind == .wireGuard ? 1420 : 1500,
            received: 0,
            sent: 0
        )
        switch kind {
        case .wireGuard: tunnels[name] = WireGuardDevice()
        case .xfrm(let id): links[name]?.xfrmInterfaceID = id
        case .vlan(let vlan): links[name]?.vlan = vlan
        }
    }

    private mutating func configure(_ name: InterfaceName, _ change: WireGuardChange) {
        guard var device = tunnels[name] else { return }
        device.take(change)
        tunnels[name] = device
    }
}

extension WireGuardDevice {
    /// The interface after a change, as WireGuard would have it.
    mutating func take(_ change: WireGuardChange) {
        privateKey = change.privateKey ?? privateKey
        listenPort = change.listenPort ?? listenPort
        mark = change.mark ?? mark
        let removed = Set(change.peers.filter(\.remove).map(\.publicKey))
        peers.removeAll { removed.contains($0.publicKey) }
        var places = Dictionary(
            peers.enumerated().map { ($0.element.publicKey, $0.offset) },
            uniquingKeysWith: { first, _ in first }
        )
        // A prefix is one peer's: told to a second one, the first loses it.
        var holders: [IPPrefix: Int] = [:]
        for (place, peer) in peers.enumerated() { for prefix in peer.allowedIPs { holders[prefix] = place } }
        for wanted in change.peers where !wanted.remove {
            let place = places[wanted.publicKey] ?? peers.count
            if place == peers.count {
                peers.append(Peer(publicKey: wanted.publicKey))
                places[wanted.publicKey] = place
            }
            if let key = wanted.presharedKey { peers[place].presharedKey = key.isZero ? nil : key }
            peers[place].endpoint = wanted.endpoint ?? peers[place].endpoint
            peers[place].keepalive = wanted.keepalive ?? peers[place].keepalive
            guard let prefixes = wanted.allowedIPs else { continue }
            if !wanted.keepsAllowedIPs {
                for prefix in peers[place].allowedIPs { holders[prefix] = nil }
                peers[place].allowedIPs = []
            }
            for prefix in prefixes {
                if let holder = holders.updateValue(place, forKey: prefix) { peers[holder].allowedIPs.remove(prefix) }
                peers[place].allowedIPs.insert(prefix)
            }
        }
    }
}
