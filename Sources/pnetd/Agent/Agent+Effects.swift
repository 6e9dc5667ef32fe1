// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Logging
import NetworkTypes
import PathHealth
import ProcessLink
import SystemIO

extension Agent {
    /// A path that carried a network's traffic for so long has shown that it can.
    private static let provingTime = Duration.seconds(10)
    /// How long a closing network's routes wait for the resolver's word that its names are closed.
    private static let namesPatience = Duration.milliseconds(100)

    func judged(
        _ network: NetworkName,
        _ path: PathName,
        _ before: Verdict,
        _ verdict: Verdict,
        _ reasons: [Reason]
    ) {
        guard before != verdict else { return }
        log.notice(
            "\(path) is \(verdict.rawValue) for \(network)",
            metadata: ["was": "\(before.rawValue)", "reasons": "\(reasons.map(\.description))"]
        )
        if verdict == .down { watchEndpoints() }
        tellLivingWays()
        publish(nil)
        // A path that carries turned bad, or good again, and no decision follows that leaves it.
        if let decision = core.decision(of: network), decision == named[network],
            decision.outcome.carriers.contains(path), verdict.isUsable
        {
            record(decision, decision)
        }
    }

    /// Makes the world agree with a decision, in the order in which nothing is promised before it holds.
    func decided(_ decision: Decision, _ before: Decision) {
        let started = loop.now
        let network = decision.network
        let opens = decision.outcome.path != nil
        if opens || decision.outcome == .public {
            // Routes first: to the new path before names lead there, or to the guard before names go public.
            lead(network, decision.outcome, since: started)
            answer(network, by: decision, since: started) {}
        } else {
            // Names first: no address is given out for a network whose routes are about to fall.
            answer(network, by: decision, since: started) { [weak self] in
                guard let self, core.decision(of: network)?.outcome == .blocked else { return }
                lead(network, .blocked, since: started)
                tellUnrouted()
            }
        }
        record(decision, before)
    }

    private func lead(_ network: NetworkName, _ outcome: Outcome, since started: Instant) {
        guard routed[network] != outcome else { return }
        let isMoved = Set(routed[network]?.carriers ?? []) != Set(outcome.carriers)
        routed[network] = outcome
        moveRoutes()
        counters.took(.route, loop.now - started)
        if isMoved { cutStranded(network, since: started) }
    }

    /// Hands the decision to the resolver; `done` is called when it is in force there, or when it takes too long.
    private func answer(
        _ network: NetworkName,
        by decision: Decision,
        since started: Instant,
        done: @escaping () -> Void
    ) {
        let before = named[network]
        named[network] = decision
        let concernsNames =
            before?.generation != decision.generation || before?.outcome.path != decision.outcome.path
        guard concernsNames || names.isUnroutedNews, let serial = sendSnapshot() else { return done() }
        var isDone = false
        let finish = {
            guard !isDone else { return }
            isDone = true
            done()
        }
        names.waiting[serial, default: []].append { [weak self] in
            guard let self else { return }
            counters.took(.names, loop.now - started)
            finish()
        }
        loop.schedule(after: Self.namesPatience, finish)
    }

    private func record(_ decision: Decision, _ before: Decision) {
        let network = decision.network
        let from = networkStates[network] ?? StatusReport.NetworkState(before)
        let to = state(of: decision)
        networkStates[network] = to
        let isNews = from != to || before.outcome.carriers != decision.outcome.carriers
        guard isNews else { return publish(nil) }
        if let old = before.outcome.path, let new = decision.outcome.path, old != new {
            counters.switches[network, default: 0] += 1
        }
        for (old, since) in carrying[network] ?? [:]
        where !decision.outcome.carriers.contains(old) && before.reasons != [.drill]
            && loop.now - since >= Self.provingTime
        {
            saved.carried(network, by: old, at: clock.wallNanoseconds)
        }
        let times = decision.outcome.carriers.map { ($0, carrying[network]?[$0] ?? loop.now) }
        carrying[network] = Dictionary(times) { first, _ in first }
        let since = clock.wallNanoseconds - (loop.now - decision.since).nanoseconds
        saved.realms[network.text] = SavedState.Realm(
            generation: decision.generation,
            isPublic: decision.outcome == .public,
            since: since,
            switches: counters.switches[network] ?? 0
        )
        let event = WatchEvent(
            time: Timestamp.text(wallNanoseconds: clock.wallNanoseconds),
            network: network,
            from: from,
            to: to,
            fromPath: before.outcome.path,
            path: decision.outcome.path,
            fromCarriers: before.outcome.carriers,
            carriers: decision.outcome.carriers,
            reasons: (decision.reasons + faults(of: decision)).map(\.description),
            generation: decision.generation
        )
        log.notice(
            "\(network): \(from.rawValue) -> \(to.rawValue)",
            metadata: [
                "path": "\(decision.outcome.carriers.together)", "was": "\(before.outcome.carriers.together)",
                "generation": "\(decision.generation)", "reasons": "\(event.reasons)",
            ]
        )
        publish(event)
        tellManager()
        if from != to {
            raiseAlert(
                event,
                since: before.outcome == decision.outcome ? event.time : Timestamp.text(wallNanoseconds: since)
            )
        }
        save()
    }

    /// A network's state by its decision, and by how its path carries.
    func state(of decision: Decision) -> StatusReport.NetworkState {
        faults(of: decision).isEmpty ? StatusReport.NetworkState(decision) : .degraded
    }

    /// What is bad about the paths that carry a network.
    private func faults(of decision: Decision) -> [Reason] {
        let health = core.report.first { $0.decision.network == decision.network }
        let bad = health?.paths.filter { decision.outcome.carriers.contains($0.path) && $0.verdict == .degraded }
        return bad?.flatMap(\.reasons) ?? []
    }

    /// One line for `systemctl status`.
    func tellManager() {
        let networks = core.report.map { network in
            let carriers = network.decision.outcome.carriers
            let way = carriers.isEmpty ? "" : " by \(carriers.together)"
            return "\(network.decision.network) \(state(of: network.decision).rawValue)\(way)"
        }
        manager.tell("STATUS=\(networks.joined(separator: ", "))")
    }

    func publish(_ event: WatchEvent?) {
        control?.publish(
            WatchUpdate(
                time: Timestamp.text(wallNanoseconds: clock.wallNanoseconds),
                event: event,
                report: statusReport()
            )
        )
    }
}
