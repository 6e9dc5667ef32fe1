// SPDX-License-Identifier: Apache-2.0

import Configuration
import ControlAPI
import NetworkTypes
import PrivateDNS
import ProcessLink
import SystemIO

/// An audit that is under way.
private final class NameAuditRun {
    let auditor: NameAuditor
    let end: Instant
    let done: (Result<NamesReport, ControlError>) -> Void
    var waiting: [DomainName]
    var running = 0
    var asked: [DomainName] = []
    var skipped: [DomainName] = []
    var findings: [NameAudit.Finding] = []

    init(
        _ names: [DomainName],
        _ auditor: NameAuditor,
        until end: Instant,
        _ done: @escaping (Result<NamesReport, ControlError>) -> Void
    ) {
        waiting = names.reversed()
        self.auditor = auditor
        self.end = end
        self.done = done
    }

    func note(_ found: [NameAudit.Finding]) {
        for finding in found where !findings.contains(finding) { findings.append(finding) }
    }
}

/// Whether the site's names lead where they should: each is asked for as a client would, and how its answer comes about is
/// judged.
extension Agent {
    /// Whoever asked is still there then.
    private static let auditTime = Duration.seconds(20)
    private static let auditsAtOnce = 4
    private static let auditedNames = 500

    func audit(_ request: NamesRequest, _ done: @escaping (Result<NamesReport, ControlError>) -> Void) {
        inquire(NamesRequest(.dump)) { [weak self] result in
            guard let self else { return }
            guard case .success(.dumped(let dump)) = result else { return done(result) }
            let kept = dump.entries.filter { ["A", "AAAA"].contains($0.type) }.map(\.name)
            var names: [DomainName] = []
            var seen: Set<DomainName> = []
            for name in (request.names ?? []) + namesOfTheFile + kept where seen.insert(name).inserted {
                names.append(name)
            }
            let auditor = NameAuditor(prefixes: site.networks.flatMap(\.prefixes))
            let run = NameAuditRun(
                Array(names.prefix(Self.auditedNames)),
                auditor,
                until: loop.now + Self.auditTime,
                done
            )
            goOn(run)
        }
    }

    /// Hosts of records, and the servers that are asked over TLS whether the networks are reached.
    private var namesOfTheFile: [DomainName] {
        let targets = site.tlsTargets.values.map(\.name)
        let hosts = site.networks.flatMap(\.zones).flatMap(\.hosts.names)
        return Set(targets + hosts).sorted { $0.description < $1.description }
    }

    private func goOn(_ run: NameAuditRun) {
        while run.running < Self.auditsAtOnce, loop.now < run.end, let name = run.waiting.popLast() {
            run.running += 1
            run.asked.append(name)
            look(at: name, ["A", "AAAA"], run)
        }
        guard run.running == 0 else { return }
        run.done(
            .success(
                .audited(
                    NameAudit(
                        findings: run.findings.sorted {
                            ($0.name.description, $0.text) < ($1.name.description, $1.text)
                        },
                        names: run.asked,
                        skipped: run.skipped + run.waiting.reversed()
                    )
                )
            )
        )
    }

    private func look(at name: DomainName, _ types: [String], _ run: NameAuditRun) {
        guard let type = types.first else {
            run.running -= 1
            return goOn(run)
        }
        explain(name, type, ignoringZones: false) { [weak self] answer in
            guard let self else { return }
            guard let answer else {
                // Nobody knows: not now, or not any more.
                run.skipped.append(name)
                run.asked.removeAll { $0 == name }
                // By the loop, for where there is no resolver the answer comes at once.
                _ = loop.schedule(at: loop.now) { [weak self] in self?.look(at: name, [], run) }
                return
            }
            guard answer.code == "NXDOMAIN", site.resolver?.upstreams.isEmpty == false else {
                run.note(run.auditor.findings(on: answer, published: nil))
                return look(at: name, Array(types.dropFirst()), run)
            }
            explain(name, type, ignoringZones: true) { [weak self] published in
                run.note(run.auditor.findings(on: answer, published: published))
                self?.look(at: name, Array(types.dropFirst()), run)
            }
        }
    }

    private func explain(
        _ name: DomainName,
        _ type: String,
        ignoringZones: Bool,
        _ done: @escaping (NameExplanation?) -> Void
    ) {
        inquire(NamesRequest(.explain, name: name, type: type, ignoringZones: ignoringZones)) { result in
            guard case .success(.explained(let answer)) = result else { return done(nil) }
            done(answer)
        }
    }
}
