// SPDX-License-Identifier: Apache-2.0

import CLinux
import NameRelay
import NetworkTypes
import ProcessLink
import SystemIO
import Testing

/// Names over TLS by the real frontend; the test plays the agent, the resolver and the servers.
@Suite(.serialized)
struct NameServiceTests {
    private static let name = "dns.example.net"
    private static let query: [UInt8] =
        [0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3] + Array("www".utf8) + [4] + Array("test".utf8) + [0, 0, 1, 0, 1]

    private let agent: FakeAgent
    private let servers: TLSServers

    init() throws {
        agent = try FakeAgent()
        servers = try TLSServers(on: agent.loop)
    }

    /// The resolver's end of a socket to the frontend.
    private func relay() throws -> RelayEnd {
        let (one, other) = try UnixPair().release()
        let theirs = FileDescriptor(owning: other)
        agent.channel?.send(.relay, with: [theirs.raw])
        return RelayEnd(FileDescriptor(owning: one), agent.loop)
    }

    private func server(at endpoint: SocketEndpoint, as name: String = name) throws -> NamesOverTLS.Server {
        NamesOverTLS.Server(
            Upstream(endpoint, .tls),
            name: try #require(DomainName(name)),
            path: "/dns-query",
            roots: try servers.roots
        )
    }

    private func tell(_ servers: [NamesOverTLS.Server], identity: ClientIdentity? = nil) {
        agent.channel?.send(.namesOverTLS(NamesOverTLS(servers: servers, identity: identity)))
    }

    /// What the frontend said last of a server's connections.
    private func until(_ what: String, _ holds: @escaping (UpstreamReport) -> Bool) throws {
        try agent.until(what) { agent.reports.last.map { $0.contains(where: holds) } ?? false }
    }

    /// Two questions of the same number are two questions on the connection, and answers come in whatever order.
    @Test func asksAServerByOneConnection() throws {
        try servers.certify(Self.name)
        let endpoint = try servers.serveNames(Self.name, as: .backwards)
        tell([try server(at: endpoint)])
        let resolver = try relay()
        let upstream = Upstream(endpoint, .tls)
        for number in [UInt64(1), 2] { try resolver.send(.ask(number, of: upstream, message: Self.query)) }
        var answers: [UInt64: [UInt8]] = [:]
        for _ in 0..<2 {
            guard case .answered(let number, let message) = try resolver.next() else {
                Issue.record("no answer; \(agent.log)")
                return
            }
            answers[number] = message
        }
        for number in [UInt64(1), 2] {
            let answer = try #require(answers[number])
            #expect(Array(answer[..<2]) == Array(Self.query[..<2]), "the number is the one that was asked with")
            #expect(Array(answer[12...]) == Array(Self.query[12...]) && answer[2] & 0x80 != 0)
        }
        try until("it is told of") { $0.connections == 1 && $0.failures.isEmpty && $0.problem == nil }
    }

    @Test func saysWhyAServerCannotBeAsked() throws {
        try servers.certify(Self.name, until: -3)
        let expired = try servers.serveNames(Self.name)
        try servers.certify("other.example.net")
        let other = try servers.serveNames("other.example.net")
        try servers.certify("foreign.example.net", by: "stranger")
        let foreign = try servers.serveNames("foreign.example.net")
        let nobody = try LoopbackSocket().endpoint
        let silent = try LoopbackSocket()
        let expected: [(SocketEndpoint, String, UpstreamFailure)] = [
            (expired, Self.name, .expired), (other, Self.name, .wrongName),
            (foreign, "foreign.example.net", .untrusted), (nobody, Self.name, .unreachable),
            (silent.endpoint, Self.name, .silent),
        ]
        tell(try expected.map { try server(at: $0.0, as: $0.1) })
        let resolver = try relay()
        for (number, (endpoint, _, _)) in expected.enumerated() {
            try resolver.send(.ask(UInt64(number), of: Upstream(endpoint, .tls), message: Self.query))
        }
        var failed: Set<RelayMessage> = []
        for _ in expected { if let message = try resolver.next() { failed.insert(message) } }
        #expect(failed == Set(expected.indices.map { .failed(UInt64($0)) }))
        for (endpoint, _, reason) in expected {
            try until("\(endpoint) is \(reason)") {
                $0.upstream.endpoint == endpoint && $0.problem == reason && $0.failures == [reason: 1]
            }
        }
    }

    /// A server that nobody named is not asked: whoever has taken the resolver over gets no way out by the frontend.
    @Test func asksNobodyElse() throws {
        try servers.certify(Self.name)
        let endpoint = try servers.serveNames(Self.name)
        tell([])
        let resolver = try relay()
        try resolver.send(.ask(4, of: Upstream(endpoint, .tls), message: Self.query))
        #expect(try resolver.next() == .failed(4))
    }

    @Test func asksAgainWhereTheConnectionEnds() throws {
        try servers.certify(Self.name)
        let endpoint = try servers.serveNames(Self.name, as: .once)
        tell([try server(at: endpoint)])
        let resolver = try relay()
        for number in [UInt64(1), 2, 3] {
            try resolver.send(.ask(number, of: Upstream(endpoint, .tls), message: Self.query))
            guard case .answered(number, _) = try resolver.next() else {
                Issue.record("no answer to \(number)")
                return
            }
        }
        try until("there were three connections") { $0.connections == 3 && $0.problem == nil }
    }

