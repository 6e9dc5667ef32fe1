// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
public import PathHealth

extension NetworkPolicy {
    /// What the file says of one network.
    /// - Parameter paths: those of the file.
    public init(_ network: NetworkConfiguration, among paths: [PathConfiguration]) {
        let need: TargetNeed =
            switch network.targets.need {
            case .any: .any
            case .all: .all
            case .count(let count): .count(count)
            }
        let failback: PathHealth.Failback =
            switch network.failback {
            case .auto(let after, _): .automatic(after: after)
            case .manual: .manual
            }
        self.init(
            network: network.name,
            paths: network.paths,
            priorities: network.priorities.filter { network.group(of: $0.key).count > 1 },
            targets: network.targets.list.map(Target.init),
            need: need,
            promise: DetectionPromise(
                within: network.detection.within,
                falseAlarmsPerYear: network.detection.falseAlarmsPerYear
            ),
            degraded: QualityLimits(
                loss: network.degraded.loss,
                roundTrip: network.degraded.roundTrip,
                jitter: network.degraded.jitter
            ),
            metered: Set(paths.filter { network.paths.contains($0.name) && $0.isMetered }.map(\.name)),
            failback: failback,
            damping: network.damping,
            whenDown: network.whenDown == .block ? .block : .public
        )
    }
}

extension Target {
    /// What the file says of one target.
    public init(_ target: TargetsConfiguration.Target) {
        self =
            switch target {
            case .icmp(let address): .icmp(address)
            case .tcp(let endpoint): .tcp(endpoint)
            case .dns(let server, let zone): .dns(server, zone: zone)
            case .tls(let server):
                if let request = server.request {
                    .https(server.endpoint, name: server.name, path: request.path, every: server.interval)
                } else {
                    .tls(server.endpoint, name: server.name, every: server.interval)
                }
            }
    }
}

extension SiteConfiguration {
    /// What the file asks of health and decisions.
    public var policies: [NetworkPolicy] { networks.map { NetworkPolicy($0, among: paths) } }
}
