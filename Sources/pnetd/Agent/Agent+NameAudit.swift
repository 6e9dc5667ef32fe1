// SPDX-License-Identifier: Apache-2.0

import Configuration
import ControlAPI
import NetworkTypes
import ProcessLink
import SystemIO

/// An audit that is under way.
private final class NameAuditRun {
    let plan: NameAuditPlan
    let end: Instant
    let done: (Result<NamesReport, ControlError>) -> Void
    var waiting: [NameAuditPlan.Question]
    var running = 0
    var asked: [NameAuditPlan.Question] = []
    var skipped: [NameAuditPlan.Question] = []
    var findings: [NameAudit.Finding] = []

    init(
        _ plan: NameAuditPlan,
        until end: Instant,
        _ done: @escaping (Result<NamesReport, ControlError>) -> Void
    ) {
        self.plan = plan
        waiting = plan.questions.reversed()
        self.end = end
        self.done = done
    }

    func note(_ found: [NameAudit.Finding]) {
        for finding in found where !findings.contains(finding) { findings.append(finding) }
    }

    var report: NameAudit {
        NameAudit(
            findings: findings.sorted {
                ($0.name.description, $0.view ?? "", $0.text) < ($1.name.description, $1.view ?? "", $1.text)
            },
            names: Self.names(asked),
            skipped: Self.names(skipped + waiting.reversed()),
            more: plan.more > 0 ? plan.more : nil
        )
    }

    /// Each once, whoever asks for it.
    private static func names(_ questions: [NameAuditPlan.Question]) -> [DomainName] {
        var seen: Set<DomainName> = []
        return questions.map(\.name).filter { seen.insert($0).inserted }
    }
}

/// Whether the site's names lead where they should: each is asked for as a client would, and how its answer comes about is
/// judged.
extension Agent {
    /// Whoever asked is still there then.
    private static let auditTime = Duration.seconds(20)
    private static let auditsAtOnce = 4

    func audit(_ request: NamesRequest, _ done: @escaping (Result<NamesReport, ControlError>) -> Void) {
        inquire(NamesRequest(.dump)) { [weak self] result in
            guard let self else { return }
            guard case .success(.dumped(let dump)) = result else { return done(result) }
            let kept = dump.entries.filter { ["A", "AAAA"].contains($0.type) }.map(\.name)
            let plan = NameAuditPlan(site, given: request.names ?? [], kept: kept)
            goOn(NameAuditRun(plan, until: loop.now + Self.auditTime, done))
        }
    }

    private func goOn(_ run: NameAuditRun) {
        while run.running < Self.auditsAtOnce, loop.now < run.end, let question = run.waiting.popLast() {
            run.running += 1
            run.asked.append(question)
            look(at: question, ["A", "AAAA"], run)
        }
        guard run.running == 0 else { return }
        run.done(.success(.audited(run.report)))
    }

    private func look(at question: NameAuditPlan.Question, _ types: [String], _ run: NameAuditRun) {
        guard let type = types.first else {
            run.running -= 1
            return goOn(run)
        }
        let view = question.view.flatMap { name in site.views.first { $0.name == name } }
        let auditor = NameAuditor(
            prefixes: site.networks.flatMap(\.prefixes),
            view: question.view,
            hasUpstreams: view?.hasUpstreams ?? true
        )
        explain(question.name, type, in: question.view) { [weak self] answer in
            guard let self else { return }
            guard let answer else {
                // Nobody knows: not now, or not any more.
                run.skipped.append(question)
                run.asked.removeAll { $0 == question }
                // By the loop, for where there is no resolver the answer comes at once.
                _ = loop.schedule(at: loop.now) { [weak self] in self?.look(at: question, [], run) }
                return
            }
            compare(answer, type, auditor) { [weak self] published, common in
                run.note(auditor.findings(on: answer, published: published, common: common))
                self?.look(at: question, Array(types.dropFirst()), run)
            }
        }
    }

    /// Asks what the public says of a name that is not known, and what clients without a view get; nil where that says
    /// nothing.
    private func compare(
        _ answer: NameExplanation,
        _ type: String,
        _ auditor: NameAuditor,
        _ done: @escaping (_ published: NameExplanation?, _ common: NameExplanation?) -> Void
    ) {
        guard answer.code == "NXDOMAIN" else { return done(nil, nil) }
        let asksCommon = { [weak self] (published: NameExplanation?) in
            guard let self, auditor.view != nil else { return done(published, nil) }
            explain(answer.name, type) { done(published, $0) }
        }
        guard auditor.hasUpstreams, site.resolver?.upstreams.isEmpty == false else { return asksCommon(nil) }
        explain(answer.name, type, ignoringZones: true, asksCommon)
    }

    private func explain(
        _ name: DomainName,
        _ type: String,
        in view: String? = nil,
        ignoringZones: Bool = false,
        _ done: @escaping (NameExplanation?) -> Void
    ) {
        let request = NamesRequest(.explain, name: name, type: type, view: view, ignoringZones: ignoringZones)
        inquire(request) { result in
            guard case .success(.explained(let answer)) = result else { return done(nil) }
            done(answer)
        }
    }
}
