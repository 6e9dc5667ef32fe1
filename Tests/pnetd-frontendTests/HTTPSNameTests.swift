// SPDX-License-Identifier: Apache-2.0

import CLinux
import NameRelay
import NetworkTypes
import ProcessLink
import SystemIO
import Testing

/// DNS over HTTPS by the real frontend (RFC 8484).
@Suite(.serialized)
struct HTTPSNameTests {
    private static let name = "dns.example.net"
    private static let query: [UInt8] =
        [0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3] + Array("www".utf8) + [4] + Array("test".utf8) + [0, 0, 1, 0, 1]

    private let agent: FakeAgent
    private let servers: TLSServers

    init() throws {
        agent = try FakeAgent()
        servers = try TLSServers(on: agent.loop)
        try servers.certify(Self.name)
    }

    /// What becomes of some questions that are asked at once.
    private func ask(_ server: HTTPSNameServer, _ path: String = "/dns-query", times: Int = 1) throws -> [RelayMessage]
    {
        let upstream = Upstream(server.endpoint, .https)
        let terms = NamesOverTLS.Server(
            upstream,
            name: try #require(DomainName(Self.name)),
            path: path,
            roots: try servers.roots
        )
        agent.channel?.send(.namesOverTLS(NamesOverTLS(servers: [terms], identity: nil)))
        let (one, other) = try UnixPair().release()
        let theirs = FileDescriptor(owning: other)
        agent.channel?.send(.relay, with: [theirs.raw])
        let resolver = RelayEnd(FileDescriptor(owning: one), agent.loop)
        for number in 0..<times { try resolver.send(.ask(UInt64(number), of: upstream, message: Self.query)) }
        return try (0..<times).compactMap { _ in try resolver.next() }
    }

    @Test func aQuestionIsAPost() throws {
        let server = try HTTPSNameServer(Self.name, of: servers)
        let answer = Array(Self.query[..<2]) + [Self.query[2] | 0x80] + Self.query[3...]
        #expect(try ask(server, "/q?a=1") == [.answered(0, message: answer)])
        let request = HTTPSNameServer.Request(
            method: "POST",
            path: "/q?a=1",
            authority: "\(Self.name):\(server.endpoint.port)",
            type: "application/dns-message",
            body: [0, 0] + Self.query[2...]
        )
        #expect(server.requests == [request])
    }

    /// More than one connection takes at once.
    @Test func manyQuestionsTakeOneConnection() throws {
        let server = try HTTPSNameServer(Self.name, of: servers)
        let answers = try ask(server, times: 150)
        #expect(answers.count == 150 && server.requests.count == 150)
        #expect(answers.allSatisfy { if case .answered = $0 { true } else { false } })
        try agent.until("it is told of") { agent.reports.last?.first?.connections == 1 }
    }

    @Test(arguments: ["/absent", "/text", "/long", "/short", "/hangs-up"])
    func whatIsNoAnswerHasFailed(path: String) throws {
        #expect(try ask(HTTPSNameServer(Self.name, of: servers), path) == [.failed(0)])
    }

    @Test func aServerThatSpeaksSomethingElseIsNotAsked() throws {
        let server = try HTTPSNameServer(Self.name, of: servers, protocols: ["http/1.1"])
        #expect(try ask(server) == [.failed(0)])
        try agent.until("it is told why") { agent.reports.last?.first?.problem == .wrongProtocol }
        #expect(server.requests == [])
    }
}
