// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO
import Testing

@testable import Configuration

struct ViewTests {
    private static let end = "control:"

    private func load(_ views: String) throws -> SiteConfiguration {
        let text = Example.text.replacing(Self.end, with: views + Self.end)
        let file = try TemporaryFile(Array(text.utf8))
        defer { try? file.remove() }
        return try Configuration.load(path: file.path).configuration
    }

    @Test func saysWhatSomeClientsSee() throws {
        let site = try load(
            """
            views:
              ot:
                clients: [10.30.0.0/16, "fd00:30::/48"]
                zones:
                  - name: privatelink.azure-devices.net
                    records: ["hub1 A 10.30.0.1"]
                  - name: cell.internal
                    network: aws
                    records: []
              office:
                interfaces: [eth2]
                upstreams: false

            """
        )
        #expect(site.views.map(\.name) == ["ot", "office"])
        let ot = site.views[0]
        #expect(ot.clients?.map(\.description) == ["10.30.0.0/16", "fd00:30::/48"])
        #expect(ot.interfaces == nil && ot.hasUpstreams)
        // Of the network that has the zone, unless it is said.
        #expect(ot.zones.map(\.network.text) == ["azure", "aws"])
        #expect(ot.zones.map(\.zone.name.withoutRootDot) == ["privatelink.azure-devices.net", "cell.internal"])
        #expect(ot.zones[0].zone.source == .records(["hub1 A 10.30.0.1"]))
        let office = site.views[1]
        #expect(office.clients == nil && office.interfaces?.map(\.text) == ["eth2"])
        #expect(office.zones.isEmpty && !office.hasUpstreams)
    }

    @Test func tellsOfAllMistakesAtOnce() throws {
        let views = """
            views:
              nobody:
                zones: []
              ot:
                clients: [10.30.0.0/16]
                zones:
                  - name: elsewhere.internal
                    records: []
                  - name: a.internal
                    network: azur
                    records: []
                  - name: plant.internal
                    records: ["historian B 1"]
                  - name: plant.internal
                    records: []

            """
        let line = Example.text.prefix { $0 != "\0" }.split(separator: "\n", omittingEmptySubsequences: false)
            .firstIndex { $0.hasPrefix(Self.end) }
        let first = try #require(line) + 1
        let message =
            "records: 'historian B 1': Syntax error, could not parse the RR's rdata (as in 'historian A 10.20.0.10' or "
            + "'historian 60 IN A 10.20.0.10')"
        try Example.expect(
            (Self.end, views + Self.end),
            give: [
                "\(first + 1):3: error: view 'nobody' has neither 'clients' nor 'interfaces' (clients: [10.30.0.0/16])",
                "\(first + 6):9: error: view 'ot': no network has a zone 'elsewhere.internal' "
                    + "(network: NAME, whose decision the zone follows)",
                "\(first + 9):18: error: unknown network 'azur' (did you mean 'azure'?)",
                "\(first + 12):19: error: \(message)",
                "\(first + 13):15: error: zone 'plant.internal' is listed twice in view 'ot' "
                    + "(the first is on line \(first + 11))",
            ]
        )
    }
}
