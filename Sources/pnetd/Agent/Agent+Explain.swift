// SPDX-License-Identifier: Apache-2.0

import Configuration
import ControlAPI
import NetworkTypes
import PathHealth
import SystemIO
import Tunnel

extension Agent {
    /// Why what goes by a name is as it is; without a name, all.
    func explain(_ name: String?) -> ExplainReport {
        let networks = zip(site.networks, core.report).filter { name == nil || $0.0.name.text == name }
        let paths = site.paths.filter { name == nil || $0.name.text == name }
        return ExplainReport(
            explanations: networks.map(explanation) + paths.map(explanation),
            names: site.networks.map(\.name.text) + site.paths.map(\.name.text)
        )
    }

    // MARK: - Networks

    private func explanation(_ network: NetworkConfiguration, _ health: NetworkHealth) -> Explanation {
        let decision = health.decision
        let state = state(of: decision).rawValue
        let way = decision.outcome.carriers.isEmpty ? "" : " by \(decision.outcome.carriers.together)"
        let changes = counters.switches[network.name] ?? 0
        return Explanation(
            "\(network.name) is \(state)\(way), for \(age(decision.since)); generation \(decision.generation), "
                + (changes == 1 ? "1 switch in all" : "\(changes) switches in all"),
            because: decision.reasons.map { Explanation("when that was decided: \($0)") }
                + (core.preference(of: network.name).map { [Explanation("\($0.path) is put first: \($0.reason)")] }
                    ?? [])
                + health.paths.enumerated().map { explanation($1, place: $0, of: network, decision) }
                + [names(of: network, decision), kernelFacts(of: network)] + warnings(naming: [network.name.text])
        )
    }

    private func explanation(
        _ path: NetworkHealth.Path,
        place: Int,
        of network: NetworkConfiguration,
        _ decision: Decision
    ) -> Explanation {
        let rank = "\(place + 1). \(path.path)"
        return Explanation(
            "\(rank) is \(path.verdict.rawValue), for \(age(path.since)), and \(use(of: path, network, decision))",
            because: path.reasons.map { Explanation($0.description) } + proof(of: path, decision)
                + connectionFacts(of: network.name, by: path.path)
                + path.targets.map { target in
                    let subject = ProbeSubject(network: network.name, path: path.path, target: target.target)
                    let statements = target.statements + certificateFacts(of: subject)
                    return Explanation("\(target.target)", because: statements.map { Explanation($0) })
                }
        )
    }

    private func proof(of path: NetworkHealth.Path, _ decision: Decision) -> [Explanation] {
        if let failure = saved.proof(of: decision.network, by: path.path)?.failure {
            return [Explanation("its last drill failed: \(failure)")]
        }
        guard !decision.outcome.carriers.contains(path.path) else { return [] }
        let age = provenGood(path, decision).map { Duration.nanoseconds(max(clock.wallNanoseconds - $0, 0)).shortText }
        let last = age.map { "last carried its traffic \($0) ago" } ?? "has not carried its traffic yet"
        return [Explanation("it \(last) (pnetctl drill \(decision.network) tries it)")]
    }

    private func certificateFacts(of subject: ProbeSubject) -> [String] {
        let probes = probes?.tls
        let shown = probes?.expiries[subject].map { "its certificate \(validity($0))" }
        let own = probes?.identityExpiries[TLSProbes.Place(subject)].map { "the one that it is shown \(validity($0))" }
        return [shown, own].compactMap { $0 }
    }

    /// How long a certificate is valid that ends then, in seconds since 1970.
    func validity(_ expires: Int64) -> String {
        let left = Double(expires) - Double(clock.wallNanoseconds) / 1e9
        let time = Duration.seconds(min(abs(left), 1e9)).shortText
        return left < 0 ? "expired \(time) ago" : "is valid for another \(time)"
    }

