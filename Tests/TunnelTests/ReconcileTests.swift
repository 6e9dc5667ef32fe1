// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import PathHealth
import SystemIO
import Testing

@testable import Tunnel

/// The whole reconcile against the running kernel, in a namespace of the test's own.
@Suite(.serialized)
struct ReconcileTests {
    static let reserved = ReservedNumbers(
        routeProtocol: 112,
        firstTable: 7000,
        firstPriority: 700,
        markMask: 0x7f00_0000,
        firstNexthop: 7000
    )

    static func path(_ letter: String, slot: Int) throws -> Desired.Path {
        let peer = WireGuardSettings.Peer(
            publicKey: try #require(WireGuardPublicKey(bytes: (0..<32).map { UInt8($0 + slot) })),
            presharedKey: nil,
            endpoint: SocketEndpoint("198.51.100.1:51820"),
            keepalive: 15,
            allowedIPs: Set(try prefixes)
        )
        return Desired.Path(
            name: try #require(PathName("vpn-\(letter)")),
            slot: slot,
            interface: try #require(InterfaceName("pn-\(letter)")),
            addresses: [
                try #require(InterfaceAddress("10.99.\(slot).2/30")),
                try #require(InterfaceAddress("fd00:99:\(slot)::2/126")),
            ],
            mtu: nil,
            underlay: try #require(InterfaceName("eth\(slot - 1)")),
            gateways: nil,
            wireGuard: WireGuardSettings(
                privateKey: try #require(WireGuardSecretKey(bytes: Array(repeating: UInt8(slot), count: 32))),
                listenPort: nil,
                mark: 0,
                peers: [peer]
            )
        )
    }

    static var prefixes: [IPPrefix] {
        get throws { [try #require(IPPrefix("10.20.0.0/16")), try #require(IPPrefix("fd00:20::/48"))] }
    }

    static func desired(_ outcome: Outcome) throws -> Desired {
        let paths = [try path("a", slot: 1), try path("b", slot: 2)]
        return Desired(
            reserved: reserved,
            paths: paths,
            networks: [
                Desired.Network(
                    name: try #require(NetworkName("azure")),
                    slot: 1,
                    prefixes: try prefixes,
                    paths: paths.map(\.name),
                    outcome: outcome
                )
            ]
        )
    }

    static func underlays() throws {
        for (index, subnet) in ["192.0.2", "203.0.113"].enumerated() {
            try run("/sbin/ip", "link", "add", "eth\(index)", "type", "veth", "peer", "name", "far\(index)")
            try run("/sbin/ip", "link", "set", "eth\(index)", "up")
            try run("/sbin/ip", "link", "set", "far\(index)", "up")
            try run("/sbin/ip", "address", "add", "\(subnet).2/24", "dev", "eth\(index)")
            try run("/sbin/ip", "route", "add", "default", "via", "\(subnet).1", "metric", "\(index + 1)")
        }
    }

    /// Userspace interfaces take a moment to come.
    static func settle(_ reconciler: Reconciler, _ desired: Desired) throws -> ReconcileResult {
        var result = reconciler.reconcile(desired)
        for _ in 0..<100 where !(result.changes.isEmpty && result.failures.isEmpty) {
            usleep(20_000)
            result = reconciler.reconcile(desired)
        }
        return result
    }

    static func reconciler() throws -> Reconciler {
        try Files.makeDirectory("/tmp/pnetd-tunnel-tests")
        return try Reconciler(reserved: reserved, logDirectory: "/tmp/pnetd-tunnel-tests", told: [:])
    }

    @Test func bringsEverythingUpAndThenHasNothingToDo() throws {
        try inFreshNamespace {
            try Self.underlays()
            let reconciler = try Self.reconciler()
            let desired = try Self.desired(.active(Self.path("a", slot: 1).name, standby: Self.path("b", slot: 2).name))
            defer { _ = reconciler.removeEverything() }
            let result = try Self.settle(reconciler, desired)
            #expect(result.failures == [])
            #expect(result.changes == [])
            for state in result.paths.values { #expect(state.condition == .ready) }
            print(try run("/usr/sbin/nft", "list", "table", "inet", "pnetd"))
            print(try run("/sbin/ip", "rule"), try run("/sbin/ip", "route", "show", "table", "7000"))
            print(try run("/sbin/ip", "-6", "route", "show", "table", "7000"), try run("/sbin/ip", "nexthop"))
            print(
                try run("/sbin/ip", "route", "show", "table", "7001"),
                try run("/sbin/ip", "route", "show", "table", "7065")
            )
            print(try run("/usr/bin/wg"), try run("/sbin/ip", "address"))
        }
    }
}
