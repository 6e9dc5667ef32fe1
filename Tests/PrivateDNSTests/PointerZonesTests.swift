// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import PrivateDNS

struct PointerZonesTests {
    private func scenario(_ apexes: [String], _ zones: [(String, [String])]) throws -> Scenario {
        let records = try zones.map { name, lines in
            try ZoneRecords(zone: try #require(DomainName(name)), records: lines)
        }
        let made = PointerZones.make(apexes.compactMap { DomainName($0) }, of: records)
        let scenario = Scenario()
        let network = try #require(NetworkName("plant"))
        let path = try Scenario.path("pn-a")
        scenario.adopt(
            made.map { name, zone in
                Policy.Zone(name: name, network: network, content: .records(zone), realm: path, generation: 1)
            }
        )
        return scenario
    }

    private func target(_ reply: Reply?) -> [String] {
        (reply?.records ?? []).filter { $0.type == .ptr }.map { DomainName(wire: $0.data)?.withoutRootDot ?? "?" }
    }

    @Test func leadsEachAddressToItsFirstName() throws {
        let scenario = try scenario(
            ["30.10.in-addr.arpa", "0.3.0.0.0.0.d.f.ip6.arpa"],
            [
                (
                    "plant.internal",
                    ["a 90 A 10.30.0.1", "b A 10.30.0.2", "a A 10.30.0.2", "a AAAA fd00:30::1", "* A 10.30.0.3"]
                ),
                ("other.internal", ["c A 10.30.0.1", "c A 10.30.0.4", "d A 192.0.2.1"]),
            ]
        )
        let first = scenario.ask("1.0.30.10.in-addr.arpa", .ptr)
        #expect(target(first) == ["a.plant.internal"])
        #expect(first?.records.first?.ttl == 90)
        #expect(target(scenario.ask("2.0.30.10.in-addr.arpa", .ptr)) == ["b.plant.internal"])
        #expect(target(scenario.ask("4.0.30.10.in-addr.arpa", .ptr)) == ["c.other.internal"])
        let long = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.3.0.0.0.0.d.f.ip6.arpa"
        #expect(target(scenario.ask(long, .ptr)) == ["a.plant.internal"])
        // A wildcard is no host, and what has no name is denied here.
        #expect(scenario.ask("3.0.30.10.in-addr.arpa", .ptr)?.code == 3)
        #expect(scenario.ask("1.0.30.10.in-addr.arpa")?.counts == [1, 0, 1, 0])
    }

    @Test func makesNoNameOutsideOfItsZones() throws {
        let scenario = try scenario(["30.10.in-addr.arpa"], [("plant.internal", ["d A 192.0.2.1"])])
        #expect(scenario.ask("1.2.0.192.in-addr.arpa", .ptr)?.code == 3)
        #expect(target(scenario.ask("1.2.0.192.in-addr.arpa", .ptr)) == [])
    }
}
