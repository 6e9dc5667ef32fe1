// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

extension Reading {
    /// The section `networks`.
    func networks(_ node: YAMLNode) -> [NetworkConfiguration] {
        guard let entries = mapping(node, "networks") else { return [] }
        if entries.isEmpty { error(node.mark, "networks is empty") }
        if let first = entries.dropFirst(Reservation.networkLimit).first {
            error(first.mark, "more than \(Reservation.networkLimit) networks")
        }
        let networks = entries.compactMap(network)
        let named = Set(declared.zones.map(\.value))
        return networks.map { $0.withoutPresetZones(in: named) }
    }

    private func network(_ entry: YAMLNode.Entry) -> NetworkConfiguration? {
        let name: NetworkName? = self.name(entry.key, at: entry.mark, "networks")
        declared.networks.append(entry.key)
        guard
            let section = Section(
                entry.value,
                of: "network '\(entry.key)'",
                at: entry.mark,
                keys: [
                    "prefixes", "paths", "mtu", "targets", "detect", "degraded", "failback", "drill", "when-down",
                    "zones",
                ],
                planned: ["gateway", "nat", "segments"],
                reading: self
            )
        else {
            declared.networksWithUnknownPrefixes.insert(entry.key)
            return nil
        }
        let prefixes = self.prefixes(section.required("prefixes"), of: entry.key)
        let uses = section.required("paths").flatMap { list($0, "paths") }?
            .compactMap { use($0, of: entry.key) }
        let mtu = section["mtu"].flatMap { self.mtu($0, of: entry.key) }
        if let mtu { declared.networkMTUs.append(mtu) }
        let targets = section.required("targets").flatMap { self.targets($0, of: entry.key) }
        let detection = section["detect"].map(self.detection) ?? DetectionConfiguration()
        let degraded = section["degraded"].map(self.degraded) ?? DegradedConfiguration()
        let (failback, damping) = section["failback"].flatMap(self.failback) ?? (.auto(after: .seconds(60)), true)
        let whenDown =
            section["when-down"].flatMap { choice($0, "when-down", of: NetworkConfiguration.WhenDown.self) } ?? .block
        let zones = section["zones"].flatMap { self.zones($0, of: entry.key) }
        let drill = section["drill"].flatMap { self.drill($0, of: entry.key, targets: targets) }
        guard let name, let uses, let targets else { return nil }
        return NetworkConfiguration(
            name: name,
            prefixes: prefixes,
            paths: uses.map(\.path),
            priorities: Dictionary(uses.map { ($0.path, $0.priority) }, uniquingKeysWith: { first, _ in first })
                .compactMapValues(\.self),
            weights: Dictionary(uses.map { ($0.path, $0.weight) }, uniquingKeysWith: { first, _ in first }),
            mtu: mtu?.value,
            targets: targets,
            detection: detection,
            degraded: degraded,
            failback: failback,
            damping: damping,
            drill: drill ?? DrillConfiguration(),
            whenDown: whenDown,
            zones: zones ?? []
        )
    }

    private func prefixes(_ node: YAMLNode?, of network: String) -> [IPPrefix] {
        let items = node.flatMap { list($0, "prefixes") } ?? []
        let prefixes = items.compactMap { item -> IPPrefix? in
            guard let prefix = self.prefix(item, "prefixes") else { return nil }
            declared.prefixes.append(Sighting(value: prefix, owner: network, mark: item.mark))
            return prefix
        }
        if prefixes.isEmpty || prefixes.count < items.count { declared.networksWithUnknownPrefixes.insert(network) }
        return prefixes
    }

    private enum FailbackMode: String, CaseIterable {
        case auto
        case manual
    }

    private enum Damping: String, CaseIterable {
        case on
        case off
    }

    private func failback(_ node: YAMLNode) -> (NetworkConfiguration.Failback, damping: Bool)? {
        guard
            let section = Section(
                node,
                of: "failback",
                keys: ["mode", "after", "window", "damping"],
                reading: self
            )
        else { return nil }
        let damping = section["damping"].flatMap { choice($0, "damping", of: Damping.self) } != .off
        let after = section["after"].flatMap {
            duration($0, "after", in: .zero ... .seconds(7 * 86_400), saying: "0s to 7d")
        }
        let window = section["window"].flatMap {
            value($0, "window", as: WeeklyWindow.self, form: "a time such as \"Sat 02:00-04:00\" or \"02:00-04:00\"")
        }
        let mode = section["mode"].map { choice($0, "mode", of: FailbackMode.self) } ?? .auto
        guard mode == .manual else { return (.auto(after: after ?? .seconds(60), in: window), damping) }
        for key in ["after", "window"] {
            guard let node = section[key] else { continue }
            error(node.mark, "'\(key)' has no meaning with mode manual", hint: "remove it, or mode: auto")
        }
        return (.manual, damping)
    }
}
