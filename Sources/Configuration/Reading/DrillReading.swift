// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

extension Reading {
    /// The section `drill` of a network.
    ///
    /// - Parameter targets: the network's; nil where they could not be read.
    func drill(_ node: YAMLNode, of network: String, targets: TargetsConfiguration?) -> DrillConfiguration? {
        guard
            let section = Section(
                node,
                of: "the drill of network '\(network)'",
                keys: ["window", "hold", "prefix", "target", "source"],
                reading: self
            )
        else { return nil }
        let window = section["window"].flatMap {
            value($0, "window", as: WeeklyWindow.self, form: "a time such as \"Sun 03:00-04:00\"")
        }
        let hold = section["hold"].flatMap {
            duration($0, "hold", in: DrillConfiguration.holds, saying: DrillConfiguration.holdsText)
        }
        let prefix = section["prefix"].flatMap { self.prefix($0, "prefix") }
        if let prefix, let mark = section["prefix"]?.mark {
            declared.drillPrefixes.append(Sighting(value: prefix, owner: network, mark: mark))
        }
        let target = section["target"].flatMap { node -> IPAddress? in
            guard let target = address(node, "target") else { return nil }
            declared.targets.append(Sighting(value: target, owner: network, mark: node.mark))
            if let prefix, !prefix.contains(target) {
                error(
                    node.mark,
                    "target \(target) lies outside of prefix \(prefix)",
                    hint: "what is led elsewhere is asked"
                )
            }
            return target
        }
        let source = section["source"].flatMap { address($0, "source") }
        let drill = DrillConfiguration(
            window: window,
            hold: hold ?? DrillConfiguration.usualHold,
            prefix: prefix,
            target: target,
            source: source
        )
        if section["target"] == nil, let targets, drill.target(among: targets) == nil {
            let place = prefix.map { "in \($0)" } ?? "among its targets"
            error(
                node.mark,
                "a drill finds nobody to ask \(place)",
                hint: "target: ADDRESS, one that answers an ICMP echo"
            )
        }
        return drill
    }
}
