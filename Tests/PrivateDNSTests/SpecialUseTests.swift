// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import PrivateDNS

struct SpecialUseTests {
    private func scenario(
        _ zones: [Policy.Zone] = [],
        upstreams: [SocketEndpoint] = [Scenario.upstream],
        passing: [String] = []
    ) -> Scenario {
        let scenario = Scenario()
        scenario.adopt(zones, upstreams: upstreams, specialUseUpstream: passing)
        return scenario
    }

    @Test(arguments: ["localhost", "a.localhost", "a.b.LOCALHOST"])
    func answersLocalhostWithTheLoopbackAddresses(name: String) {
        let scenario = scenario()
        #expect(scenario.ask(name)?.addresses == ["127.0.0.1"])
        #expect(scenario.ask(name, .aaaa)?.addresses == ["::1"])
        #expect(scenario.ask(name, .mx)?.counts == [1, 0, 1, 0])
        #expect(scenario.takeAsked().isEmpty)
    }

    @Test(arguments: [
        "test", "a.test", "invalid", "x.invalid", "printer.local", "local", "abc.onion", "onion", "x.alt",
        "use-application-dns.net", "mask.icloud.com", "mask-h2.icloud.com",
        // RFC 6303, RFC 7793, RFC 8375.
        "1.0.0.10.in-addr.arpa", "1.1.31.172.in-addr.arpa", "1.1.168.192.in-addr.arpa", "1.0.0.127.in-addr.arpa",
        "1.1.254.169.in-addr.arpa", "1.2.0.192.in-addr.arpa", "1.1.64.100.in-addr.arpa", "1.1.127.100.in-addr.arpa",
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa", "x.8.b.d.0.1.0.0.2.ip6.arpa",
        "x.0.8.e.f.ip6.arpa", "router.home.arpa",
    ])
    func deniesWithAnSOAThatMayBeKept(name: String) throws {
        let scenario = scenario()
        let reply = try #require(scenario.ask(name, RecordType.ptr))
        #expect(reply.code == 3)
        #expect(reply.counts == [1, 0, 1, 0])
        let soa = try #require(reply.records.first)
        #expect(soa.type == .soa)
        #expect(soa.ttl == 10_800)
        #expect(name.lowercased().hasSuffix(soa.owner))
        #expect(scenario.takeAsked().isEmpty)
    }

    @Test(arguments: ["10.in-addr.arpa", "home.arpa", "64.100.in-addr.arpa", "d.f.ip6.arpa"])
    func hasAnApexWhereTheRFCHasOne(name: String) {
        let scenario = scenario()
        #expect(scenario.ask(name, .soa)?.counts == [1, 1, 0, 0])
        #expect(scenario.ask(name, .ns)?.counts == [1, 1, 0, 0])
        #expect(scenario.ask(name)?.counts == [1, 0, 1, 0])
        #expect(scenario.ask(name)?.code == 0)
    }

    @Test func saysThatNoEncryptedResolverStandsIn() throws {
        let reply = try #require(scenario().ask("_dns.resolver.arpa", RecordType(rawValue: 64)))
        #expect(reply.code == 0)
        #expect(reply.counts == [1, 0, 1, 0])
    }

    @Test func asksForNATPrefixesAsLongAsThereIsSomebodyToAsk() {
        #expect(scenario().ask("ipv4only.arpa", .aaaa) == nil)
        let alone = scenario(upstreams: [])
        #expect(alone.ask("ipv4only.arpa")?.addresses == ["192.0.0.170", "192.0.0.171"])
        #expect(alone.ask("ipv4only.arpa", .aaaa)?.counts == [1, 0, 1, 0])
    }

    @Test(arguments: [
        "example", "www.example.net", "1.1.15.172.in-addr.arpa", "1.1.32.172.in-addr.arpa", "1.1.63.100.in-addr.arpa",
        "1.1.128.100.in-addr.arpa", "11.in-addr.arpa", "icloud.com", "arpa",
    ])
    func leavesOrdinaryNamesAlone(name: String) {
        #expect(scenario().ask(name) == nil)
    }

    @Test func leavesThemToAConfiguredZone() throws {
        let path = try Scenario.path("pn-a")
        let scenario = scenario([
            try Scenario.zone("home.arpa", records: ["nas A 192.168.1.2"], realm: path),
            try Scenario.zone("20.10.in-addr.arpa", records: ["4.0 PTR hub.plant.internal."], realm: path),
            try Scenario.zone("168.192.in-addr.arpa", realm: .blocked("x")),
        ])
        #expect(scenario.ask("nas.home.arpa")?.addresses == ["192.168.1.2"])
        #expect(scenario.ask("4.0.20.10.in-addr.arpa", .ptr)?.counts == [1, 1, 0, 0])
        #expect(scenario.ask("4.0.21.10.in-addr.arpa", .ptr)?.code == 3)
        #expect(scenario.ask("2.1.168.192.in-addr.arpa", .ptr)?.code == 2)
    }

    @Test func asksTheUpstreamsWhereTheFileSaysSo() throws {
        let scenario = scenario(passing: ["1.168.192.in-addr.arpa", "home.arpa"])
        #expect(scenario.ask("2.1.168.192.in-addr.arpa", .ptr) == nil)
        #expect(scenario.ask("nas.home.arpa") == nil)
        #expect(scenario.takeAsked().map(\.server) == [Scenario.upstream, Scenario.upstream])
        #expect(scenario.ask("2.2.168.192.in-addr.arpa", .ptr)?.code == 3)
    }

    @Test func knowsWhichNamesTheyAre() throws {
        #expect(
            try SpecialUseNames.holder(of: #require(DomainName("1.168.192.in-addr.arpa")))
                == DomainName("168.192.in-addr.arpa")
        )
        #expect(try SpecialUseNames.holder(of: #require(DomainName("example.net"))) == nil)
    }
}
