// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import NetworkTypes
import ProcessLink
import SystemIO
import Testing

@testable import pnetd_frontend

/// Requests over TLS, and what is said to them.
@Suite(.serialized)
struct RequestTests {
    private let loop: SystemIO.EventLoop
    private let servers: TLSServers

    init() throws {
        loop = try SystemIO.EventLoop()
        servers = try TLSServers(on: loop)
        try servers.certify("hub.example.net")
    }

    private func ask(
        _ endpoint: SocketEndpoint,
        showing identity: ClientIdentity? = nil,
        authorization: Secret? = nil,
        patience: Int = 5_000
    ) throws -> HandshakeReport {
        try HandshakeCall.make(
            on: loop,
            to: endpoint,
            trusting: servers.roots,
            showing: identity,
            asking: HandshakeRequest.Question(
                authority: "hub.example.net:8443",
                path: "/health?deep=1",
                authorization: authorization
            ),
            patience: patience
        )
    }

    private func server(saying answer: String?) throws -> SayingServer {
        try SayingServer(servers.identity("hub.example.net"), saying: answer)
    }

    /// A server that we did not write, with the version of HTTP before ours.
    @Test(arguments: [[], ["-alpn", "h2,http/1.1"]])
    func aPageOfOpensslsIsAnAnswer(options: [String]) throws {
        let report = try ask(servers.serve("hub.example.net", options))
        #expect(report.outcome == .served && report.status == 200)
        #expect(report.expires != nil)
    }

    @Test(arguments: [
        ("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\n", 503),
        ("HTTP/1.0 204 No Content\r\n\r\n", 204),
        ("HTTP/1.1 302 Found\r\nLocation: https://elsewhere/\r\n\r\n", 302),
        ("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 401 Unauthorized\r\n\r\n", 401),
    ])
    func theStatusIsTold(answer: String, status: Int) throws {
        let report = try ask(server(saying: answer))
        #expect(report.outcome == .served && report.status == status)
    }

    @Test func theRequestIsWhatWasAskedFor() throws {
        let server = try server(saying: "HTTP/1.1 200 OK\r\n\r\n")
        _ = try ask(server.endpoint, authorization: Secret("SharedAccessSignature sr=a".utf8))
        let lines = server.question.split(separator: "\r\n")
        #expect(
            lines == [
                "GET /health?deep=1 HTTP/1.1", "Host: hub.example.net:8443", "User-Agent: pnetd/\(Version.text)",
                "Accept: */*", "Connection: close", "Authorization: SharedAccessSignature sr=a",
            ]
        )
    }

    @Test(arguments: [
        "220 mail.example.net ESMTP\r\n", "\u{0}\u{1}\u{2}", "HTTP/1.1 twohundred\r\n\r\n",
        // A head without an end.
        "HTTP/1.1 200 OK\r\n" + String(repeating: "X-More: abcdefgh\r\n", count: 2_000),
    ])
    func whatIsNoHTTPIsTold(answer: String) throws {
        #expect(try ask(server(saying: answer)).outcome == .notHTTP)
    }

    @Test(arguments: ["", "HTTP/1.1 200 OK\r\nX-Half: "])
    func whoSaysNothingIsTold(answer: String) throws {
        let report = try ask(server(saying: answer), patience: 700)
        #expect(report.outcome == .unanswered && report.status == nil)
    }

    @Test func whoHangsUpIsTold() throws {
        #expect(try ask(server(saying: nil)).outcome == .cutOff)
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func anIdentityIsShown(version: String) throws {
        let options = [version, "-CAfile", "\(servers.folder)/ca.pem", "-Verify", "1", "-verify_return_error"]
        let endpoint = try servers.serve("hub.example.net", options)
        try servers.certify("edge")
        #expect(try ask(endpoint, showing: servers.identity("edge")).status == 200)
        try servers.certify("edge", by: "stranger")
        #expect(try ask(endpoint, showing: servers.identity("edge")).outcome == .certificateDeclined)
    }

    private func ask(_ server: SayingServer, patience: Int = 5_000) throws -> HandshakeReport {
        try ask(server.endpoint, patience: patience)
    }
}
