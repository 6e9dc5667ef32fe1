// SPDX-License-Identifier: Apache-2.0

import Configuration
import ControlAPI
import NetworkTypes
import PrivateDNS
import ProcessLink

/// Judges how answers come about.
struct NameAuditor {
    /// Where addresses of the networks' names may lead: what is routed into the paths.
    let prefixes: [IPPrefix]
    /// The view of the clients that are answered; nil for those who have none.
    var view: String?
    /// Whether the upstreams are asked for what no zone holds.
    var hasUpstreams = true

    /// What is wrong with a name.
    ///
    /// - Parameters:
    ///   - published: what the public says of it; nil where that was not asked.
    ///   - common: what clients get who have no view; nil where that was not asked.
    func findings(
        on answer: NameExplanation,
        published: NameExplanation?,
        common: NameExplanation? = nil
    ) -> [NameAudit.Finding] {
        found(on: answer, published: published, common: common).map { finding in
            var finding = finding
            finding.view = view
            return finding
        }
    }

    private func found(
        on answer: NameExplanation,
        published: NameExplanation?,
        common: NameExplanation?
    ) -> [NameAudit.Finding] {
        let zones = answer.steps.filter { $0.event == "zone" && $0.network != nil }
        var findings = leaks(answer)
        findings += published.map { shadowed(answer, zones, by: $0) } ?? []
        findings += common.map { hidden(answer, zones, from: $0) } ?? []
        if !hasUpstreams, !zones.isEmpty { findings += stranded(answer) }
        for step in answer.steps where step.event == "left-out" || step.event == "barred" {
            let zone = zones.last?.zone.map { $0.withoutRootDot } ?? "the upstreams"
            findings.append(
                NameAudit.Finding(
                    .wrongPrefix,
                    answer.name,
                    "\(zone): \(step.text)",
                    remedy: "if that is where it should lead, name it in the zone's prefixes"
                )
            )
        }
        for step in answer.steps where step.event == "published" {
            findings.append(
                NameAudit.Finding(
                    .publicFallback,
                    answer.name,
                    step.text,
                    remedy: "a name that was private before has lost its record in the cloud's zone"
                )
            )
        }
        if answer.code == nil || answer.code == "SERVFAIL" {
            let text = answer.remark.map { "no answer: EDE \($0)" } ?? "no answer"
            findings.append(
                NameAudit.Finding(.noAnswer, answer.name, text, remedy: "pnetctl dns explain tells who was asked")
            )
        }
        let isPublic = zones.isEmpty || answer.steps.contains { $0.event == "published" }
        return findings + (isPublic ? [] : unrouted(answer))
    }

    /// Names on the way that clouds answer privately, and that no zone of the file holds. The upstreams tell of several in
    /// one answer.
    private func leaks(_ answer: NameExplanation) -> [NameAudit.Finding] {
        let zones = answer.steps.compactMap(\.zone)
        let owners = answer.records.compactMap { $0.split(separator: " ").first.flatMap { DomainName(String($0)) } }
        let names = answer.steps.filter { $0.event == "no-zone" }.map(\.name) + owners
        let outside = names.first { name in name.privateLink != nil && !zones.contains { name.isWithin($0) } }
        guard let name = outside, let zone = name.privateLink else { return [] }
        let what = name == answer.name ? "is" : "leads to \(name.withoutRootDot),"
        return [
            NameAudit.Finding(
                .leak,
                answer.name,
                "\(what) in \(zone.withoutRootDot), which no zone of the file holds: its public address is answered",
                remedy: "a zone {name: \(zone.withoutRootDot), forward: [...]}, or the preset that has it"
            )
        ]
    }

    private func shadowed(
        _ answer: NameExplanation,
        _ zones: [NameStep],
        by published: NameExplanation
    ) -> [NameAudit.Finding] {
        guard answer.code == "NXDOMAIN", published.code == "NOERROR", !published.records.isEmpty, let zone = zones.last
        else { return [] }
        let finding = NameAudit.Finding(
            .shadowed,
            answer.name,
            "\(zone.name.withoutRootDot) is not known in zone \(zone.zone?.withoutRootDot ?? ""), and the public knows it",
            remedy: "add its record to the cloud's zone, or public-after: [nxdomain] to the zone of the file"
        )
        return [finding]
    }

    /// Names that are there for others.
    private func hidden(
        _ answer: NameExplanation,
        _ zones: [NameStep],
        from common: NameExplanation
    ) -> [NameAudit.Finding] {
        guard answer.code == "NXDOMAIN", common.code == "NOERROR", !common.records.isEmpty, let zone = zones.last
        else { return [] }
        let finding = NameAudit.Finding(
            .hiddenByView,
            answer.name,
            "the view's zone \(zone.zone?.withoutRootDot ?? "") does not have it, and clients without a view get it",
            remedy: "add its record to the view's zone, if those clients are to reach it"
        )
        return [finding]
    }

    /// Aliases that lead from a zone to where a view asks nobody.
    private func stranded(_ answer: NameExplanation) -> [NameAudit.Finding] {
        guard let step = answer.steps.last(where: { $0.event == "no-zone" }), step.hop > 0 else { return [] }
        let finding = NameAudit.Finding(
            .noAnswer,
            answer.name,
            "leads to \(step.name.withoutRootDot), which no zone holds, and the view has 'upstreams: false'",
            remedy: "a zone that holds it, in the view or in the network, or the address itself in its place"
        )
        return [finding]
    }

    /// A view may lead to the site's own gateways in the networks' place: there, only addresses of the public Internet are
    /// wrong for certain.
    private func unrouted(_ answer: NameExplanation) -> [NameAudit.Finding] {
        answer.records.compactMap { record -> IPAddress? in
            record.split(separator: " ").last.flatMap { IPAddress(String($0)) }
        }.filter { address in
            !prefixes.contains { $0.contains(address) } && (view == nil || !address.isSpecialPurpose)
        }.map { address in
            NameAudit.Finding(
                .missingRoute,
                answer.name,
                "\(address) is in no network's prefixes: what is sent there leaves by the host's own routes",
                remedy: "add it to the network's prefixes"
            )
        }
    }
}

extension DomainName {
    /// The zone that Azure answers privately for names with a private endpoint: the part from the label `privatelink` on.
    fileprivate var privateLink: DomainName? {
        var zone = parent
        while let current = zone, current != .root {
            if String(decoding: current.labels.first ?? [], as: UTF8.self) == "privatelink" { return current }
            zone = current.parent
        }
        return nil
    }
}
