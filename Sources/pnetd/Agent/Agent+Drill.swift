// SPDX-License-Identifier: Apache-2.0

import Configuration
import ControlAPI
import Logging
import NetworkTypes
import PathHealth
import SystemIO
import Tunnel

extension Agent {
    static let isDrilling = "a drill is under way"

    /// Tries a network's standby paths out. Moves between its own paths change no name's answer, so no TTL has to run
    /// out before them.
    func drill(_ name: NetworkName, _ request: ControlRequest) -> DrillReport {
        guard let network = site.networks.first(where: { $0.name == name }) else {
            let names = site.networks.map(\.name.text).joined(separator: ", ")
            return DrillReport(.refused, network: name, reason: "there is no such network; there are \(names)")
        }
        let wanted = request.drill ?? DrillRequest()
        var plan = network.drill
        plan.prefix = wanted.prefix ?? (wanted.target == nil ? plan.prefix : nil)
        plan.target = wanted.target ?? (wanted.prefix == nil ? plan.target : nil)
        plan.source = wanted.source ?? plan.source
        if let seconds = wanted.holdSeconds { plan.hold = .milliseconds(Int64(min(max(seconds, 0), 1e6) * 1e3)) }
        let only = wanted.path.map { path in { $0 == path } } ?? { (_: PathName) in true }
        return drill(network, plan, isForced: request.allowInterruption == true, isByHand: true, only)
    }

    /// Begins the drills whose time it is.
    func watchDrills() {
        guard site.networks.contains(where: { $0.drill.window != nil }),
            let time = LocalTime(wallNanoseconds: clock.wallNanoseconds)
        else { return }
        for network in site.networks {
            let isBegun = saved.drillsBegun?.contains(network.name.text) ?? false
            guard let window = network.drill.window, window.contains(time.day, minute: time.minute) else {
                if isBegun { saved.drillsBegun?.removeAll { $0 == network.name.text } }
                continue
            }
            guard !isBegun else { continue }
            // What stands in the way now may be gone before the window closes.
            let report = drill(network, network.drill, isForced: false, isByHand: false) { _ in true }
            guard let reason = report.reason else {
                saved.drillsBegun = (saved.drillsBegun ?? []) + [network.name.text]
                save()
                continue
            }
            if drillRefusals.updateValue(reason, forKey: network.name) != reason {
                log.error("\(network.name): no drill: \(reason)")
            }
        }
    }

    private func drill(
        _ network: NetworkConfiguration,
        _ plan: DrillConfiguration,
        isForced: Bool,
        isByHand: Bool,
        _ isWanted: (PathName) -> Bool
    ) -> DrillReport {
        func refusal(_ reason: String) -> DrillReport {
            DrillReport(.refused, network: network.name, prefix: plan.prefix, reason: reason)
        }
        guard let origin = core.decision(of: network.name)?.outcome.path else {
            return refusal("it has no path just now")
        }
        let others = network.paths.filter { $0 != origin && isWanted($0) }
        guard !others.isEmpty else { return refusal("there is no other path to try") }
        if let objection = objection(toDrilling: network, plan, [origin] + others, isForced: isForced) {
            return refusal(objection)
        }
        guard let target = plan.target(among: network.targets) else {
            return refusal("it has no icmp target to ask; --target names an address that answers an ICMP echo")
        }
        let stream: DrillStream
        do throws(SystemError) {
            stream = try DrillStream(to: target, from: plan.source, on: loop)
        } catch {
            return refusal("\(error)")
        }
        let drill = Drill(
            network: network.name,
            origin: origin,
            prefix: plan.prefix,
            hold: plan.hold,
            isByHand: isByHand,
            stream: stream,
            legs: others.map(DrillReport.Leg.init),
            stage: .before(until: loop.now + Drill.beforeTime)
        )
        self.drill = drill
        drillRefusals[network.name] = nil
        saved.drillOrigins = [network.name.text: origin.text]
        save()
        log.notice(
            "\(network.name): a drill begins",
            metadata: ["paths": "\(others.map(\.text))", "target": "\(target)", "byHand": "\(isByHand)"]
        )
        publish(nil)
        watchDrill()
        return DrillReport(
            .running,
            network: network.name,
            origin: origin,
            prefix: plan.prefix,
            target: target,
            legs: drill.legs
        )
    }

