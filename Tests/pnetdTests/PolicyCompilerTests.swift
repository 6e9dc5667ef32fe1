// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import ProcessLink
import Testing

@testable import PrivateDNS
@testable import pnetd

/// What a zone's answers are made anew for, and what not: a file of megabytes takes its time.
struct PolicyCompilerTests {
    private let names = ["four.test", "six.test"].compactMap { DomainName($0) }

    private func snapshot(unrouted: [String] = [], pathBoundTTL: UInt32 = 10) throws -> ResolverSnapshot {
        let records = [["host A 10.20.0.10"], ["host AAAA fd00:20::10", "host A 10.20.0.10"]]
        let network = try #require(NetworkName("azure"))
        let way = ResolverSnapshot.Zone.Way(
            path: try #require(PathName("vpn-a")),
            interface: try #require(InterfaceName("pn-a")),
            mtu: nil
        )
        return ResolverSnapshot(
            serial: 1,
            workers: 1,
            allow: [],
            whenBlocked: .servfail,
            limits: .init(queriesPerSecond: 2000, inFlight: 256, responsesPerSecond: 500, exempt: []),
            upstreams: [],
            networks: [],
            trusted: [],
            zones: zip(names, records).map { name, records in
                ResolverSnapshot.Zone(
                    name: name,
                    network: network,
                    source: .records(records),
                    realm: .private([way]),
                    generation: 1
                )
            },
            pathBoundTTL: pathBoundTTL,
            unrouted: unrouted.compactMap { IPPrefix($0) }
        )
    }

    /// The answers of both zones.
    private func answers(_ policy: Policy) throws -> [StaticZone] {
        try names.map { name in
            let zone = policy.views[0].zone(holding: LookupName(name.wire))
            guard case .records(let records)? = zone?.treatment else { throw Unexpected() }
            return records
        }
    }

    private struct Unexpected: Error {}

    private func addresses(_ zone: StaticZone, _ type: RecordType) -> UInt16? {
        guard let name = DomainName("host.six.test"), case .answer(let answer) = zone.find(LookupName(name.wire), type)
        else { return nil }
        return answer.head.answers
    }

    @Test func onlyZonesThatLeadWhereNoPathLeadsAreMadeAnew() throws {
        var compiler = PolicyCompiler()
        let first = try answers(compiler.compile(try snapshot()))
        #expect(try answers(compiler.compile(try snapshot())) == first)
        #expect(addresses(first[1], .aaaa) == 1)

        let cut = try answers(compiler.compile(try snapshot(unrouted: ["fd00:20::/48"])))
        #expect(cut[0] == first[0] && cut[1] != first[1])
        #expect(addresses(cut[1], .aaaa) == 0 && addresses(cut[1], .a) == 1)
        #expect(try answers(compiler.compile(try snapshot(unrouted: ["fd00:20::/48"]))) == cut)

        let whole = try answers(compiler.compile(try snapshot()))
        #expect(whole[0] == first[0] && addresses(whole[1], .aaaa) == 1)
    }

    @Test func allAreMadeAnewForAnotherTTL() throws {
        var compiler = PolicyCompiler()
        let first = try answers(compiler.compile(try snapshot()))
        let short = try answers(compiler.compile(try snapshot(unrouted: ["fd00:20::/48"], pathBoundTTL: 1)))
        #expect(short[0] != first[0] && addresses(short[1], .aaaa) == 0)
        let long = try answers(compiler.compile(try snapshot()))
        #expect(long[0] != short[0] && addresses(long[1], .aaaa) == 1)
    }
}
