// SPDX-License-Identifier: Apache-2.0

import Configuration
import ControlAPI
import Logging
import NetworkTypes
import PathHealth
import SystemIO
import Tunnel

/// A file that is in force for a trial, and what comes back unless it is confirmed.
struct Trial {
    let before: LoadedConfiguration
    let ends: Instant
    let timer: EventLoop.TimerID
}

extension Agent {
    /// What taking the file in would do, without doing any of it.
    func planReport(_ done: @escaping (PlanReport) -> Void) {
        readFile { [weak self] outcome in
            guard let self else { return }
            switch outcome {
            case .success(let loaded): done(plan(loaded))
            case .failure(let error): done(PlanReport(errors: error.diagnostics.map(\.description)))
            case nil: done(PlanReport(errors: [Self.isReading]))
            }
        }
    }

    private func plan(_ loaded: LoadedConfiguration) -> PlanReport {
        let new = loaded.configuration
        let fixed = fixedParts(new)
        guard fixed.isEmpty else { return PlanReport(errors: fixed) }
        let wish = wish(of: new)
        let preview = reconciler.preview(wish)
        // By what counts as management now as well: one file must not first say that ssh is none.
        let flows = ManagementFlow.established(to: new.management.ports.union(site.management.ports))
        let (before, after) = (ManagementFlow.Reach(of: desired), ManagementFlow.Reach(of: wish))
        let kernel = preview.changes.map { change in
            PlanReport.Change(
                text: change.text,
                count: change.count,
                severity: PlanReport.Severity(change.effect.severity),
                effect: change.effect.text
            )
        }
        return PlanReport(
            changes: kernel + flowChanges(wish) + otherChanges(new),
            refusals: flows.compactMap { $0.isCut(by: after, after: before) }.sorted(),
            failures: preview.failures
        )
    }

    /// What a file asks of the kernel, with the decisions that it would lead to now.
    private func wish(of new: SiteConfiguration) -> Desired {
        var slots = saved
        slots.assignSlots(new)
        var trial = core
        _ = trial.apply(new.policies, at: loop.now)
        var outcomes: [NetworkName: Outcome] = [:]
        for network in new.networks { outcomes[network.name] = trial.decision(of: network.name)?.outcome }
        var book = endpoints.book
        book.follow(new.places, told: toldEndpoint, now: loop.now)
        return narrowed(rotated(Desired(new, slots: slots, outcomes: outcomes, endpoints: book, heirs: heirs)))
    }

    /// The translated flows that moving their networks would cut.
    private func flowChanges(_ wish: Desired) -> [PlanReport.Change] {
        wish.networks.flatMap { network -> [PlanReport.Change] in
            let (carriers, before) = (network.outcome.carriers, routed[network.name]?.carriers ?? [])
            guard !carriers.isEmpty, before.contains(where: { !carriers.contains($0) }) else { return [] }
            let cut = (try? tracking.countStranded(network.name, in: wish)) ?? [:]
            return cut.sorted { $0.key < $1.key }.map { left, count in
                PlanReport.Change(
                    text: "cut the flows to \(network.name) that are translated to the address of \(left)",
                    count: 1,
                    severity: .interruption,
                    effect:
                        "\(count) translated flow\(count == 1 ? "" : "s") cut: they begin anew by \(carriers.together)"
                )
            }
        }
    }

