// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import NetworkTypes
import ProcessLink
import Synchronization
import SystemIO
import Testing

@testable import pnetd_frontend

/// The sending of webhooks in this process, with short limits.
struct WebhookTests {
    private final class Outcome: Sendable {
        let all = Mutex<[DeliveryOutcome]>([])
    }

    private func send(
        to receiver: Receiver,
        on loop: SystemIO.EventLoop,
        patience: TimeAmount = .milliseconds(400)
    ) throws -> [DeliveryOutcome] {
        let outcome = Outcome()
        let delivery = AlertDelivery(id: "a", receiver: .webhook(url: receiver.url), body: "{}")
        WebhookSender(group: MultiThreadedEventLoopGroup.singleton, patience: patience)
            .send(delivery, to: receiver.url) { end in outcome.all.withLock { $0.append(end) } }
        try loop.turnUntil("the attempt ends") { outcome.all.withLock { !$0.isEmpty } }
        // Long enough for a second end to show itself.
        try? loop.turnUntil("nothing more comes", within: .milliseconds(500)) { false }
        return outcome.all.withLock { $0 }
    }

    @Test func silenceIsNotWaitedFor() throws {
        let loop = try SystemIO.EventLoop()
        let receiver = try Receiver(on: loop)
        receiver.answer = nil
        let ends = try send(to: receiver, on: loop)
        #expect(ends == [.failed("http://\(receiver.endpoint): no answer within 400 ms")])
    }

    @Test func theHeadOfAnAnswerDecides() throws {
        let loop = try SystemIO.EventLoop()
        let receiver = try Receiver(on: loop)
        receiver.answer = "HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\nnever whole"
        #expect(try send(to: receiver, on: loop) == [.arrived])
        receiver.answer = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
        #expect(
            try send(to: receiver, on: loop) == [.failed("http://\(receiver.endpoint) answered with status 503")]
        )
    }

    @Test func anEndlessAnswerIsNotRead() throws {
        let loop = try SystemIO.EventLoop()
        let receiver = try Receiver(on: loop)
        receiver.answer = "HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n" + String(repeating: "x", count: 100_000)
        let began = loop.now
        #expect(try send(to: receiver, on: loop, patience: .seconds(8)) == [.arrived])
        #expect(loop.now - began < .seconds(4))
    }

    @Test func garbageIsNoAnswer() throws {
        let loop = try SystemIO.EventLoop()
        let receiver = try Receiver(on: loop)
        receiver.answer = "220 mail.example.net ESMTP\r\n"
        #expect(
            try send(to: receiver, on: loop) == [.failed("http://\(receiver.endpoint): the answer is not HTTP")]
        )
    }

    @Test(arguments: [
        ("http://a", "http://a", "/"),
        ("HTTPS://a.example.net:8443?x=y#z", "https://a.example.net:8443", "/?x=y"),
        ("https://a:443/p/q?r#s", "https://a", "/p/q?r"),
        ("http://[2001:db8::1]:8080/x", "http://[2001:db8::1]:8080", "/x"),
        ("http://u:p%20w@192.0.2.1/x@y", "http://192.0.2.1", "/x@y"),
    ])
    func urlsAreTakenApart(_ text: String, _ origin: String, _ target: String) throws {
        let url = try #require(WebhookURL(text))
        #expect(url.origin == origin)
        #expect(url.target == target)
    }

    @Test(arguments: [
        "", "http://", "ftp://a", "http:/a", "http://a b", "http://a\r\nX: y", "http://a:0", "http://a:99999",
        "http://a:1:2", "http://[::1", "http://ä/", "http://a/\u{7F}",
    ])
    func whatIsNoURLIsRefused(_ text: String) {
        #expect(WebhookURL(text) == nil)
    }

    @Test func aUserInAURLIsSentAsCredentials() throws {
        // RFC 7617 section 2: Aladdin, "open sesame".
        let url = try #require(WebhookURL("http://Aladdin:open%20sesame@a/"))
        #expect(url.authorization == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
        #expect(!url.origin.contains("Aladdin"))
    }
}
