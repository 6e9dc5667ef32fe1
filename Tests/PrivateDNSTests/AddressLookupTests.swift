// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO
import Testing

@testable import PrivateDNS

/// Lookups over loopback, answered by workers of our own.
@Suite(.serialized)
struct AddressLookupTests {
    private let loop: EventLoop
    private let pool: WorkerPool
    private let server: SocketEndpoint

    init() throws {
        loop = try EventLoop()
        pool = try WorkerPool(cacheBudget: 1 << 16)
        let any = try #require(SocketEndpoint("127.0.0.1", defaultPort: 0))
        let socket = try NetworkSocket.listener(on: any, isStream: false)
        server = try #require(NetworkSocket.boundEndpoint(of: socket.raw))
        try pool.serve([WorkerPool.Listener(worker: 0, descriptor: socket.raw, isStream: false)])
        let records = [
            "gw 300 A 192.0.2.1", "gw 300 A 192.0.2.2", "gw 60 AAAA 2001:db8::1", "www 30 CNAME gw",
            "four A 192.0.2.4", "text TXT \"nothing\"",
        ]
        pool.adopt(
            Policy(
                serial: 1,
                allow: [try #require(IPPrefix("127.0.0.0/8"))],
                whenBlocked: .servfail,
                upstreams: [],
                zones: [try Scenario.zone("example.net", records: records, realm: Scenario.path("lo"))],
                after: nil
            )
        )
    }

    private func find(
        _ host: String,
        by servers: [SocketEndpoint]? = nil,
        through interface: String = "lo"
    ) throws -> AddressLookup.Finding {
        var finding: AddressLookup.Finding?
        let question = AddressLookup.Question(
            host: try #require(DomainName(host)),
            servers: servers ?? [server],
            interface: try #require(InterfaceName(interface))
        )
        let lookup = try AddressLookup(question, on: loop) { finding = $0 }
        try withExtendedLifetime(lookup) {
            for _ in 0..<1_000 where finding == nil { try loop.turn(waiting: .milliseconds(10)) }
        }
        return try #require(finding)
    }

    @Test func findsBothFamilies() throws {
        let finding = try find("gw.example.net")
        #expect(finding.addresses.map(\.description) == ["192.0.2.1", "192.0.2.2", "2001:db8::1"])
        #expect(finding.problem == nil)
        #expect(finding.lifetime == 60)
    }

    @Test func followsAliases() throws {
        let finding = try find("www.example.net")
        #expect(finding.addresses.count == 3)
        #expect(finding.lifetime == 30)
    }

    @Test func oneFamilyIsEnough() throws {
        #expect(try find("four.example.net").addresses.map(\.description) == ["192.0.2.4"])
    }

    @Test func saysWhyThereIsNone() throws {
        #expect(try find("no.example.net") == .init(problem: .noSuchName))
        #expect(try find("text.example.net") == .init(problem: .noAddress))
        // Refused: the name is in no zone of the server's.
        #expect(try find("gw.example.com") == .init(problem: .noAnswer))
        #expect(try find("gw.example.net", through: "nowhere0") == .init(problem: .noAnswer))
    }

    @Test func asksTheNextServer() throws {
        let any = try #require(SocketEndpoint("127.0.0.1", defaultPort: 0))
        let silent = try NetworkSocket.listener(on: any, isStream: false)
        let mute = try #require(NetworkSocket.boundEndpoint(of: silent.raw))
        #expect(try find("four.example.net", by: [mute, server]).addresses.count == 1)
    }

    @Test func whatIsLetGoOfSaysNothing() throws {
        let question = AddressLookup.Question(
            host: try #require(DomainName("gw.example.net")),
            servers: [server],
            interface: try #require(InterfaceName("lo"))
        )
        var isCalled = false
        _ = try AddressLookup(question, on: loop) { _ in isCalled = true }
        for _ in 0..<20 { try loop.turn(waiting: .milliseconds(10)) }
        #expect(!isCalled)
    }
}
