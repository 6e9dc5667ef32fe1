// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import Testing

@testable import Tunnel

struct ConnectionWaysTests {
    private static let azure: NetworkName = Sample.name("azure")

    /// The network is on the second path; another one, whose prefix lies inside its own, is on the first.
    private static func ways(_ outcome: Outcome = .active(Sample.second, standby: Sample.first)) -> ConnectionWays {
        var desired = Sample.desired(outcome)
        desired.networks.append(
            Desired.Network(
                name: Sample.name("aws"),
                slot: 2,
                prefixes: [Sample.prefix("10.20.4.0/24")],
                paths: [Sample.first],
                outcome: .active(Sample.first, standby: nil)
            )
        )
        desired.networks[0].canary = .init(Sample.prefix("10.20.9.0/24"), by: Sample.first)
        return ConnectionWays(
            desired,
            interfaces: [Sample.first: 4, Sample.second: 5],
            asked: [azure: [Sample.endpoint("10.20.0.4:443")]]
        )
    }

    private static func connection(_ remote: String, on interface: Int32? = nil) -> TCPConnection {
        TCPConnection(
            cookie: 1,
            local: Sample.endpoint("10.1.0.1:40000"),
            remote: Sample.endpoint(remote),
            interface: interface
        )
    }

    @Test(
        arguments: [
            ("10.20.0.4:22", nil, "azure by vpn-b"), ("[fd00:20::4]:22", nil, "azure by vpn-b"),
            // The longest prefix tells whose it is, and a drill where it goes.
            ("10.20.4.4:22", nil, "aws by vpn-a"), ("10.20.9.1:22", nil, "azure by vpn-a"),
            ("10.20.0.4:22", 4, "azure by vpn-a"), ("10.20.9.1:22", 5, "azure by vpn-b"),
            // Another's path, an interface that is none, an address that is nobody's.
            ("10.20.4.4:22", 5, nil), ("10.20.0.4:22", 2, nil), ("192.0.2.1:22", nil, nil),
            ("[fd00:21::4]:22", nil, nil),
            // A probe, and a program that calls the same server.
            ("10.20.0.4:443", 4, nil), ("10.20.0.4:443", nil, "azure by vpn-b"), ("10.20.0.4:444", 4, "azure by vpn-a"),
        ] as [(String, Int32?, String?)]
    )
    func tellsWhereAConnectionGoes(remote: String, interface: Int32?, expected: String?) {
        let way = Self.ways().way(of: Self.connection(remote, on: interface))
        #expect(way.map { "\($0.network) by \($0.path)" } == expected)
    }

    /// Nor is it known by which one where several carry together.
    @Test(
        arguments: [
            Outcome.blocked, .public, .active(Sample.first, beside: [Sample.second], standby: nil),
        ]
    )
    func whatIsLedNowhereGoesByNoPath(outcome: Outcome) {
        let ways = Self.ways(outcome)
        #expect(ways.way(of: Self.connection("10.20.0.4:22")) == nil)
        #expect(ways.way(of: Self.connection("10.20.0.4:22", on: 4)) == .init(to: Self.azure, by: Sample.first))
    }
}