    private func objection(
        toDrilling network: NetworkConfiguration,
        _ plan: DrillConfiguration,
        _ paths: [PathName],
        isForced: Bool
    ) -> String? {
        if drill != nil { return Self.isDrilling }
        if trial != nil { return Self.isOnTrial }
        if rotation != nil { return Self.isRotating }
        guard DrillConfiguration.holds.contains(plan.hold) else {
            return "each path carries the traffic for \(DrillConfiguration.holdsText), not \(plan.hold.shortText)"
        }
        if let prefix = plan.prefix, site.network(holding: prefix) != network.name {
            let prefixes = network.prefixes.map(\.description).joined(separator: ", ")
            return "\(prefix) is not a part of it; it has \(prefixes)"
        }
        if let target = plan.target,
            !(plan.prefix.map { [$0] } ?? network.prefixes).contains(where: { $0.contains(target) })
        {
            return "\(target) is not where the traffic is led to"
        }
        let translating = site.paths.first { paths.contains($0.name) && !$0.natSources.isEmpty }
        guard !isForced, let translating else { return nil }
        return
            "flows that are translated to the address of \(translating.name) would be cut; --allow-interruption lets them"
    }

    private func watchDrill() {
        drill?.timer = loop.schedule(after: Drill.interval) { [weak self] in
            guard let self, let drill, !isEnding else { return }
            advance(drill)
            if self.drill != nil { watchDrill() }
        }
    }

    private func advance(_ drill: Drill) {
        guard view(of: drill.origin, for: drill.network)?.verdict.isUsable == true else {
            return endDrill("\(drill.origin) is \(words(of: drill.origin, for: drill.network))")
        }
        switch drill.stage {
        case .before(let until) where loop.now >= until:
            let end = drill.stream.position - Drill.answerTime / 2
            guard drill.stream.tally(0..<max(end, 1)).links.isEmpty else { return leave(for: 0) }
            endDrill("its target does not answer by \(drill.origin) either: nothing could be told")
        case .away(let until):
            if let failure = failure(of: drill) { return comeBack(failure) }
            if loop.now >= until { comeBack(nil) }
        case .back(let until) where loop.now >= until:
            close(drill)
            leave(for: drill.leg + 1)
        default: break
        }
    }

    private func view(of path: PathName, for network: NetworkName) -> NetworkHealth.Path? {
        core.report.first { $0.decision.network == network }?.paths.first { $0.path == path }
    }

    /// How a path is, and why.
    private func words(of path: PathName, for network: NetworkName) -> String {
        let view = view(of: path, for: network)
        let reasons = view?.reasons.map(\.description).joined(separator: ", ") ?? ""
        return (view?.verdict.rawValue ?? "gone") + (reasons.isEmpty ? "" : ": \(reasons)")
    }

    /// Why the path that is tried does not carry what it was given.
    private func failure(of drill: Drill) -> String? {
        guard view(of: drill.path, for: drill.network)?.verdict.isUsable == true else {
            return "it is \(words(of: drill.path, for: drill.network))"
        }
        let isThere = drill.prefix != nil || core.decision(of: drill.network)?.outcome.path == drill.path
        return isThere ? nil : "traffic was led elsewhere meanwhile"
    }

    /// Leads the traffic over the next path that can be tried.
    private func leave(for first: Int) {
        guard let drill else { return }
        var leg = first
        while leg < drill.legs.count {
            let path = drill.legs[leg].path
            if view(of: path, for: drill.network)?.verdict == .up { break }
            self.drill?.legs[leg].failure = "not tried: it is \(words(of: path, for: drill.network))"
            leg += 1
        }
        guard leg < drill.legs.count else { return finish() }
        self.drill?.leg = leg
        self.drill?.moved = drill.stream.position
        self.drill?.stage = .away(until: loop.now + drill.hold)
        if drill.prefix == nil {
            observe(.drilled(drill.network, Preference(drill.legs[leg].path, .drill)))
        } else {
            reconcile()
        }
    }

    /// Leads it back, whatever the path showed.
    private func comeBack(_ failure: String?) {
        guard let drill, drill.isAway else { return }
        self.drill?.legs[drill.leg].failure = failure
        self.drill?.returned = drill.stream.position
        self.drill?.stage = .back(until: loop.now + Drill.backTime)
        if drill.prefix == nil {
            observe(.drilled(drill.network, Preference(drill.origin, .drillOver)))
        } else {
            reconcile()
        }
    }

