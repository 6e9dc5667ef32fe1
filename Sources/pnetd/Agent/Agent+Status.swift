// SPDX-License-Identifier: Apache-2.0

import Configuration
import ControlAPI
import NetworkTypes
import PathHealth
import ProcessLink
import SystemIO
import Tunnel

extension Agent {
    /// All that is known now.
    func statusReport() -> StatusReport {
        let health = core.report
        return StatusReport(
            site: site.site,
            version: Version.text,
            generation: health.map(\.decision.generation).max() ?? 0,
            paths: site.paths.map(report),
            networks: zip(site.networks, health).map(report),
            resolver: site.resolver.map { _ in
                StatusReport.Resolver(
                    state: serviceState(.resolver),
                    queries: UInt64(AcceptedMetrics.queries(counters.resolver))
                )
            },
            frontend: wantedRoles.contains(.frontend) ? StatusReport.Frontend(state: serviceState(.frontend)) : nil,
            xfrm: xfrmReport,
            nameSets: nameSetReports,
            warnings: warnings.flatMap(\.texts),
            foreignChanges: kernelWork.foreign.recent
        )
    }

    private func serviceState(_ role: LinkRole) -> StatusReport.ServiceState {
        if processes.isConnected(role) { return .up }
        return loop.now - started < .seconds(5) ? .starting : .down
    }

    func time(_ instant: Instant) -> String {
        Timestamp.text(wallNanoseconds: clock.wallNanoseconds - (loop.now - instant).nanoseconds)
    }

    private func report(_ path: PathConfiguration) -> StatusReport.Path {
        let state = paths[path.name]
        let seen = core.verdict(of: path.name)
        let peer = firstPeer(of: path)
        let isUsed = seen != nil
        var reasons = seen?.reasons.map(\.description) ?? []
        var verdict = StatusReport.Verdict(seen?.verdict ?? .starting)
        if !isUsed, case .unusable(let reason) = state?.condition {
            verdict = .down
            reasons = [reason.description]
        } else if !isUsed, state?.condition == .ready {
            verdict = .up
        }
        let error = failures.first { $0.hasPrefix("\(path.name): ") }
        return StatusReport.Path(
            name: path.name,
            kind: StatusReport.Path.Kind(path.kind),
            implementation: path.wireGuard == nil
                ? nil : state?.implementation.map { $0 == .kernel ? .kernel : .userspace },
            interface: path.interface,
            underlay: path.below,
            gateways: path.routed?.gateways ?? [],
            endpoint: peer?.endpoint,
            endpointName: path.peers.first?.endpoint.flatMap { $0.name == nil ? nil : $0.description },
            verdict: verdict,
            since: time(seen?.since ?? started),
            reasons: reasons,
            mtu: state?.link?.mtu,
            carriedMTU: saved.carriedMTUs?[path.name.text],
            handshakeAgeSeconds: peer.flatMap(handshakeAge).map { Int($0) },
            rxBytes: state?.link?.received,
            txBytes: state?.link?.sent,
            lastError: error,
            bfd: sessionReport(path.name),
            ipsec: ipsecReport(path),
            stamp: stampReport(path.name),
            reflector: reflectorReport(path.name)
        )
    }

    /// The path's first peer as it was read last, under the key that it goes by.
    func firstPeer(of path: PathConfiguration) -> WireGuardDevice.Peer? {
        let key = path.peers.first.flatMap { peer in
            let isHeir = heirs.contains(EndpointBook.Peer(path: path.name, key: peer.publicKey))
            return isHeir ? peer.nextPublicKey : peer.publicKey
        }
        return paths[path.name]?.device?.peers.first { $0.publicKey == key }
    }

    /// Seconds since the last handshake. The kernel gives wall time, so a clock that was set spoils it for a while.
    func handshakeAge(_ peer: WireGuardDevice.Peer) -> Double? {
        peer.lastHandshake.map { max(0, Double(clock.wallNanoseconds - $0) / 1e9) }
    }

    private func report(_ network: NetworkConfiguration, _ health: NetworkHealth) -> StatusReport.Network {
        let decision = health.decision
        // The probes are bound to the paths and notice nothing of it.
        let isLedAway = decision.outcome.path != nil && !precedences.isEmpty
        let carriers = decision.outcome.carriers
        let bad = health.paths.filter { carriers.contains($0.path) && $0.verdict == .degraded }
        return StatusReport.Network(
            name: network.name,
            state: isLedAway || !bad.isEmpty ? .degraded : StatusReport.NetworkState(decision),
            path: decision.outcome.path,
            carriers: carriers,
            since: time(decision.since),
            switches: counters.switches[network.name] ?? 0,
            reasons: (decision.reasons + bad.flatMap(\.reasons)).map(\.description) + (isLedAway ? precedences : []),
            prefixes: network.prefixes,
            zones: network.zones.map(\.name),
            paths: health.paths.map { path in
                StatusReport.Network.PathThrough(
                    path: path.path,
                    verdict: StatusReport.Verdict(path.verdict),
                    reasons: path.reasons.map(\.description),
                    rttMs: path.roundTrips?.smoothed.map { $0.inSeconds * 1e3 },
                    jitterMs: path.roundTrips?.smoothed == nil
                        ? nil : path.roundTrips.map { $0.variation.inSeconds * 1e3 },
                    lossRatio: path.roundTrips?.lossRatio,
                    detectionMs: path.outlook.map { $0.detection.inSeconds * 1e3 },
                    silentTargets: path.silentTargets.map(\.description),
                    failingTargets: path.failures.map(\.description),
                    lastProvenGood: provenGood(path, decision).map { Timestamp.text(wallNanoseconds: $0) },
                    drillFailure: saved.proof(of: network.name, by: path.path)?.failure
                )
            },
            preferred: core.preference(of: network.name)?.path
        )
    }

    /// When a path was last shown to carry a network's traffic, in nanoseconds since 1970: what carries it well does so now.
    func provenGood(_ path: NetworkHealth.Path, _ decision: Decision) -> Int64? {
        let proof = saved.proof(of: decision.network, by: path.path)
        let isCarrying = decision.outcome.carriers.contains(path.path) && path.verdict == .up && !decision.provisional
        return isCarrying && proof?.failure == nil ? clock.wallNanoseconds : proof?.proven
    }

    /// Health as `/healthz` gives it.
    func health() -> Health {
        let report = statusReport()
        let networks = report.networks.filter { $0.state != .up }.map { "\($0.name) is \($0.state.rawValue)" }
        let paths = report.paths.filter { $0.verdict != .up }.map { "\($0.name) is \($0.verdict.rawValue)" }
        return Health(state: report.state.rawValue, reasons: networks + paths)
    }
}
