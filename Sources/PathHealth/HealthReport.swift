// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// What the core thinks of one network, to be shown.
public struct NetworkHealth: Hashable, Sendable {
    /// One path, as this network sees it.
    public struct Path: Hashable, Sendable {
        /// The path.
        public let path: PathName
        /// Its verdict for this network.
        public let verdict: Verdict
        /// Why it is not up, or why it is not used; empty where nothing is to be said.
        public let reasons: [Reason]
        /// Since when.
        public let since: Instant
        /// The best target's round trips; nil before any probe.
        public let roundTrips: RoundTrips?
        /// How the promise of its detection stands.
        public let outlook: DetectionOutlook?
        /// Targets that do not answer through it, while enough others do.
        public let silentTargets: [Target]
        /// Why targets that are asked at their own pace do not serve through it, while enough others answer.
        public let failures: [Reason]
        /// Each target as it is seen through the path.
        public let targets: [TargetHealth]
        /// When traffic comes back to it by itself if it stays as it is; nil where it does not, or is there already.
        public let returns: Instant?
    }

    /// The decision in force.
    public let decision: Decision
    /// The network's paths, best first.
    public let paths: [Path]
}

extension HealthCore {
    /// What the core thinks of every network, in the file's order.
    public var report: [NetworkHealth] {
        networks.map { network in
            let returns = network.decider.returns(network.candidates)
            return NetworkHealth(
                decision: network.decider.current,
                paths: zip(network.policy.paths, network.views).map { path, view in
                    NetworkHealth.Path(
                        path: path,
                        verdict: view.verdict,
                        reasons: view.reasons,
                        since: view.since,
                        roundTrips: view.liveness.map(\.roundTrips).min { $0.lossRatio ?? 1 < $1.lossRatio ?? 1 },
                        outlook: view.outlook,
                        silentTargets: view.silentTargets,
                        failures: view.failures,
                        targets: zip(view.targets, view.liveness).map(TargetHealth.init)
                            + view.paced.map { TargetHealth($0, besideSmall: view.carriesSmallPackets) },
                        returns: returns[path]
                    )
                }
            )
        }
    }

    /// The decision in force for a network; nil where the file does not name it.
    public func decision(of network: NetworkName) -> Decision? {
        networks.first { $0.policy.network == network }?.decider.current
    }

    /// The paths that could carry a network's traffic now, best first.
    public func livingPaths(of network: NetworkName) -> [PathName] {
        guard let network = networks.first(where: { $0.policy.network == network }) else { return [] }
        return zip(network.policy.paths, network.views).filter(\.1.verdict.isUsable).map(\.0)
    }

    /// Who answers echoes through a path, in the file's order.
    public func answeringEchoes(through path: PathName) -> [IPAddress] {
        var addresses: [IPAddress] = []
        for network in networks {
            guard let view = network.view(of: path) else { continue }
            for (target, liveness) in zip(view.targets, view.liveness) where liveness.state == .answering {
                if case .icmp(let address) = target, !addresses.contains(address) { addresses.append(address) }
            }
        }
        return addresses
    }

    /// The decisions in force.
    public var decisions: [NetworkName: Decision] {
        Dictionary(
            networks.map { ($0.policy.network, $0.decider.current) },
            uniquingKeysWith: { first, _ in first }
        )
    }

    /// The networks that are reached through a path, be it drained or not.
    public func answered(through path: PathName) -> Set<NetworkName> {
        Set(networks.filter { $0.view(of: path)?.isAnswered ?? false }.map(\.policy.network))
    }

    /// What a path shows for all networks that use it: the worst verdict, as nothing else is known of it.
    public func verdict(of path: PathName) -> (verdict: Verdict, reasons: [Reason], since: Instant)? {
        let seen = networks.compactMap { $0.view(of: path) }
        let order: [Verdict] = [.down, .unknown, .degraded, .starting, .drained, .up]
        for verdict in order {
            if let view = seen.first(where: { $0.verdict == verdict }) {
                return (view.verdict, view.reasons, view.since)
            }
        }
        return nil
    }
}
