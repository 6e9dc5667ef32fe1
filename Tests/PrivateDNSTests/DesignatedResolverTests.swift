// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import PrivateDNS

/// Discovery of Designated Resolvers (RFC 9462).
struct DesignatedResolverTests {
    private func scenario(_ addresses: [String]?) throws -> Scenario {
        let scenario = Scenario()
        let designation = try addresses.map {
            DesignatedResolver(
                name: try #require(DomainName("dns.example.net")),
                port: 853,
                addresses: $0.compactMap { IPAddress($0) }
            )
        }
        scenario.adopt([], designation: designation)
        return scenario
    }

    @Test func isToldWithItsPortAndAddresses() throws {
        let reply = try #require(
            try scenario(["10.1.0.1", "fd00:1::1", "10.1.0.2"]).ask("_dns.resolver.arpa", .svcb)
        )
        #expect(reply.code == 0 && reply.counts == [1, 1, 0, 0])
        let data: [UInt8] =
            [0, 1] + MessageText.wire("dns.example.net")
            + [0, 1, 0, 4, 3] + Array("dot".utf8)  // alpn
            + [0, 3, 0, 2, 0x03, 0x55]  // port
            + [0, 4, 0, 8, 10, 1, 0, 1, 10, 1, 0, 2]  // ipv4hint
            + [0, 6, 0, 16, 0xfd, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]  // ipv6hint
        #expect(reply.bytes.suffix(data.count) == data[...])
    }

    @Test func hasNoHintsWhereItListensEverywhere() throws {
        let reply = try #require(try scenario([]).ask("_dns.resolver.arpa", .svcb))
        #expect(reply.bytes.suffix(6) == [0, 3, 0, 2, 0x03, 0x55])
    }

    @Test func hasNothingElse() throws {
        let scenario = try scenario(["10.1.0.1"])
        for (name, type) in [("_dns.resolver.arpa", RecordType.a), ("resolver.arpa", .svcb), ("x.resolver.arpa", .a)] {
            let reply = try #require(scenario.ask(name, type))
            #expect(reply.code == 0 && reply.counts == [1, 0, 1, 0], "\(name) \(type)")
        }
    }

    @Test func isNotToldWhereThereIsNone() throws {
        let reply = try #require(try scenario(nil).ask("_dns.resolver.arpa", .svcb))
        #expect(reply.code == 0 && reply.counts == [1, 0, 1, 0])
    }
}