    /// A connection that leads nowhere any more, as when the way there has died.
    @Test func asksAgainWhereAConnectionFallsSilent() throws {
        try servers.certify(Self.name)
        let endpoint = try servers.serveNames(Self.name, as: .stuck)
        tell([try server(at: endpoint)])
        let resolver = try relay()
        let start = agent.loop.now
        for number in [UInt64(1), 2] {
            try resolver.send(.ask(number, of: Upstream(endpoint, .tls), message: Self.query))
            guard case .answered(number, _) = try resolver.next() else {
                Issue.record("no answer to \(number)")
                return
            }
        }
        let time = agent.loop.now - start
        #expect(time >= .seconds(2) && time < .seconds(4))
        try until("there were two connections") { $0.connections == 2 }
    }

    @Test func hangsUpOnAResolverThatSaysNonsense() throws {
        tell([])
        for octets in [[0, 1, 0, 30], RelayMessage.answered(1, message: []).frame] as [[UInt8]] {
            let resolver = try relay()
            try resolver.send(octets)
            #expect(try resolver.next() == nil)
        }
    }

    /// A client of dig's; with another certificate the next one sees that.
    @Test func servesClients() throws {
        let names = [Self.name, "next.example.net"]
        for name in names { try servers.certify(name) }
        let socket = try LoopbackSocket()
        try NetworkSocket.tellInterface(socket.descriptor.raw)
        let listener = ListenerDescription(kind: .dnsTLS, endpoint: socket.endpoint, index: 0)
        tell([], identity: try servers.identity(names[0]))
        agent.channel?.send(.listeners([listener], attached: [true]), with: [socket.descriptor.raw])
        let resolver = try relay()
        for name in names {
            tell([], identity: try servers.identity(name))
            let client = try Errand([
                "dig", "+tls", "+tls-ca=\(servers.folder)/ca.pem", "+tls-hostname=\(name)", "+tries=1", "+time=5", "-p",
                "\(socket.endpoint.port)", "@127.0.0.1", "www.test",
            ])
            guard case .query(let number, let address, let interface, let message) = try resolver.next() else {
                Issue.record("no question: \(client.output)")
                return
            }
            #expect(address == IPAddress("127.0.0.1"))
            #expect(InterfaceName("lo").flatMap { NetworkSocket.index(of: $0) } == interface)
            try resolver.send(.reply(number, message: Array(message[..<2]) + [0x81, 0x83] + message[4...]))
            try agent.until("dig ends") { try client.isOver() }
            #expect(client.output.contains("status: NXDOMAIN") && client.output.contains("(TLS)"), "\(client.output)")
        }
    }

    /// Who has asked all and ends his side gets his answers all the same, and then the connection ends (RFC 7766 section
    /// 6.2.4).
    @Test(arguments: TLSNameClient.Ending.allCases)
    func answersAClientWhoAsksNoMore(ending: TLSNameClient.Ending) throws {
        try servers.certify(Self.name)
        let socket = try LoopbackSocket()
        let listener = ListenerDescription(kind: .dnsTLS, endpoint: socket.endpoint, index: 0)
        tell([], identity: try servers.identity(Self.name))
        agent.channel?.send(.listeners([listener], attached: [true]), with: [socket.descriptor.raw])
        let resolver = try relay()
        let client = try TLSNameClient(to: socket.endpoint, as: Self.name, roots: try servers.roots)
        try client.ask([Self.query, Self.query], then: ending)
        var replies: [RelayMessage] = []
        for octet in [UInt8(1), 2] {
            guard case .query(let number, _, _, let message) = try resolver.next() else {
                Issue.record("no question; \(agent.log)")
                return
            }
            replies.append(.reply(number, message: message + [octet]))
        }
        // Long enough for the end of the client's side to be seen.
        usleep(100_000)
        #expect(!client.isOver)
        for reply in replies { try resolver.send(reply) }
        try agent.until("the connection ends") { client.isOver }
        #expect(client.messages == [Self.query + [1], Self.query + [2]])
    }

    /// Without a resolver a client is not left waiting: it may ask again, or another.
    @Test func hangsUpOnClientsWhoWouldWaitInVain() throws {
        try servers.certify(Self.name)
        let socket = try LoopbackSocket()
        let listener = ListenerDescription(kind: .dnsTLS, endpoint: socket.endpoint, index: 0)
        tell([], identity: try servers.identity(Self.name))
        agent.channel?.send(.listeners([listener], attached: [true]), with: [socket.descriptor.raw])
        let start = agent.loop.now
        let client = try Errand(["dig", "+tls", "+tries=1", "+time=5", "-p", "\(socket.endpoint.port)", "@127.0.0.1"])
        try agent.until("dig ends") { try client.isOver() }
        #expect(agent.loop.now - start < .seconds(3), "\(client.output)")
    }
}
