// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import NetworkTypes
import Testing

/// A site with one good path, one dead one, and a network that has only the dead one.
enum Sample {
    static let time = "2026-01-03T04:05:06Z"

    static func report(spare: StatusReport.Verdict = .down) throws -> StatusReport {
        let vpnA = try #require(PathName("vpn-a"))
        let vpnB = try #require(PathName("vpn-b"))
        return StatusReport(
            site: try #require(SiteName("plant-7")),
            version: "0.1.0",
            generation: 12,
            paths: [
                .init(
                    name: vpnA,
                    kind: .wireguard,
                    implementation: .kernel,
                    interface: try #require(InterfaceName("pn-a")),
                    underlay: InterfaceName("eth0"),
                    endpoint: SocketEndpoint("192.0.2.10:51820"),
                    verdict: .up,
                    since: "2026-01-01T00:00:00Z",
                    mtu: 1420,
                    handshakeAgeSeconds: 12,
                    rxBytes: 1_234_567,
                    txBytes: 148
                ),
                .init(
                    name: vpnB,
                    kind: .wireguard,
                    interface: try #require(InterfaceName("pn-b")),
                    underlay: InterfaceName("eth1"),
                    verdict: spare,
                    since: "2026-01-03T04:02:01Z",
                    reasons: spare == .down ? ["no handshake for 3m5s"] : [],
                    lastError: spare == .down ? "set peers of pn-b: Operation not permitted" : nil
                ),
            ],
            networks: [
                .init(
                    name: try #require(NetworkName("azure")),
                    state: .up,
                    path: vpnA,
                    since: "2026-01-01T00:00:00Z",
                    switches: 3,
                    reasons: [],
                    prefixes: [try #require(IPPrefix("10.20.0.0/16"))],
                    zones: [],
                    paths: [
                        .init(path: vpnA, verdict: .up, rttMs: 20.14, jitterMs: 0.4, lossRatio: 0),
                        .init(path: vpnB, verdict: .down, reasons: ["9 probes unanswered for 0.8s"], lossRatio: 1),
                    ]
                ),
                .init(
                    name: try #require(NetworkName("aws")),
                    state: spare == .down ? .blocked : .up,
                    path: spare == .down ? nil : vpnB,
                    since: "2026-01-03T04:02:01Z",
                    switches: 0,
                    reasons: spare == .down
                        ? ["vpn-b: 9 probes unanswered for 0.8s, and before that loss of 30% for as long as 2m"] : [],
                    prefixes: [try #require(IPPrefix("10.30.0.0/16"))],
                    zones: [],
                    paths: [.init(path: vpnB, verdict: spare)]
                ),
            ],
            resolver: .init(state: .up, queries: 100),
            frontend: .init(state: .up),
            warnings: ["net.ipv4.nexthop_compat_mode is 1: each switch costs the more, the more prefixes there are"]
        )
    }

    static func event() throws -> WatchEvent {
        WatchEvent(
            time: time,
            network: try #require(NetworkName("azure")),
            from: .up,
            to: .up,
            fromPath: PathName("vpn-a"),
            path: PathName("vpn-b"),
            reasons: ["vpn-a: 9 probes unanswered for 0.8s"],
            generation: 13
        )
    }
}
