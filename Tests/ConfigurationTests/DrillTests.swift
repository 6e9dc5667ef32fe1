// SPDX-License-Identifier: Apache-2.0

import Configuration
import NetworkTypes
import Testing

/// The section `drill` of a network.
struct DrillTests {
    private static let place = "    when-down: block"

    private func drill(_ text: String) throws -> DrillConfiguration? {
        let file = try TemporaryFile(Example.replacing([(Self.place, "\(Self.place)\n    drill: \(text)")]))
        defer { #expect(throws: Never.self) { try file.remove() } }
        return try Configuration.load(path: file.path).configuration.networks.first?.drill
    }

    @Test func nothingHasToBeSaid() throws {
        let drill = try #require(try drill("{}"))
        #expect(drill.hold == .seconds(10) && drill.window == nil && drill.prefix == nil && drill.target == nil)
    }

    @Test func allCanBeSaid() throws {
        let drill = try #require(
            try drill(
                #"{window: "Sun 03:00-04:00", hold: 1m, prefix: 10.20.6.0/24, target: 10.20.6.9, source: 10.1.0.1}"#
            )
        )
        #expect(drill.window?.description == "Sun 03:00-04:00" && drill.hold == .seconds(60))
        #expect(drill.prefix == IPPrefix("10.20.6.0/24") && drill.target == IPAddress("10.20.6.9"))
        #expect(drill.source == IPAddress("10.1.0.1"))
    }

    @Test(arguments: [
        (
            "{when: 3}",
            "13: error: unknown key 'when' in the drill of network 'azure' (known here: window, hold, prefix, target, source)"
        ),
        ("{window: sunday}", "21: error: window: 'sunday' is not a time such as \"Sun 03:00-04:00\""),
        ("{hold: 1h}", "19: error: hold must be 1s to 10m, not 1h"),
        (
            "{prefix: 10.21.0.0/24, target: 10.20.0.4}",
            "21: error: prefix 10.21.0.0/24 lies in no prefix of network 'azure' (a drill leads a part of its own network)"
        ),
        (
            "{prefix: 10.20.4.0/25, target: 10.20.4.1}",
            "21: error: prefix 10.20.4.0/25 lies in 10.20.4.0/24 of network 'aws' (a drill leads a part of its own network)"
        ),
        (
            "{prefix: 10.20.6.0/24, target: 10.20.5.1}",
            "43: error: target 10.20.5.1 lies outside of prefix 10.20.6.0/24 (what is led elsewhere is asked)"
        ),
        (
            "{prefix: 10.20.6.0/24}",
            "12: error: a drill finds nobody to ask in 10.20.6.0/24 (target: ADDRESS, one that answers an ICMP echo)"
        ),
    ])
    func mistakesAreNamed(text: String, message: String) throws {
        let file = try TemporaryFile(Example.replacing([(Self.place, "\(Self.place)\n    drill: \(text)")]))
        defer { #expect(throws: Never.self) { try file.remove() } }
        #expect(file.diagnostics().contains("37:\(message)"), "\(file.diagnostics())")
    }
}
