// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import ProcessLink
import SystemIO
import Telemetry
import Testing

/// The frontend as a process, asked by curl.
struct PageTests {
    @Test func servesTheAgentsPage() throws {
        let agent = try FakeAgent()
        let place = "http://\(try agent.listen())"
        let metrics = try agent.curl("-i", "\(place)/metrics")
        #expect(metrics.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(metrics.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"))
        #expect(metrics.hasSuffix("\r\n\r\n\(agent.metrics)"))
        #expect(try agent.curl("\(place)/healthz?verbose") == #"{"reasons":[],"state":"up"}"# + "\n")
        #expect(try agent.curl("\(place)/").contains("/metrics"))
    }

    @Test(arguments: [("up", "200"), ("degraded", "200"), ("down", "503")])
    func healthIsAStatus(_ state: String, _ status: String) throws {
        let agent = try FakeAgent()
        agent.health = Health(state: state, reasons: ["azure is \"odd\""])
        let answer = try agent.curl("-w", "%{http_code}", "http://\(try agent.listen())/healthz")
        #expect(answer == #"{"reasons":["azure is \"odd\""],"state":"\#(state)"}"# + "\n\(status)")
    }

    @Test func refusesWhatIsNotForIt() throws {
        let agent = try FakeAgent()
        let place = "http://\(try agent.listen())"
        #expect(try agent.curl("-i", "\(place)/metricsx").hasPrefix("HTTP/1.1 404 "))
        let post = try agent.curl("-i", "-d", "x=1", "\(place)/metrics")
        #expect(post.hasPrefix("HTTP/1.1 405 ") && post.contains("Allow: GET, HEAD\r\n"))
        #expect(try agent.curl("-i", "-X", "GET", "-d", "x=1", "\(place)/metrics").hasPrefix("HTTP/1.1 413 "))
        let head = try agent.curl("-I", "\(place)/metrics")
        #expect(head.hasPrefix("HTTP/1.1 200 ") && head.contains("Content-Length: \(agent.metrics.utf8.count)\r\n"))
        #expect(!head.contains("pnetd_x"))
    }

    @Test func doesNotWaitForASlowAgent() throws {
        let agent = try FakeAgent()
        agent.answers = false
        let place = "http://\(try agent.listen())"
        let began = agent.loop.now
        let answer = try agent.curl("-w", "%{http_code}", "\(place)/metrics")
        #expect(answer == "no metrics: the agent did not answer within 2.0s\n503")
        #expect(agent.loop.now - began < .seconds(4))
        agent.answers = true
        #expect(try agent.curl("\(place)/metrics") == agent.metrics)
    }

    @Test func outlivesTheAgent() throws {
        let agent = try FakeAgent()
        let place = "http://\(try agent.listen())"
        #expect(try agent.curl("\(place)/metrics") == agent.metrics)
        let listeners = agent.held
        agent.die()
        let health = try agent.curl("-w", "%{http_code}", "\(place)/healthz")
        #expect(health.hasPrefix(#"{"reasons":["the agent is not connected since 20"#))
        #expect(health.hasSuffix(#"Z"],"state":"down"}"# + "\n503"))
        #expect(try agent.curl("-w", "%{http_code}", "\(place)/metrics").hasSuffix("Z\n503"))
        #expect(listeners.isEmpty)

        try agent.open()
        try agent.until("the frontend is back") { agent.channel != nil }
        try #require(agent.held.count == 1)
        #expect(agent.held.map { "http://\($0.endpoint)" } == [place])
        agent.channel?.send(.listeners(agent.held, attached: [false]))
        #expect(try agent.curl("\(place)/metrics") == agent.metrics)
    }

    @Test func closesWhatIsNoLongerListed() throws {
        let agent = try FakeAgent()
        let first = try agent.listen()
        #expect(try agent.curl("http://\(first)/metrics") == agent.metrics)
        let second = try agent.listen()
        #expect(try agent.curl("http://\(second)/metrics") == agent.metrics)
        #expect(try agent.curl("http://\(first)/metrics").contains("Failed to connect"))
    }

    @Test func manyScrapesCostTheAgentFew() throws {
        let agent = try FakeAgent()
        agent.metrics = String(repeating: "# a comment as long as a page of metrics of a large site\n", count: 2_000)
        let place = "http://\(try agent.listen())/metrics"
        let arguments = ["-sS", "--parallel", "--parallel-immediate", "--parallel-max", "64", "-w", "%{http_code} "]
        let places = (0..<64).flatMap { _ in [place, "-o", "/dev/null"] }
        let errand = try Errand(["curl"] + arguments + places)
        try agent.until("curl ends") { try errand.isOver() }
        let statuses = errand.output.split(whereSeparator: \.isWhitespace)
        #expect(statuses.filter { $0 == "200" }.count == 64, "\(errand.output.prefix(500))")
        #expect((1..<32).contains(agent.scrapes))
    }

    @Test func endsWhenToldTo() throws {
        let agent = try FakeAgent()
        agent.channel?.send(.stop)
        #expect(try ChildProcess.wait(for: agent.frontend) == .status(LinkRole.toldToEnd))
        let other = try FakeAgent()
        kill(other.frontend, SIGTERM)
        #expect(try ChildProcess.wait(for: other.frontend) == .status(0))
    }

    @Test(.enabled(if: geteuid() == 0, "only root has privilege to give away")) func hasNoPrivilege() throws {
        let agent = try FakeAgent()
        let status = String(decoding: try Files.read("/proc/\(agent.frontend)/status"), as: UTF8.self)
        for line in ["CapPrm:\t", "CapEff:\t", "CapBnd:\t", "CapAmb:\t"] {
            #expect(status.contains(line + "0000000000000000\n"))
        }
        #expect(status.contains("NoNewPrivs:\t1\n"))
        #expect(!status.contains("Uid:\t0"))
    }
}
