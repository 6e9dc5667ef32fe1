// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

extension Reading {
    /// The zones of a network. A zone that a preset has and the file names as well is as the file says.
    func zones(_ node: YAMLNode, of network: String) -> [ZoneConfiguration]? {
        list(node, "zones", mayBeEmpty: true)?.flatMap { item in
            item["preset"] == nil ? [zone(item, of: network)].compactMap(\.self) : presetZones(item, of: network)
        }
    }

    private func presetZones(_ node: YAMLNode, of network: String) -> [ZoneConfiguration] {
        let what = "a zone preset of network '\(network)'"
        guard
            let section = Section(
                node,
                of: what,
                keys: ["preset", "forward", "regions"] + Self.forwardTermKeys,
                reading: self
            ),
            let value = section["preset"],
            let preset = choice(value, "preset", of: ZonePreset.self)
        else { return [] }
        declared.zonePresets.append(Sighting(value: preset.rawValue, owner: network, mark: value.mark))
        let regions = section["regions"].flatMap { self.regions($0, of: preset) } ?? []
        if section["regions"] == nil, !preset.hasZonesWithoutRegion {
            error(section.mark, "preset \(preset.rawValue) has no zones without a region", hint: "regions: [REGION]")
        }
        guard let servers = section.required("forward").map({ self.servers($0, of: network) }) else { return [] }
        let terms = forwardTerms(of: section, beside: "forward")
        let zones = preset.zones(in: regions)
        for zone in zones { declared.presetZones.append(Sighting(value: zone, owner: network, mark: value.mark)) }
        return zones.map {
            ZoneConfiguration(
                name: $0,
                source: .forward(servers),
                terms: terms,
                hasPointers: false,
                hosts: .none,
                isOfPreset: true
            )
        }
    }

    private func regions(_ node: YAMLNode, of preset: ZonePreset) -> [String]? {
        guard preset.hasRegions else {
            error(node.mark, "preset \(preset.rawValue) has no regions", hint: "remove it")
            return nil
        }
        return (list(node, "regions") ?? []).compactMap { item -> String? in
            guard let region = text(item, "regions") else { return nil }
            // As the clouds write them: germanywestcentral, eu-central-1.
            guard region.utf8.count <= 40, region.utf8.allSatisfy({ $0.isASCIILowercaseOrDigit || $0 == 0x2d }) else {
                error(item.mark, "regions: '\(region)' is no region", hint: "as in westeurope or eu-central-1")
                return nil
            }
            return region
        }
    }
}

extension UInt8 {
    fileprivate var isASCIILowercaseOrDigit: Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self)
    }
}

extension NetworkConfiguration {
    /// The same without the zones of presets that the file names itself.
    func withoutPresetZones(in named: Set<DomainName>) -> NetworkConfiguration {
        var network = self
        network.zones = zones.filter { !$0.isOfPreset || !named.contains($0.name) }
        return network
    }
}
