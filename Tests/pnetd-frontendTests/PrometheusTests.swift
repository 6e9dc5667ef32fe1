// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO
import Telemetry
import Testing

/// What Prometheus' own tool says of our pages and rules.
@Suite(.enabled(if: isPromtoolToRun, "promtool is not installed"))
struct PrometheusTests {
    private func check(_ command: String...) throws {
        let (output, exit) = try Errand.run(["promtool"] + command)
        #expect(exit == .status(0), "promtool \(command.joined(separator: " ")): \(output)")
        #expect(!output.contains("FAILED"), "\(output)")
    }

    private var rules: String {
        get throws {
            let root = #filePath.prefix(upTo: try #require(#filePath.firstRange(of: "/Tests/")).lowerBound)
            return "\(root)/etc/prometheus"
        }
    }

    @Test func thePageIsClean() throws {
        let agent = try FakeAgent()
        var page = Exposition()
        page.add("pnetd_network_state", .gauge, "1 for the state.", [.init(1, ("network", "a\"b\\c\nd"))])
        page.add("pnetd_reloads_total", .counter, "Files taken in.", [.init(3)])
        var histogram = Histogram(bounds: [0.1, 1])
        histogram.observe(0.05)
        page.add("pnetd_effect_duration_seconds", "Time.", [(("effect", "route"), histogram)])
        agent.metrics = page.text
        let place = try agent.listen()
        let file = "\(agent.folder)/page"
        _ = try agent.curl("-o", file, "http://\(place)/metrics")
        #expect(try Files.read(file) == Array(page.text.utf8))
        let (output, exit) = try Errand.run(["sh", "-c", "promtool check metrics < \(file)"])
        #expect(exit == .status(0) && output.isEmpty, "\(output)")
    }

    @Test func theRulesAreValid() throws {
        try check("check", "rules", "--lint-fatal", "\(try rules)/pnetd.rules.yaml")
    }

    @Test func theRulesFireWhenTheyShould() throws {
        try check("test", "rules", "\(try rules)/pnetd.rules.test.yaml")
    }
}

/// In CI a missing tool is a failure and not a skip.
private let isPromtoolToRun =
    unsafe getenv("CI") != nil || (try? Errand.run(["promtool", "--version"]))?.exit == .status(0)
