// SPDX-License-Identifier: Apache-2.0
// Who lies where: an address is reached through the network with the longest prefix that holds it.

import NetworkTypes

extension Reading {
    /// The longest protected prefix that holds an address.
    private func prefix(holding address: IPAddress) -> Sighting<IPPrefix>? {
        declared.prefixes.filter { $0.value.contains(address) }.max { $0.value.length < $1.value.length }
    }

    /// A tunnel's endpoint must be reachable without the tunnels.
    func checkEndpoints() {
        for endpoint in declared.endpoints {
            switch endpoint.value.host {
            case .address(let address):
                guard let holder = prefix(holding: address) else { continue }
                let message = "endpoint \(address) lies in \(holder.value) of network '\(holder.owner)'"
                error(endpoint.mark, message, hint: "the guard would drop the tunnel's own packets")
            case .name(let name):
                guard let zone = (declared.zones + declared.presetZones).first(where: { name.isWithin($0.value) })
                else { continue }
                let message =
                    "endpoint '\(name.withoutRootDot)' lies in zone '\(zone.value.withoutRootDot)' "
                    + "of network '\(zone.owner)'"
                error(endpoint.mark, message, hint: "its name would be answered through the tunnel it is to open")
            }
        }
        for gateway in declared.gateways {
            guard let holder = prefix(holding: gateway.value) else { continue }
            let message = "gateway \(gateway.value) lies in \(holder.value) of network '\(holder.owner)'"
            error(gateway.mark, message, hint: "a line's router is on the line, not behind it")
        }
        for resolver in declared.underlayResolvers {
            guard let holder = prefix(holding: resolver.value) else { continue }
            let message = "resolver \(resolver.value) lies in \(holder.value) of network '\(holder.owner)'"
            error(resolver.mark, message, hint: "the guard would drop the questions; an underlay's resolver is outside")
        }
    }

    /// Targets and servers are asked through their network's paths, so they must lie in its prefixes.
    func checkPlacement() {
        check(declared.targets, "target")
        check(declared.forwardServers, "server")
        for drill in declared.drillPrefixes where !declared.networksWithUnknownPrefixes.contains(drill.owner) {
            let holders = declared.prefixes.filter { $0.value.contains(drill.value) }
            let holder = holders.max { $0.value.length < $1.value.length }
            guard holder?.owner != drill.owner else { continue }
            let place =
                holder.map { "in \($0.value) of network '\($0.owner)'" } ?? "in no prefix of network '\(drill.owner)'"
            error(drill.mark, "prefix \(drill.value) lies \(place)", hint: "a drill leads a part of its own network")
        }
    }

    /// An address that is answered is reached through a path only if a network has it; one of a public look would leave in the
    /// open.
    func checkZonePrefixes() {
        guard declared.networksWithUnknownPrefixes.isEmpty else { return }
        for prefix in declared.zonePrefixes
        where !declared.prefixes.contains(where: { $0.value.contains(prefix.value) }) {
            let message = "prefixes: \(prefix.value) of \(prefix.owner) lies in no network's prefixes"
            error(prefix.mark, message, hint: "add it to the network's: its names would lead past the paths")
        }
    }

    private func check(_ sightings: [Sighting<IPAddress>], _ what: String) {
        for sighting in sightings where !declared.networksWithUnknownPrefixes.contains(sighting.owner) {
            let holder = prefix(holding: sighting.value)
            if let holder, holder.owner != sighting.owner {
                let message = "\(what) \(sighting.value) lies in \(holder.value) of network '\(holder.owner)'"
                error(sighting.mark, message, hint: "its packets would take that network's paths")
            } else if holder == nil {
                let message = "\(what) \(sighting.value) lies in no prefix of network '\(sighting.owner)'"
                error(sighting.mark, message, hint: "its packets would not take the network's paths")
            }
        }
    }
}