    private func close(_ drill: Drill) {
        // Where the host stood still, fewer requests than usual are there.
        let end = max(drill.stream.position - Drill.answerTime, drill.returned)
        let whole = drill.stream.tally(drill.moved..<end)
        let away = drill.stream.tally(drill.moved..<drill.returned)
        var leg = drill.legs[drill.leg]
        (leg.sent, leg.lost) = (whole.sent, whole.lost)
        leg.longestGapMs = whole.longestGap.inSeconds * 1e3
        leg.answeredBy = site.paths.map(\.name).filter { name in
            paths[name]?.link.map { away.links.contains($0.index) } ?? false
        }
        let limit = site.networks.first { $0.name == drill.network }?.degraded.loss ?? Drill.usualLoss
        if leg.failure == nil, Double(away.lost) > limit * Double(away.sent) {
            leg.failure = "\(away.lost) of \(away.sent) requests were lost while it carried them"
        }
        // The first answers may be to requests that went by the other path.
        if leg.failure == nil, !leg.answeredBy.contains(leg.path) {
            let others = leg.answeredBy.map(\.text).joined(separator: " and ")
            leg.failure = "answers came back by \(others): the far end did not follow"
        }
        self.drill?.legs[drill.leg] = leg
        // What an operator or a rotation took out meanwhile was not tried to the end.
        guard view(of: drill.path, for: drill.network)?.verdict != .drained else { return }
        saved.prove(drill.network, leg, at: clock.wallNanoseconds)
        counters.drills[drill.network, default: [:]][leg.path, default: .init()].count(leg.failure == nil)
        let text = "\(leg.lost) of \(leg.sent) requests lost, the longest gap \(Int(leg.longestGapMs)) ms"
        if let failure = leg.failure {
            log.error("\(drill.network): the drill of \(leg.path) failed: \(failure); \(text)")
        } else {
            log.notice("\(drill.network): \(leg.path) is proven good: \(text)")
        }
    }

    private func finish() {
        guard let drill else { return }
        end(drill, DrillReport(.done, network: drill.network, legs: drill.legs))
    }

    /// Ends a drill before its time; traffic goes back to where it was.
    func endDrill(_ reason: String) {
        guard let drill else { return }
        log.error("\(drill.network): the drill is ended: \(reason)")
        comeBack("it was ended: \(reason)")
        // What was not tried to the end is neither proven nor failed.
        end(
            drill,
            DrillReport(.ended, network: drill.network, legs: Array(drill.legs.prefix(drill.leg)), reason: reason)
        )
    }

    private func end(_ drill: Drill, _ report: DrillReport) {
        var report = report
        (report.origin, report.prefix) = (drill.origin, drill.prefix)
        if let timer = drill.timer { loop.cancel(timer) }
        self.drill = nil
        saved.drillOrigins = nil
        observe(.drilled(drill.network, nil))
        if drill.isByHand { control?.conclude(report) }
        save()
        publish(nil)
    }

    /// Leads back what an agent that died amid a drill had led elsewhere.
    func recallDrill() {
        guard let origins = saved.drillOrigins else { return }
        saved.drillOrigins = nil
        for network in site.networks {
            guard let origin = network.paths.first(where: { $0.text == origins[network.name.text] }) else { continue }
            log.warning("\(network.name): an earlier run ended amid a drill; back to \(origin)")
            observe(.drilled(network.name, Preference(origin, .drillOver)))
            // By then its first verdict is there.
            loop.schedule(after: .seconds(30)) { [weak self] in
                if self?.drill?.network != network.name { self?.observe(.drilled(network.name, nil)) }
            }
        }
    }

    /// The wish with what a drill leads elsewhere.
    func drilled(_ desired: Desired) -> Desired {
        guard let drill, drill.isAway, let prefix = drill.prefix,
            let place = desired.networks.firstIndex(where: { $0.name == drill.network })
        else { return desired }
        var desired = desired
        desired.networks[place].canary = Desired.Network.Canary(prefix, by: drill.path)
        return desired
    }

    /// Paths whose last drill failed, and drills that go on.
    var drillWarnings: [String] {
        let current = drill.map { ["\($0.network): \(Self.isDrilling): \($0.path) is tried"] } ?? []
        return current
            + site.networks.flatMap { network in
                network.paths.compactMap { path in
                    saved.proof(of: network.name, by: path)?.failure.map { failure in
                        "\(network.name): the last drill of \(path) failed: \(failure) (pnetctl drill \(network.name))"
                    }
                }
            }
    }
}