    /// What a path does for a network, and when it will do more.
    private func use(of path: NetworkHealth.Path, _ network: NetworkConfiguration, _ decision: Decision) -> String {
        if case .active(let active, let others, let standby) = decision.outcome {
            if decision.outcome.carriers.contains(path.path) {
                return others.isEmpty
                    ? "carries its traffic" : "carries its traffic, \(share(of: path.path, network, decision))"
            }
            if let returns = path.returns {
                let wait = max(returns - loop.now, .zero).shortText
                let isShared = network.group(of: active).contains(path.path)
                return isShared
                    ? "takes part in carrying its traffic in \(wait), if it stays so"
                    : "takes its traffic back in \(wait), if it stays so"
            }
            if path.verdict == .up, network.paths.prefix(while: { $0 != active }).contains(path.path),
                case .auto(_, let window?) = network.failback, !core.isFailbackOpen(for: network.name)
            {
                return "is better, and traffic comes back to it within \(window) only (failback: window)"
            }
            if path.path == standby { return "stands by: the kernel falls to it by itself where a carrier is lost" }
        }
        guard path.verdict.isUsable else { return "is not used" }
        if case .manual = network.failback { return "is not used: nothing comes back by itself (failback: manual)" }
        return "is not used"
    }

    /// How much of the traffic goes by one of several paths: so much of the flows, not of the octets.
    private func share(of path: PathName, _ network: NetworkConfiguration, _ decision: Decision) -> String {
        let weights = decision.outcome.carriers.map { network.weights[$0] ?? 1 }
        return "\(network.weights[path] ?? 1) of \(weights.reduce(0, +)) parts of the flows"
    }

    private func names(of network: NetworkConfiguration, _ decision: Decision) -> Explanation {
        guard !network.zones.isEmpty else { return Explanation("no name belongs to it") }
        let answers =
            switch decision.outcome {
            case .active: "are answered by its own servers and records, asked through the path"
            case .blocked: "are not answered (resolver: when-blocked)"
            case .public: "are answered as the public has them"
            }
        return Explanation("its names \(answers)", because: network.zones.map { Explanation("\($0.name)") })
    }

    private func kernelFacts(of network: NetworkConfiguration) -> Explanation {
        let commands = desired.networks.first { $0.name == network.name }.map(reconciler.commands) ?? []
        return Explanation("in the kernel, to be seen with", because: commands.map { Explanation($0) })
    }

    // MARK: - Paths

    private func explanation(_ path: PathConfiguration) -> Explanation {
        let report = statusReport().paths.first { $0.name == path.name }
        let verdict = report?.verdict.rawValue ?? "starting"
        let networks = core.report.compactMap { network in
            network.paths.first { $0.path == path.name }.map { seen in
                Explanation(
                    "for \(network.decision.network) it is \(seen.verdict.rawValue), for \(age(seen.since))",
                    because: seen.reasons.map { Explanation($0.description) }
                        + connectionFacts(of: network.decision.network, by: path.name)
                )
            }
        }
        let last = report?.lastError.map { [Explanation("last error: \($0)")] } ?? []
        return Explanation(
            "\(path.name) is \(verdict)" + (core.verdict(of: path.name).map { ", for \(age($0.since))" } ?? ""),
            because: (report?.reasons ?? []).map { Explanation($0) } + networks + [interfaceFacts(of: path)]
                + peerFacts(of: path) + ipsecFacts(of: path) + xfrmFacts(of: path) + sessionFacts(of: path)
                + stampFacts(of: path) + detourFacts(of: path) + last + [kernelFacts(of: path)]
                + warnings(naming: [path.name.text, path.interface.text, path.carrier.text])
        )
    }

    private func interfaceFacts(of path: PathConfiguration) -> Explanation {
        let name = path.interface
        guard let state = paths[path.name], let link = state.link else {
            return Explanation("its interface \(name) is not there")
        }
        let means =
            switch path.kind {
            case .wireGuard(let tunnel):
                ", of \(state.implementation.map { $0 == .kernel ? "the kernel's WireGuard" : "userspace WireGuard" } ?? "nobody that pnetd knows")"
                    + ", over \(tunnel.underlay.interface)"
            case .ipsec(let tunnel):
                ", of the kernel's IPsec, over \(tunnel.underlay.interface)"
            case .routed(let line):
                (line.vlan.map { ", VLAN \($0.id) of \($0.parent)" } ?? "")
                    + ", by " + line.gateways.map(\.description).joined(separator: " and ")
            }
        return Explanation(
            "its interface \(name) is \(link.isUp ? "up" : "down")\(means), MTU \(link.mtu)",
            because: saved.carriedMTUs?[path.name.text].map {
                [Explanation("of that, packets of \($0) octets get through to its targets and back")]
            } ?? []
        )
    }

