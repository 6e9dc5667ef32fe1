// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing
import Tunnel

@testable import pnetd

struct ManagementFlowTests {
    private let tcp = """
          sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
           0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 17 1 0
           1: 020200C0:0016 4D01010A:C350 01 00000000:00000000 02:000A7214 00000000     0        0 18 4 0
           2: 020200C0:0016 4E01010A:C351 06 00000000:00000000 03:00000F2C 00000000     0        0 0 3 0

        """
    private let tcp6 = """
          sl  local_address                         remote_address                        st tx_queue rx_queue
           0: B80D0120000000000000000002000000:0016 B80D0120000000000000000001000000:D431 01 00000000:00000000
           1: 0000000000000000FFFF0000020200C0:0016 0000000000000000FFFF00004D01010A:C352 01 00000000:00000000

        """

    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }
    private func prefix(_ text: String) throws -> IPPrefix { try #require(IPPrefix(text)) }

    @Test func readsWhatIsEstablished() throws {
        let four = ManagementFlow(local: try address("192.0.2.2"), port: 22, remote: try address("10.1.1.77"))
        #expect(ManagementFlow.parse(tcp) == [four])
        let six = ManagementFlow(local: try address("2001:db8::2"), port: 22, remote: try address("2001:db8::1"))
        // An IPv4 connection of a socket that takes both families is an IPv4 connection.
        #expect(ManagementFlow.parse(tcp6) == [six, four])
    }

    @Test(arguments: [
        "", "\n\n", "head\n 0: zz:0016 00000000:0000 01", "head\n 0: 0:16 0:0 01", "head\n 0: 020200C0 1 01",
    ])
    func makesNothingOfWhatIsNoTable(text: String) {
        #expect(ManagementFlow.parse(text) == [])
    }

    @Test func isCutWhereItsWayChanges() throws {
        let flow = ManagementFlow(local: try address("10.99.0.2"), port: 22, remote: try address("10.20.0.77"))
        func reach(
            _ prefixes: String...,
            down: [String] = [],
            up: Bool = true,
            own: String? = nil,
            peers: [Int: String] = [1: "10.20.0.0/16"],
            secret: UInt8 = 1
        ) throws -> ManagementFlow.Reach {
            let path = try path(peers: peers, secret: secret)
            let ways = try prefixes.map { (try prefix($0), path) }
            return ManagementFlow.Reach(
                protected: try (prefixes + down).map(prefix),
                ways: up ? Dictionary(ways, uniquingKeysWith: { first, _ in first }) : [:],
                addresses: try own.map { [try #require(InterfaceAddress($0))] } ?? []
            )
        }
        let cases: [(after: ManagementFlow.Reach, before: ManagementFlow.Reach, why: String?)] = [
            (try reach("10.20.0.0/16"), try reach(), "leave 10.20.0.77 out of it"),
            (try reach(), try reach("10.20.0.0/16"), "10.20.0.0/16 would have no path any more"),
            (try reach("10.20.0.0/16", up: false), try reach("10.20.0.0/16"), "no path of 10.20.0.0/16 would be up"),
            (try reach(), try reach(own: "10.99.0.2/30"), "the address 10.99.0.2/30 goes"),
            (try reach(own: "10.0.0.2/8"), try reach(), "10.0.0.2/8 takes 10.20.0.77 for a neighbour"),
            (try reach("10.20.0.0/16"), try reach("10.20.0.0/16"), nil),
            (try reach("10.20.0.0/24"), try reach("10.20.0.0/16"), nil),
            (try reach("10.20.0.0/16", up: false), try reach("10.20.0.0/16", up: false), nil),
            (try reach("10.30.0.0/16", own: "10.99.0.2/30"), try reach(), nil),
            // Another network takes a part of it, and has no path yet.
            (
                try reach("10.20.0.0/16", down: ["10.20.0.77/32"]), try reach("10.20.0.0/16"),
                "no path of 10.20.0.77/32 would be up"
            ),
            (try reach("10.20.0.0/16", down: ["10.20.1.0/24"]), try reach("10.20.0.0/16"), nil),
            // What WireGuard no longer lets through, or has no session for.
            (
                try reach("10.20.0.0/16", peers: [1: "10.20.7.0/24"]), try reach("10.20.0.0/16"),
                "no peer of vpn-a has 10.20.0.77 among its allowed IPs"
            ),
            (try reach("10.20.0.0/16", peers: [:]), try reach("10.20.0.0/16"), "no peer of vpn-a"),
            (
                try reach("10.20.0.0/16", peers: [1: "10.20.0.0/16", 2: "10.20.0.0/24"]), try reach("10.20.0.0/16"),
                "10.20.0.77 goes to another peer of vpn-a"
            ),
            (try reach("10.20.0.0/16", secret: 9), try reach("10.20.0.0/16"), "the private key of vpn-a changes"),
            (try reach("10.20.0.0/16", peers: [1: "10.20.0.0/16", 2: "10.40.0.0/16"]), try reach("10.20.0.0/16"), nil),
        ]
        for (after, before, why) in cases {
            let reason = flow.isCut(by: after, after: before)
            #expect(
                why.map { reason?.contains($0) == true } ?? (reason == nil),
                "\(why ?? "nothing"): \(reason ?? "nil")"
            )
        }
    }

    private func path(peers: [Int: String], secret: UInt8) throws -> Desired.Path {
        Desired.Path(
            name: try #require(Name("vpn-a")),
            slot: 1,
            interface: try #require(InterfaceName("pn-a")),
            addresses: [],
            mtu: nil,
            kind: .wireGuard(
                Desired.Path.WireGuardTunnel(
                    settings: WireGuardSettings(
                        privateKey: try #require(WireGuardSecretKey(bytes: Array(repeating: secret, count: 32))),
                        listenPort: nil,
                        mark: 0,
                        peers: try peers.map { number, allowed in
                            WireGuardSettings.Peer(
                                publicKey: try #require(
                                    WireGuardPublicKey(bytes: Array(repeating: UInt8(number), count: 32))
                                ),
                                presharedKey: nil,
                                endpoint: nil,
                                keepalive: 0,
                                allowedIPs: [try prefix(allowed)]
                            )
                        }
                    ),
                    callsOverIPv4Only: false,
                    underlay: Desired.Path.Underlay(try #require(InterfaceName("eth0")), gateways: nil)
                )
            )
        )
    }
}
