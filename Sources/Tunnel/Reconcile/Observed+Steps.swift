// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

extension Observed {
    /// The kernel after a step, as the kernel would have it: for saying beforehand what a plan comes to.
    mutating func take(_ step: Step) {
        switch step {
        case .putGuard(let table): self.guard = GuardTable(contents: NftTable.Contents(of: table))
        case .adoptGuard: self.guard?.isOrphan = false
        case .makeLink(let name): make(name)
        case .configure(let name, let change): configure(name, change)
        case .setUp(let link, let path, let mtu, _):
            links[link.name]?.isUp = true
            links[link.name]?.hasCarrier = true
            links[link.name]?.alias = Link.aliasPrefix + path.text
            links[link.name]?.mtu = mtu
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

    private mutating func make(_ name: InterfaceName) {
        let index = (links.values.map(\.index).max() ?? 0) + 1
        links[name] = Link(
            index: index,
            name: name,
            kind: "wireguard",
            alias: nil,
            isUp: false,
            hasCarrier: false,
            mtu: 1420,
            received: 0,
            sent: 0
        )
        tunnels[name] = WireGuardDevice()
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
        for wanted in change.peers {
            if wanted.remove {
                peers.removeAll { $0.publicKey == wanted.publicKey }
                continue
            }
            let index =
                peers.firstIndex { $0.publicKey == wanted.publicKey }
                ?? {
                    peers.append(Peer(publicKey: wanted.publicKey))
                    return peers.count - 1
                }()
            if let key = wanted.presharedKey { peers[index].presharedKey = key.isZero ? nil : key }
            peers[index].endpoint = wanted.endpoint ?? peers[index].endpoint
            peers[index].keepalive = wanted.keepalive ?? peers[index].keepalive
            guard let prefixes = wanted.allowedIPs else { continue }
            // A prefix is one peer's: told to a second one, the first loses it.
            for other in peers.indices { peers[other].allowedIPs.subtract(prefixes) }
            peers[index].allowedIPs = prefixes
        }
    }
}