    private func ipsecFacts(of path: PathConfiguration) -> [Explanation] {
        guard let tunnel = ipsecReport(path) else { return [] }
        var facts = ["\(tunnel.charon ?? "charon, which was not seen yet,") keeps it"]
        if let algorithms = tunnel.algorithms { facts.append("IKE: \(algorithms)") }
        if let algorithms = tunnel.childAlgorithms {
            facts.append("ESP\(tunnel.isEncapsulated ? " in UDP" : ""): \(algorithms)")
        }
        if let seconds = tunnel.rekeySeconds {
            facts.append("its keys are renewed in \(Duration.seconds(seconds).shortText)")
        }
        if let protection = tunnel.quantumProtection { facts.append(protection.text) }
        if let days = tunnel.certificateDaysLeft { facts.append("our certificate is valid for \(days) days") }
        if let failure = tunnel.failure { facts.append("the last attempt failed: \(failure)") }
        let remote = tunnel.remote.map(\.description) ?? "a gateway whose address is not known yet"
        return [
            Explanation(
                "its IKE_SA with \(remote) is \(tunnel.state ?? "not there"), its CHILD_SA \(tunnel.childState ?? "not there")",
                because: facts.map { Explanation($0) }
            )
        ]
    }

    private func peerFacts(of path: PathConfiguration) -> [Explanation] {
        guard let peer = firstPeer(of: path) else { return [] }
        let place = peer.endpoint.map { "is called at \($0)" } ?? "is called nowhere: its endpoint is not known"
        let handshake =
            handshakeAge(peer).map { "last handshake \(Duration.seconds($0).shortText) ago" } ?? "no handshake yet"
        let counts = "\(peer.received) octets received, \(peer.sent) sent"
        let more = path.peers.count > 1 ? " (the first of \(path.peers.count))" : ""
        return [
            Explanation(
                "its peer \(peer.publicKey)\(more) \(place)",
                because: [Explanation(handshake), Explanation(counts)]
            )
        ]
    }

    private func sessionFacts(of path: PathConfiguration) -> [Explanation] {
        guard let session = sessionReport(path.name) else { return [] }
        let detection = session.detectionMs.map { Duration.milliseconds(Int64($0)).shortText }
        // The edge router of a line is the carrier's: whether the carrier's network behind it works, it does not know.
        let isOneHop = path.routed != nil && path.bfd?.minimumTTL == nil
        let reach =
            isOneHop ? ["it proves the hop to \(session.peer) and nothing behind it: targets prove the rest"] : []
        return [
            Explanation(
                "its BFD session with \(session.peer) is \(session.state.rawValue), since \(session.since) "
                    + "(\(session.diagnostic))",
                because: [
                    Explanation("the far end says \(session.remoteState.rawValue) (\(session.remoteDiagnostic))"),
                    Explanation(
                        detection.map { "it is down when no packet comes for \($0)" } ?? "no packet came from there"
                    ),
                    Explanation(
                        session.authentication.map { "both ends sign: \($0)" } ?? "its packets are not signed"
                    ),
                ] + (reach + session.refused.map { "discarded: \($0)" }).map { Explanation($0) }
            )
        ]
    }

    private func stampFacts(of path: PathConfiguration) -> [Explanation] {
        guard let session = stampReport(path.name) else { return [] }
        let (numbering, loss) =
            stamp?.prober(of: path.name)?.inspect { ($0.numbering, $0.recentLoss) } ?? (.unknown, nil)
        var facts = ["\(session.answered) of \(session.sent) questions were answered"]
        if let loss {
            facts.append("of late \(loss.there.lost) of \(loss.there.of) packets were lost towards the far end")
            facts.append("of late \(loss.back.lost) of \(loss.back.of) packets were lost on the way back")
        } else if numbering == .copied {
            facts.append("it does not number its answers itself: on which way packets are lost cannot be told")
        }
        return [
            Explanation(
                "its STAMP reflector \(session.peer) is \(session.state.rawValue)",
                because: facts.map { Explanation($0) }
            )
        ]
    }

    private func kernelFacts(of path: PathConfiguration) -> Explanation {
        let commands = desired.paths.first { $0.name == path.name }.map { reconciler.commands(of: $0) } ?? []
        return Explanation("in the kernel, to be seen with", because: commands.map { Explanation($0) })
    }

    // MARK: - Both

    private func warnings(naming names: [String]) -> [Explanation] {
        warnings.flatMap(\.texts).filter { text in names.contains { text.hasPrefix("\($0): ") } }.map {
            Explanation("warning: \($0)")
        }
    }

    private func age(_ since: Instant) -> String { max(loop.now - since, .zero).shortText }
}
