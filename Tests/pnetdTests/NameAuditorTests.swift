// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import NetworkTypes
import Testing

@testable import pnetd

@Suite struct NameAuditorTests {
    private let auditor = NameAuditor(prefixes: ["10.20.0.0/16", "fd00:20::/48"].compactMap { IPPrefix($0) })

    private func name(_ text: String) -> DomainName { DomainName(text) ?? .root }

    private func step(_ event: String, _ owner: String, zone: String? = nil, text: String = "") -> NameStep {
        var step = NameStep(hop: 0, name: name(owner), event: event, text: text)
        step.zone = zone.map(name)
        if zone != nil { step.network = "azure" }
        return step
    }

    private func answer(
        _ owner: String,
        _ steps: [NameStep],
        code: String = "NOERROR",
        records: [String] = []
    ) -> NameExplanation {
        NameExplanation(name: name(owner), type: "A", code: code, records: records, steps: steps)
    }

    private func kinds(_ answer: NameExplanation, published: NameExplanation? = nil) -> [NameAudit.Finding.Kind] {
        auditor.findings(on: answer, published: published).map(\.kind)
    }

    @Test func findsNothingWhereNamesLeadIntoTheNetwork() {
        let steps = [
            step("no-zone", "hub.azure-devices.net"), step("alias", "hub.azure-devices.net"),
            step("zone", "hub.privatelink.azure-devices.net", zone: "privatelink.azure-devices.net"),
        ]
        let records = [
            "hub.azure-devices.net. 60 IN CNAME hub.privatelink.azure-devices.net.",
            "hub.privatelink.azure-devices.net. 10 IN A 10.20.0.4",
        ]
        #expect(kinds(answer("hub.azure-devices.net", steps, records: records)).isEmpty)
        #expect(kinds(answer("www.example.net", [step("no-zone", "www.example.net")])).isEmpty)
    }

    /// The upstreams tell of the whole chain at once.
    @Test func findsTheAliasThatNoZoneHolds() {
        let records = [
            "hub.azure-devices.net. 60 IN CNAME hub.privatelink.azure-devices.net.",
            "hub.privatelink.azure-devices.net. 60 IN CNAME front.cloudapp.net.",
            "front.cloudapp.net. 60 IN A 203.0.113.1",
        ]
        let answer = answer("hub.azure-devices.net", [step("no-zone", "hub.azure-devices.net")], records: records)
        #expect(kinds(answer) == [.leak])
        #expect(auditor.findings(on: answer, published: nil)[0].remedy.contains("privatelink.azure-devices.net"))
    }

    @Test func findsWhatOnlyThePublicKnows() {
        let steps = [step("zone", "gone.privatelink.azure-devices.net", zone: "privatelink.azure-devices.net")]
        let denied = answer("gone.privatelink.azure-devices.net", steps, code: "NXDOMAIN")
        let known = answer("gone.privatelink.azure-devices.net", [], records: ["gone. 60 IN A 203.0.113.1"])
        #expect(kinds(denied, published: known) == [.shadowed])
        #expect(kinds(denied, published: answer("gone", [], code: "NXDOMAIN")).isEmpty)
        #expect(kinds(denied).isEmpty)
    }

    @Test func findsAddressesThatNoPathLeadsTo() {
        let steps = [step("zone", "historian.plant.internal", zone: "plant.internal")]
        let away = answer("historian.plant.internal", steps, records: ["historian.plant.internal. 60 IN A 192.0.2.1"])
        #expect(kinds(away) == [.missingRoute])
        let there = answer(
            "historian.plant.internal",
            steps,
            records: ["h. 60 IN A 10.20.0.1", "h. 60 IN AAAA fd00:20::1"]
        )
        #expect(kinds(there).isEmpty)
    }

    @Test func findsWhatWasLeftOutAndWhatIsPublic() {
        let steps = [
            step("zone", "a.corp.test", zone: "corp.test"),
            step("left-out", "a.corp.test", text: "1 record is left out"),
        ]
        #expect(kinds(answer("a.corp.test", steps)) == [.wrongPrefix])
        let fallback = [step("zone", "a.corp.test", zone: "corp.test"), step("published", "a.corp.test")]
        #expect(kinds(answer("a.corp.test", fallback, records: ["a. 60 IN A 203.0.113.1"])) == [.publicFallback])
        #expect(kinds(answer("a.corp.test", [], code: "SERVFAIL")) == [.noAnswer])
    }

    private func inView(hasUpstreams: Bool = true) -> NameAuditor {
        NameAuditor(prefixes: auditor.prefixes, view: "ot", hasUpstreams: hasUpstreams)
    }

    @Test func findsWhatAViewHides() {
        let steps = [step("view", "b.plant.internal"), step("zone", "b.plant.internal", zone: "plant.internal")]
        let denied = answer("b.plant.internal", steps, code: "NXDOMAIN")
        let others = answer("b.plant.internal", [], records: ["b.plant.internal. 60 IN A 10.20.0.2"])
        let findings = inView().findings(on: denied, published: nil, common: others)
        #expect(findings.map(\.kind) == [.hiddenByView])
        #expect(findings.map(\.view) == ["ot"])
        #expect(
            findings.first?.text
                == "the view's zone plant.internal does not have it, and clients without a view get it"
        )
        let nobody = answer("b.plant.internal", [], code: "NXDOMAIN")
        #expect(inView().findings(on: denied, published: nil, common: nobody).isEmpty)
    }

    /// A view leads to the site's own gateways; the public Internet is another matter.
    @Test func findsPublicAddressesInViews() {
        let steps = [step("zone", "hub.plant.internal", zone: "plant.internal")]
        func found(_ address: String) -> [NameAudit.Finding] {
            let answer = answer("hub.plant.internal", steps, records: ["hub.plant.internal. 60 IN A \(address)"])
            return inView().findings(on: answer, published: nil)
        }
        #expect(found("10.30.0.1").isEmpty)
        #expect(found("198.51.100.1").map(\.kind) == [.missingRoute])
        #expect(found("198.51.100.1").map(\.view) == ["ot"])
    }

    @Test func findsAliasesThatAViewWithoutUpstreamsLeavesInTheAir() {
        var last = step("no-zone", "front.example.net")
        last.hop = 1
        let steps = [step("zone", "hub.plant.internal", zone: "plant.internal"), last]
        let refused = answer("hub.plant.internal", steps, code: "REFUSED")
        let findings = inView(hasUpstreams: false).findings(on: refused, published: nil)
        #expect(findings.map(\.kind) == [.noAnswer])
        #expect(findings.first?.text.hasPrefix("leads to front.example.net, which no zone holds") == true)
        #expect(inView().findings(on: refused, published: nil).isEmpty)
        // A name in no zone is meant to be refused there.
        let outside = answer("www.example.net", [step("no-zone", "www.example.net")], code: "REFUSED")
        #expect(inView(hasUpstreams: false).findings(on: outside, published: nil).isEmpty)
    }
}