    /// What changes beside the kernel; none of it loses a packet or a question.
    private func otherChanges(_ new: SiteConfiguration) -> [PlanReport.Change] {
        var texts: [String] = []
        if new.resolver != site.resolver { texts.append("change the resolver's settings") }
        if new.views != site.views { texts.append("change what clients with a view of their own see") }
        if new.nameSets != site.nameSets { texts.append("change which names are in name sets") }
        if new.resolver?.host != site.resolver?.host { texts.append("change who answers this host's own names") }
        let names = Dictionary(site.networks.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        for network in new.networks {
            guard let before = names[network.name] else {
                texts.append("begin to watch network \(network.name)")
                continue
            }
            if network.zones != before.zones { texts.append("change the zones of \(network.name)") }
            if NetworkPolicy(network, among: new.paths) != NetworkPolicy(before, among: site.paths) {
                texts.append("change how \(network.name) is watched and decided on")
            }
        }
        for path in new.paths {
            let before = site.paths.first { $0.name == path.name }
            if path.bfd != before?.bfd { texts.append("change the BFD session of \(path.name)") }
            if path.stamp != before?.stamp { texts.append("change the STAMP session of \(path.name)") }
            if path.stampReflector != before?.stampReflector {
                texts.append("change the STAMP reflector of \(path.name)")
            }
        }
        let left = Set(names.keys).subtracting(new.networks.map(\.name))
        texts += left.sorted().map { "forget network \($0)" }
        if new.metricsListen != site.metricsListen { texts.append("listen elsewhere for metrics") }
        if new.alerts != site.alerts { texts.append("change who gets alerts") }
        if new.management != site.management { texts.append("change what counts as management") }
        return texts.map { PlanReport.Change(text: $0, count: 1, severity: .none, effect: "no packet lost") }
    }

    /// Takes the file in, unless it would cut what it must not cut.
    ///
    /// - Parameter isThere: whether whoever asked still waits; a trial that nobody could confirm is not begun.
    func apply(
        _ request: ControlRequest,
        for isThere: @escaping () -> Bool,
        _ done: @escaping (ApplyReport) -> Void
    ) {
        readFile { [weak self] outcome in
            guard let self else { return }
            guard let outcome else { return done(refuse(Self.isReading)) }
            guard request.confirmWithinSeconds == nil || isThere() else {
                return log.error("not applied: whoever asked for it left")
            }
            done(applied(outcome, request))
        }
    }

    private func applied(_ outcome: ConfigurationLoader.Outcome, _ request: ControlRequest) -> ApplyReport {
        guard trial == nil else { return refuse(Self.isOnTrial) }
        guard rotation == nil else { return refuse(Self.isRotating) }
        guard !isEnding, !kernelWork.isOver else { return refuse(Self.isStopping) }
        let loaded: LoadedConfiguration
        switch outcome {
        case .success(let whole): loaded = whole
        case .failure(let error):
            return refuse("the file has errors", PlanReport(errors: error.diagnostics.map(\.description)))
        }
        let plan = plan(loaded)
        guard plan.errors.isEmpty else { return refuse("only a restart can change this", plan) }
        guard plan.refusals.isEmpty else { return refuse("it would lock somebody out", plan) }
        guard !plan.interrupts || request.allowInterruption == true else {
            return refuse("it would cut traffic that flows now; --allow-interruption lets it", plan)
        }
        guard let seconds = request.confirmWithinSeconds else {
            guard take(loaded) else { return ApplyReport(.unchanged, plan: plan) }
            return ApplyReport(.applied, reason: failures.first.map { "in part: \($0)" }, plan: plan)
        }
        guard (1...86_400).contains(seconds) else { return refuse("a trial takes 1 second to 1 day", plan) }
        guard loaded.configuration != site else { return ApplyReport(.unchanged, plan: plan) }
        return begin(trialOf: loaded, for: .milliseconds(Int64(seconds * 1e3)), plan)
    }

    private static let cannotComeBack =
        "what is in force could not be taken back to, since a file that it names has changed (give new keys new files)"
    static let isOnTrial = "an applied file waits for its confirmation (pnetctl confirm)"

    private func refuse(_ reason: String, _ plan: PlanReport = PlanReport()) -> ApplyReport {
        counters.refusedReloads += 1
        log.error("not applied: \(reason)", metadata: ["why": "\(plan.errors + plan.refusals)"])
        return ApplyReport(.refused, reason: reason, plan: plan)
    }

    private func begin(trialOf loaded: LoadedConfiguration, for time: Duration, _ plan: PlanReport) -> ApplyReport {
        let before = inForce
        // What cannot be had back from its text, as keys that were replaced in their files, cannot be taken back. Zone
        // files are written down with it.
        let again = try? Configuration.read(before.text, file: file, zoneFiles: .kept(before.zoneFiles))
        guard again?.configuration == before.configuration else {
            return refuse(Self.cannotComeBack, plan)
        }
        // Written down first: an agent that dies during the trial comes back with the earlier file.
        let record = UnconfirmedFile(trial: loaded, before: before)
        do { try record.save(in: site.state.directory) } catch {
            return refuse("what is in force now cannot be written down: \(error)", plan)
        }
        _ = take(loaded, onTrial: true)
        let timer = loop.schedule(after: time) { [weak self] in
            self?.rollBack("it was not confirmed in time")
        }
        trial = Trial(before: before, ends: loop.now + time, timer: timer)
        log.notice("applied on trial", metadata: ["seconds": "\(time.inSeconds)"])
        return ApplyReport(.awaiting, reason: failures.first.map { "in part: \($0)" }, plan: plan)
    }

    /// Keeps what is on trial.
    func confirm() -> ApplyReport {
        guard let trial else { return ApplyReport(.refused, reason: "nothing waits for a confirmation") }
        loop.cancel(trial.timer)
        self.trial = nil
        forgetUnconfirmed()
        log.notice("the applied file is confirmed")
        let onDisk = try? Files.read(file)
        let report = ApplyReport(
            .confirmed,
            reason: onDisk == inForce.text ? nil : "the file was edited since; what was applied is in force"
        )
        control?.conclude(report)
        publish(nil)
        return report
    }

    /// Brings back what was in force before the trial.
    func rollBack(_ reason: String) {
        guard let trial else { return }
        loop.cancel(trial.timer)
        self.trial = nil
        counters.rollbacks += 1
        _ = take(trial.before, onTrial: true)
        isRolledBack = true
        log.error("rolled back: \(reason)")
        control?.conclude(ApplyReport(.rolledBack, reason: reason))
        publish(nil)
    }

    func forgetUnconfirmed() {
        isRolledBack = false
        keepInMind("the next start may take an earlier file") {
            try UnconfirmedFile.remove(from: site.state.directory)
        }
    }

    /// What is to be known of a trial, and of one that failed.
    var trialWarnings: [String] {
        if let trial {
            let left = Swift.max(0, (trial.ends - loop.now).inSeconds.rounded(.up))
            return ["the file in force is on trial: pnetctl confirm keeps it, else it is taken back in \(Int(left)) s"]
        }
        guard isRolledBack else { return [] }
        return ["\(file) was taken back; the file before it is in force (pnetctl plan shows the difference)"]
    }
}

extension PlanReport.Severity {
    init(_ severity: TrafficEffect.Severity) {
        switch severity {
        case .none: self = .none
        case .diversion: self = .diversion
        case .interruption: self = .interruption
        }
    }
}
