// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import ProcessLink
import SystemIO
import Testing

/// Alerts from an agent through the frontend as a process to receivers.
struct AlertTests {
    @Test func aWebhookGetsTheAlertOnce() throws {
        let agent = try FakeAgent()
        let receiver = try Receiver(on: agent.loop)
        let body = #"{"network":"azure","to":"blocked","reasons":["ünder water"]}"#
        agent.deliver("plant-7-1-0", to: .webhook(url: receiver.url), body: body)
        try agent.until("the alert is delivered") { agent.said == ["plant-7-1-0 delivered"] }
        let request = try #require(receiver.requests.first)
        #expect(request.hasPrefix("POST /hook/s3cret?token=t0ken HTTP/1.1\r\n"))
        #expect(request.hasSuffix("\r\n\r\n\(body)"))
        for field in [
            "Host: \(receiver.endpoint)", "User-Agent: pnetd/0.1.0", "Content-Type: application/json",
            "Idempotency-Key: plant-7-1-0", "Content-Length: \(body.utf8.count)",
        ] {
            #expect(request.contains("\r\n\(field)\r\n"))
        }
        // The agent did not hear it, and offers the alert again.
        agent.deliver("plant-7-1-0", to: .webhook(url: receiver.url), body: body)
        try agent.until("it is said again") { agent.said.count == 2 }
        #expect(agent.said[1] == "plant-7-1-0 delivered")
        #expect(receiver.requests.count == 1)
    }

    @Test func aRefusedAlertIsTriedAgain() throws {
        let agent = try FakeAgent()
        let receiver = try Receiver(on: agent.loop)
        for (attempt, status) in [500, 404, 302].enumerated() {
            receiver.answer = Receiver.status(status, "Location: http://\(receiver.endpoint)/elsewhere\r\n")
            agent.deliver("a", to: .webhook(url: receiver.url))
            try agent.until("it is refused") { agent.said.count == attempt + 1 }
            #expect(agent.said.last == "a undelivered: http://\(receiver.endpoint) answered with status \(status)")
        }
        receiver.answer = Receiver.status(200)
        agent.deliver("a", to: .webhook(url: receiver.url))
        try agent.until("it arrives") { agent.said.last == "a delivered" }
        #expect(receiver.requests.count == 4)
        #expect(receiver.requests.allSatisfy { $0.hasPrefix("POST /hook/") })
    }

    @Test func anAlertOnItsWayIsNotSentTwice() throws {
        let agent = try FakeAgent()
        let receiver = try Receiver(on: agent.loop)
        receiver.answer = nil
        agent.deliver("a", to: .webhook(url: receiver.url))
        try agent.until("it is sent") { receiver.requests.count == 1 }
        agent.deliver("a", to: .webhook(url: receiver.url))
        // A second receiver is not held up by the first, which is silent.
        let other = try Receiver(on: agent.loop)
        agent.deliver("b", to: .webhook(url: other.url))
        try agent.until("the other arrives") { agent.said == ["b delivered"] }
        #expect(receiver.requests.count == 1)
    }

    @Test func anAlertThatArrivedWhileTheAgentWasAwayIsNotSentAgain() throws {
        let agent = try FakeAgent()
        let receiver = try Receiver(on: agent.loop)
        let fifo = "\(agent.folder)/go"
        let done = "\(agent.folder)/done"
        let command = ["/bin/sh", "-c", "echo x >> \(done); while ! test -e \(fifo); do sleep 0.05; done"]
        agent.deliver("hook", to: .webhook(url: receiver.url))
        agent.deliver("command", to: .command(command))
        try agent.until("the hook is delivered and the command runs") {
            agent.said == ["hook delivered"] && (try? Files.read(done)) != nil
        }
        agent.die()
        try Files.replace(fifo, with: [])
        try agent.loop.turn(waiting: .milliseconds(400))
        try agent.open()
        try agent.until("the frontend is back") { agent.channel != nil }
        agent.deliver("hook", to: .webhook(url: receiver.url))
        agent.deliver("command", to: .command(command))
        try agent.until("both are said to have arrived") { agent.said.count == 3 }
        #expect(agent.said.dropFirst() == ["hook delivered", "command delivered"])
        #expect(receiver.requests.count == 1)
        #expect(try Files.read(done) == Array("x\n".utf8))
    }

    @Test func saysWhyAWebhookIsNotReachedButNotItsSecrets() throws {
        let agent = try FakeAgent()
        let port = try LoopbackSocket().endpoint.port
        agent.deliver("a", to: .webhook(url: "http://127.0.0.1:\(port)/s3cret"))
        try agent.until("it is refused") { agent.said.count == 1 }
        #expect(agent.said[0].hasPrefix("a undelivered: http://127.0.0.1:\(port): "))
        agent.deliver("b", to: .webhook(url: "http://us3r:p4ss@no-such-host.invalid/s3cret"))
        try agent.until("it is refused") { agent.said.count == 2 }
        #expect(agent.said[1] == "b undelivered: http://no-such-host.invalid: the name has no address")
        agent.deliver("c", to: .webhook(url: "http://127.0.0.1:1:2/s3cret"))
        try agent.until("it is refused") { agent.said.count == 3 }
        #expect(agent.said[2] == "c undelivered: the webhook is not a URL")
        for secret in ["s3cret", "us3r", "p4ss"] {
            #expect(!agent.said.joined().contains(secret))
            #expect(!agent.log.contains(secret))
        }
    }

    @Test func deliveriesEndBeforeTheFrontendDoes() throws {
        let agent = try FakeAgent()
        agent.deliver("a", to: .command(["/bin/sleep", "0.5"]))
        // It is on its way for certain once a later message has been answered.
        agent.deliver("b", to: .command(["relative"]))
        try agent.until("the second is refused") { agent.said.count == 1 }
        kill(agent.frontend, SIGTERM)
        try agent.until("the first arrives") { agent.said.last == "a delivered" }
        #expect(try ChildProcess.wait(for: agent.frontend) == .status(0))
    }
}
