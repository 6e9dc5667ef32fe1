// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import ProcessLink
import SystemIO
import Testing

@testable import pnetd_frontend

/// Servers of openssl's that want to know who we are.
@Suite(.serialized)
struct IdentityTests {
    private let loop: SystemIO.EventLoop
    private let servers: TLSServers

    init() throws {
        loop = try SystemIO.EventLoop()
        servers = try TLSServers(on: loop)
        try servers.certify("hub.example.net")
    }

    private func serve(_ version: String, _ options: [String] = ["-Verify", "1", "-verify_return_error"]) throws
        -> SocketEndpoint
    {
        try servers.serve("hub.example.net", [version, "-CAfile", "\(servers.folder)/ca.pem"] + options)
    }

    private func outcome(at endpoint: SocketEndpoint, showing identity: ClientIdentity?) throws -> HandshakeReport {
        try HandshakeCall.make(on: loop, to: endpoint, trusting: servers.roots, showing: identity)
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func whoIsKnownIsServed(version: String) throws {
        try servers.certify("edge", until: 5)
        let report = try outcome(at: serve(version), showing: servers.identity("edge"))
        #expect(report.outcome == .served)
        let days = try (Double(#require(report.identityExpires)) - Double(SystemClock().wallNanoseconds) / 1e9) / 86_400
        #expect(abs(days - 5) < 0.1)
    }

    /// It says nothing behind the handshake: not even with a ticket for the next session.
    @Test func whoIsMetWithSilenceIsServed() throws {
        try servers.certify("edge")
        let endpoint = try serve("-tls1_3", ["-Verify", "1", "-verify_return_error", "-num_tickets", "0"])
        let begin = loop.now
        #expect(try outcome(at: endpoint, showing: servers.identity("edge")).outcome == .served)
        #expect(loop.now - begin > .milliseconds(500))
    }

    /// With TLS 1.3 we hear of it when our part of the handshake is over.
    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func whoIsOfAStrangerIsDeclined(version: String) throws {
        try servers.certify("edge", by: "stranger")
        let report = try outcome(at: serve(version), showing: servers.identity("edge"))
        #expect(report.outcome == .certificateDeclined)
        #expect(report.identityExpires != nil)
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func whoIsExpiredIsDeclined(version: String) throws {
        try servers.certify("edge", until: -1)
        #expect(try outcome(at: serve(version), showing: servers.identity("edge")).outcome == .certificateDeclined)
    }

    /// Before TLS 1.3 there was no alert for it.
    @Test(arguments: [("-tls1_2", HandshakeOutcome.declined), ("-tls1_3", .certificateWanted)])
    func whoShowsNothingIsTold(version: String, outcome: HandshakeOutcome) throws {
        #expect(try self.outcome(at: serve(version), showing: nil).outcome == outcome)
    }

    @Test func whatDoesNotBelongTogetherIsTold() throws {
        try servers.certify("edge")
        try servers.certify("other")
        let identity = ClientIdentity(
            certificates: try servers.identity("edge").certificates,
            privateKey: try servers.identity("other").privateKey
        )
        let endpoint = try serve("-tls1_3")
        #expect(try outcome(at: endpoint, showing: identity).outcome == .unfit)
        let rubbish = ClientIdentity(certificates: identity.certificates, privateKey: Secret("rubbish".utf8))
        #expect(try outcome(at: endpoint, showing: rubbish).outcome == .unfit)
    }

    /// In the forms that openssl writes keys in.
    @Test(arguments: [["rsa", "-traditional"], ["rsa"], ["ec", "-traditional"]])
    func keysOfAllKindsAreTaken(kind: [String]) throws {
        try servers.certify("edge", key: kind[0], traditional: kind.count > 1)
        let identity = try servers.identity("edge")
        let beginning =
            kind.count > 1 ? "-----BEGIN \(kind[0].uppercased()) PRIVATE KEY-----" : "-----BEGIN PRIVATE KEY-----"
        #expect(String(decoding: identity.privateKey.bytes, as: UTF8.self).hasPrefix(beginning))
        #expect(try outcome(at: serve("-tls1_3"), showing: identity).outcome == .served)
    }
}
