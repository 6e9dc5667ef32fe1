// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import ProcessLink
import SystemIO
import Testing

@testable import pnetd_frontend

/// Alerts delivered to programs.
struct CommandTests {
    private func shell(_ script: String) -> AlertDelivery.Receiver { .command(["/bin/sh", "-c", script, "name"]) }

    @Test func aProgramGetsTheAlertAndLittleElse() throws {
        let agent = try FakeAgent()
        let script = "cat > \(agent.folder)/in; env > \(agent.folder)/env; ls /proc/self/fd > \(agent.folder)/fd"
        _ = try agent.listen()
        agent.deliver("plant-7-1-0", to: shell(script), body: #"{"to":"up"}"#)
        try agent.until("it is delivered") { agent.said == ["plant-7-1-0 delivered"] }
        func text(_ name: String) throws -> String {
            String(decoding: try Files.read("\(agent.folder)/\(name)"), as: UTF8.self)
        }
        #expect(try text("in") == #"{"to":"up"}"#)
        let names = try text("env").split(separator: "\n").map { $0.prefix { $0 != "=" } }
        #expect(Set(names).subtracting(["PATH", "LANG", "PNETD_DELIVERY", "PWD", "SHLVL", "_", "OLDPWD"]).isEmpty)
        #expect(try text("env").contains("PNETD_DELIVERY=plant-7-1-0\n"))
        // The three, and the directory that ls reads.
        #expect(try text("fd").split(separator: "\n").count == 4)
    }

    @Test func aProgramThatFailsIsQuoted() throws {
        let agent = try FakeAgent()
        agent.deliver("a", to: shell("seq 1 9999 >&2; printf 'no\\033[1m pager\\n' >&2; exit 3"))
        try agent.until("it is refused") { agent.said.count == 1 }
        #expect(agent.said[0].hasPrefix("a undelivered: exit status 3: "))
        #expect(agent.said[0].hasSuffix("9998 9999 no[1m pager"))
        #expect(agent.said[0].utf8.count < 250)
        agent.deliver("a", to: shell("kill -9 $$"))
        try agent.until("it is refused") { agent.said.count == 2 }
        #expect(agent.said[1] == "a undelivered: signal 9")
        agent.deliver("a", to: .command(["/no/such/program"]))
        try agent.until("it is refused") { agent.said.count == 3 }
        #expect(agent.said[2] == "a undelivered: start /no/such/program: No such file or directory")
    }

    @Test func aProgramThatDoesNotEndIsKilledWithItsChildren() throws {
        let loop = try EventLoop()
        let runner = CommandRunner(on: loop, patience: .milliseconds(300))
        let delivery = AlertDelivery(id: "a", receiver: .command([]), body: "{}")
        var outcome: DeliveryOutcome?
        let script = "echo waiting >&2; sleep 77 & wait"
        runner.run(["/bin/sh", "-c", script], for: delivery) { outcome = $0 }
        let pid = try #require(runner.children.first)
        let began = loop.now
        let deadline = began + .seconds(5)
        while loop.now < began + .milliseconds(400), loop.now < deadline { try loop.turn(waiting: .milliseconds(50)) }
        runner.ended(pid, try ChildProcess.wait(for: pid))
        #expect(outcome == .failed("killed after 300ms: waiting"))
        #expect(runner.children.isEmpty)
        // The group is empty: its children are gone, or nobody's.
        try loop.turnUntil("the children are gone") { kill(-pid, 0) != 0 }
    }
}
