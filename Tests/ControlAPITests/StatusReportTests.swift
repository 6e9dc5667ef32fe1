// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import NetworkTypes
import Testing

struct StatusReportTests {
    private func report(
        network: StatusReport.NetworkState = .up,
        spare: StatusReport.Verdict = .up,
        resolver: StatusReport.ServiceState? = .up,
        frontend: StatusReport.ServiceState? = nil
    ) throws -> StatusReport {
        let since = "2026-01-01T00:00:00Z"
        let active = try #require(PathName("vpn-a"))
        let other = try #require(PathName("vpn-b"))
        return StatusReport(
            site: try #require(SiteName("plant-7")),
            version: "0.1.0",
            generation: 12,
            paths: [
                .init(
                    name: active,
                    kind: .wireguard,
                    interface: try #require(InterfaceName("pn-a")),
                    endpoint: SocketEndpoint("192.0.2.10:51820"),
                    verdict: .up,
                    since: since
                ),
                .init(
                    name: other,
                    kind: .wireguard,
                    interface: try #require(InterfaceName("pn-b")),
                    verdict: spare,
                    since: since
                ),
            ],
            networks: [
                .init(
                    name: try #require(NetworkName("azure")),
                    state: network,
                    path: network == .blocked ? nil : active,
                    since: since,
                    switches: 3,
                    reasons: [],
                    prefixes: [try #require(IPPrefix("10.20.0.0/16"))],
                    zones: [try #require(DomainName("plant.internal"))],
                    paths: [.init(path: active, verdict: .up, rttMs: 20.5)]
                )
            ],
            resolver: resolver.map { .init(state: $0, queries: 100) },
            frontend: frontend.map { .init(state: $0) },
            warnings: []
        )
    }

    @Test func writesEveryKeyAndNullForWhatIsUnknown() throws {
        let line = try ControlLine.encode(ControlResponse.result(report(network: .blocked, resolver: nil)))
        let path =
            #"{"bfd":null,"carriedMTU":null,"endpoint":"192.0.2.10:51820","endpointName":null,"gateways":[],"handshakeAgeSeconds":null,"implementation":null,"interface":"pn-a","#
            + #""ipsec":null,"kind":"wireguard","lastError":null,"mtu":null,"name":"vpn-a","reasons":[],"reflector":null,"#
            + #""rxBytes":null,"since":"2026-01-01T00:00:00Z","stamp":null,"txBytes":null,"underlay":null,"verdict":"up"}"#
        let spare = path.replacing(#""192.0.2.10:51820""#, with: "null").replacing("pn-a", with: "pn-b")
            .replacing("vpn-a", with: "vpn-b")
        let network =
            #"{"carriers":[],"name":"azure","path":null,"paths":[{"detectionMs":null,"drillFailure":null,"failingTargets":[],"#
            + #""jitterMs":null,"lastProvenGood":null,"lossRatio":null,"path":"vpn-a","reasons":[],"#
            + #""rttMs":20.5,"silentTargets":[],"verdict":"up"}],"preferred":null,"prefixes":["10.20.0.0/16"],"reasons":[],"#
            + #""since":"2026-01-01T00:00:00Z","state":"blocked","switches":3,"zones":["plant.internal."]}"#
        let expected =
            #"{"result":{"foreignChanges":[],"frontend":null,"generation":12,"nameSets":[],"networks":["# + network
            + #"],"paths":["#
            + path + ","
            + spare
            + #"],"resolver":null,"site":"plant-7","state":"down","version":"0.1.0","warnings":[],"xfrm":null}}"# + "\n"
        #expect(String(decoding: line, as: UTF8.self) == expected)
    }

    @Test func readsWhatItWrites() throws {
        let response = ControlResponse.result(try report(frontend: .starting))
        let line = try ControlLine.encode(response)
        #expect(try ControlLine.decode(ControlResponse<StatusReport>.self, from: line) == response)
    }

    @Test func exitsWithTheWorstOfAllParts() throws {
        #expect(try report().exitCode == 0)
        #expect(try report(resolver: nil).exitCode == 0)
        #expect(try report(network: .starting).exitCode == 1)
        #expect(try report(network: .degraded).exitCode == 1)
        #expect(try report(network: .public).exitCode == 1)
        #expect(try report(network: .blocked).exitCode == 2)
        #expect(try report(spare: .down).exitCode == 1)
        #expect(try report(spare: .drained).exitCode == 0)
        #expect(try report(resolver: .down).exitCode == 2)
        #expect(try report(frontend: .down).exitCode == 1)
        #expect(try report(network: .blocked, spare: .degraded).state == .down)
    }
}
