// SPDX-License-Identifier: Apache-2.0

import Configuration
import FoundationEssentials
import NetworkTypes
import SystemIO
import Testing

@testable import pnetd

struct NameAuditPlanTests {
    /// A site with a zone file of so many hosts, two records, and a view that has one of the zones otherwise.
    private func site(hosts: Int) throws -> SiteConfiguration {
        let folder = "/tmp/pnetd-audit-plan-\(UInt64.random(in: 0...UInt64.max))"
        try Files.makeDirectory(folder)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let text = """
            version: 1
            site: plant
            paths:
              leased: {kind: routed, interface: eth2, gateways: [172.16.0.1]}
            networks:
              azure:
                prefixes: [10.20.0.0/16]
                paths: [leased]
                targets: {need: any, list: [{icmp: 10.20.0.4}]}
                zones:
                  - {name: plant.internal, file: plant.zone}
                  - {name: cell.internal, records: ["a A 10.20.0.1", "b A 10.20.0.2"]}
            resolver: {listen: ["127.0.0.1:53"]}
            views:
              ot:
                clients: [10.30.0.0/16]
                zones: [{name: cell.internal, records: ["a A 10.30.0.1", "c A 10.30.0.3"]}]

            """
        let zone = (0..<hosts).map { "h\($0) A 10.20.1.1\nh\($0) AAAA fd00:20::1\n" }.joined()
        try Files.replace("\(folder)/pnetd.yaml", with: Array(text.utf8))
        try Files.replace("\(folder)/plant.zone", with: Array(zone.utf8))
        return try Configuration.load(path: "\(folder)/pnetd.yaml").configuration
    }

    private func names(_ texts: String...) -> [DomainName] { texts.compactMap { DomainName($0) } }

    private func texts(_ plan: NameAuditPlan) -> [String] {
        plan.questions.map { $0.name.withoutRootDot + ($0.view.map { " in \($0)" } ?? "") }
    }

    @Test func asksForTheNamesOfZoneFilesAndViews() throws {
        let plan = NameAuditPlan(try site(hosts: 2), given: [], kept: names("kept.example.net", "old.cell.internal"))
        #expect(
            texts(plan) == [
                "h0.plant.internal", "a.cell.internal", "kept.example.net", "a.cell.internal in ot",
                // What clients of the view may miss.
                "old.cell.internal in ot", "h1.plant.internal", "b.cell.internal", "old.cell.internal",
                "c.cell.internal in ot", "b.cell.internal in ot",
            ]
        )
        #expect(plan.more == 0)
    }

    @Test func asksForWhatIsGivenFirst() throws {
        let plan = NameAuditPlan(
            try site(hosts: 1),
            given: names("x.cell.internal", "www.example.net", "x.cell.internal"),
            kept: []
        )
        #expect(texts(plan).prefix(2) == ["x.cell.internal", "www.example.net"])
        // In a view only what its zones stand before.
        #expect(texts(plan).contains("x.cell.internal in ot"))
        #expect(!texts(plan).contains("www.example.net in ot"))
    }

    @Test func aLargeZoneKeepsNoOtherOut() throws {
        let plan = NameAuditPlan(try site(hosts: 2_000), given: [], kept: [])
        #expect(plan.questions.count == NameAuditPlan.limit)
        #expect(texts(plan).filter { !$0.hasPrefix("h") }.count == 5)
        #expect(plan.more == 2_005 - NameAuditPlan.limit)
    }
}
