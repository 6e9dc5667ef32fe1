// SPDX-License-Identifier: Apache-2.0

import CLinux
import NIOCore
import NIOPosix
import NIOSSL
import NetworkTypes
import ProcessLink
import Synchronization
import SystemIO
import Testing

@testable import pnetd_frontend

/// Webhooks over TLS: openssl is both the authority and the server.
@Suite(.serialized)
struct SecureWebhookTests {
    private final class Outcome: Sendable {
        let value = Mutex<DeliveryOutcome?>(nil)
    }

    private let loop: SystemIO.EventLoop
    private let folder: String

    init() throws {
        loop = try SystemIO.EventLoop()
        folder = "/tmp/pnetd-tls-\(UInt64.random(in: 0...UInt64.max))"
        try Files.makeDirectory(folder)
    }

    /// Makes a certificate that signs itself, for localhost only.
    private func makeCertificate() throws {
        let made = try Errand.run(
            [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-keyout", "\(folder)/key.pem", "-out", "\(folder)/cert.pem", "-days", "2",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
            ]
        )
        try #require(made.exit == .status(0), "\(made.output)")
    }

    /// Posts to a server of openssl's, which prints what it got and answers what it is told on standard input.
    private func post(to host: String, trusting roots: NIOSSLTrustRoots) throws -> (DeliveryOutcome?, heard: String) {
        let port = try LoopbackSocket().endpoint.port
        let answer = "HTTP/1.1 204 No Content\\r\\nContent-Length: 0\\r\\n\\r\\n"
        let files = "-cert \(folder)/cert.pem -key \(folder)/key.pem"
        // openssl sends its input when there is a client; it ends after the first.
        let server = try Errand(
            [
                "sh", "-c",
                "(sleep 1.5; printf '\(answer)'; sleep 0.5) | openssl s_server -accept 127.0.0.1:\(port) -naccept 1 \(files)",
            ]
        )
        try loop.turnUntil("the server listens") {
            _ = try server.isOver()
            return server.output.contains("ACCEPT")
        }
        let outcome = Outcome()
        let url = "https://\(host):\(port)/hook"
        let delivery = AlertDelivery(id: "a", receiver: .webhook(url: url), body: #"{"status":"firing"}"#)
        WebhookSender(group: MultiThreadedEventLoopGroup.singleton, patience: .seconds(8), trustRoots: roots)
            .send(delivery, to: url) { end in outcome.value.withLock { $0 = end } }
        try loop.turnUntil("the attempt ends") { outcome.value.withLock { $0 != nil } }
        try loop.turnUntil("the server ends") { try server.isOver() }
        return (outcome.value.withLock { $0 }, server.output)
    }

    private func reason(_ outcome: DeliveryOutcome?) throws -> String {
        var reason: String?
        if case .failed(let text) = outcome { reason = text }
        return try #require(reason)
    }

    @Test func aTrustedReceiverGetsTheAlert() throws {
        defer { _ = try? Errand.run(["rm", "-rf", folder]) }
        try makeCertificate()
        let (outcome, heard) = try post(to: "localhost", trusting: .file("\(folder)/cert.pem"))
        #expect(outcome == .arrived)
        #expect(heard.contains("POST /hook HTTP/1.1") && heard.contains(#"{"status":"firing"}"#))
    }

    @Test func aReceiverThatIsNotTrustedGetsNothing() throws {
        defer { _ = try? Errand.run(["rm", "-rf", folder]) }
        try makeCertificate()
        let (outcome, heard) = try post(to: "localhost", trusting: .default)
        let reason = try self.reason(outcome)
        #expect(reason.contains("CERTIFICATE_VERIFY_FAILED"), "\(reason)")
        #expect(!heard.contains("POST"))
    }

    @Test func aCertificateOfAnotherHostIsRefused() throws {
        defer { _ = try? Errand.run(["rm", "-rf", folder]) }
        try makeCertificate()
        let (outcome, heard) = try post(to: "127.0.0.1", trusting: .file("\(folder)/cert.pem"))
        let reason = try self.reason(outcome)
        #expect(reason.hasSuffix("the certificate is not that of the host"), "\(reason)")
        #expect(!heard.contains("POST"))
    }
}
