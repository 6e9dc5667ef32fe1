// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import Configuration

/// `preset` of an IPsec path.
struct CloudGatewayTests {
    private func tunnel(_ rest: String, addresses: String = "[10.98.0.2/30]") throws -> IPsecConfiguration {
        try #require(try IPsecFile.path("\(IPsecFile.least), \(rest)", addresses: addresses).ipsec)
    }

    @Test(arguments: CloudGateway.allCases) func aPresetGivesTheGatewaysTerms(gateway: CloudGateway) throws {
        let tunnel = try tunnel("preset: \(gateway.rawValue)")
        #expect(tunnel.gateway == gateway && tunnel.terms == gateway.terms && tunnel.terms != .standard)
    }

    /// The gateway's lifetimes, as CloudGateways.md has them: keys of ours are renewed before, and what could not be renewed
    /// is over before, a tenth later.
    @Test(arguments: [
        (CloudGateway.azure, 28_800, 27_000), (.aws, 28_800, 3_600), (.gcp, 36_000, 10_800),
    ])
    func renewsKeysBeforeTheGatewaysAreOver(gateway: CloudGateway, ike: Int, child: Int) {
        let lifetimes = gateway.terms.lifetimes
        #expect(lifetimes.ike * 11 < .seconds(ike) * 10 && lifetimes.child * 11 < .seconds(child) * 10)
    }

    @Test func theFileGoesBeforeThePreset() throws {
        let path = try IPsecFile.path(
            "\(IPsecFile.least), preset: aws, mtu: 1406, proposals: {ike: [aes256-sha256-modp2048]}, lifetimes: {child: 30m}"
        )
        let terms = try #require(path.ipsec?.terms)
        #expect(path.mtu == 1_406)
        #expect(terms.proposals.ike == ["aes256-sha256-modp2048"] && terms.proposals.esp == ["aes256gcm16-ecp384"])
        #expect(terms.lifetimes == .init(ike: CloudGateway.aws.terms.lifetimes.ike, child: .seconds(1_800)))
        #expect(terms.replayWindow == 1_024 && terms.allowsDuplicates)
    }

    @Test func lifetimesNeedNoPreset() throws {
        let tunnel = try tunnel("lifetimes: {ike: 8h, child: 2h}")
        #expect(tunnel.terms.lifetimes == .init(ike: .seconds(28_800), child: .seconds(7_200)))
        #expect(tunnel.terms.proposals == .standard)
    }

    /// AWS carries IPv4 or IPv6 in a tunnel, and Azure IPv4: what is asked for is what the path has addresses of.
    @Test(arguments: [
        ("preset: aws", "[169.254.6.2/30]", ["0.0.0.0/0"]), ("preset: aws", "[\"fd00:6::2/126\"]", ["::/0"]),
        ("preset: gcp", "[169.254.6.2/30, \"fd00:6::2/126\"]", ["0.0.0.0/0", "::/0"]),
        ("encapsulation: auto", "[169.254.6.2/30]", ["0.0.0.0/0", "::/0"]),
        ("preset: aws, traffic: {local: [10.1.0.0/16]}", "[169.254.6.2/30]", ["0.0.0.0/0"]),
    ])
    func asksForTheFamiliesOfTheLink(rest: String, addresses: String, expected: [String]) throws {
        let tunnel = try tunnel(rest, addresses: addresses)
        #expect(tunnel.remoteTraffic.map(\.description) == expected)
    }

    /// Azure's default policy has no better one, and whoever can have a better one is told how.
    @Test func saysThatAGroupIsWeak() throws {
        let warning =
            "warning: preset azure offers the gateway's own DH group 2 as well, which is weak (give its connection a policy "
            + "with GCMAES256, SHA384 and ECP384, and the path 'proposals')"
        for (rest, expected) in [
            ("preset: azure", [warning]), ("preset: azure, proposals: {ike: [aes256gcm16-prfsha384-ecp384]}", []),
            ("preset: aws", []),
        ] {
            let file = try IPsecFile.with("\(IPsecFile.least), \(rest)")
            defer { try? file.remove() }
            let found = file.diagnostics().filter { $0.contains("preset") }
            #expect(found.map { $0.drop { $0 != "w" } } == expected.map { $0[...] })
        }
    }
}
