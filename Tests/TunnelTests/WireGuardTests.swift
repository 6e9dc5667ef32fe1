// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import Testing

@testable import Tunnel

struct WireGuardTests {
    private let settings = WireGuardSettings(
        privateKey: Sample.secret(1),
        listenPort: nil,
        mark: 0x4100_0000,
        peers: [Sample.peer(1)]
    )

    private var device: WireGuardDevice {
        let peer = Sample.peer(1)
        return WireGuardDevice(
            privateKey: settings.privateKey,
            listenPort: 40_000,
            mark: settings.mark,
            peers: [
                WireGuardDevice.Peer(
                    publicKey: peer.publicKey,
                    endpoint: peer.endpoint,
                    keepalive: peer.keepalive,
                    allowedIPs: peer.allowedIPs,
                    lastHandshake: 1,
                    received: 2,
                    sent: 3
                )
            ]
        )
    }

    private var told: [WireGuardPublicKey: SocketEndpoint] {
        [Sample.peer(1).publicKey: Sample.endpoint("198.51.100.1:51820")]
    }

    @Test func saysNothingWhereNothingDiffers() {
        #expect(WireGuardChange(from: device, to: settings, toldBefore: told).isEmpty)
        #expect(WireGuardChange(from: device, to: settings, toldBefore: [:]).isEmpty)
    }

    @Test func keepsTheEndpointOfAPeerThatRoamed() {
        var roamed = device
        roamed.peers[0].endpoint = Sample.endpoint("203.0.113.9:9999")
        #expect(WireGuardChange(from: roamed, to: settings, toldBefore: told).isEmpty)
        // Unless the file says something new.
        var moved = settings
        moved.peers[0].endpoint = Sample.endpoint("198.51.100.2:51820")
        let change = WireGuardChange(from: roamed, to: moved, toldBefore: told)
        #expect(change.peers.map(\.endpoint) == [Sample.endpoint("198.51.100.2:51820")])
        #expect(change.peers[0].allowedIPs == nil && change.privateKey == nil)
    }

    @Test func touchesOnlyThePeerThatDiffers() {
        var wanted = settings
        wanted.peers.append(Sample.peer(2))
        wanted.peers[0].keepalive = 25
        var known = device
        known.peers.append(WireGuardDevice.Peer(publicKey: Sample.publicKey(9)))
        let change = WireGuardChange(from: known, to: wanted, toldBefore: told)
        #expect(change.privateKey == nil && change.mark == nil && change.listenPort == nil)
        #expect(change.peers.map(\.publicKey) == [Sample.publicKey(101), Sample.publicKey(102), Sample.publicKey(9)])
        #expect(change.peers[2].remove)
        #expect(change.peers[0] == WireGuardChange.Peer(publicKey: Sample.publicKey(101), keepalive: 25))
    }

    @Test func takesAPresharedKeyAway() {
        var known = device
        known.peers[0].presharedKey = Sample.secret(9)
        let change = WireGuardChange(from: known, to: settings, toldBefore: told)
        #expect(change.peers.map(\.presharedKey) == [WireGuardSecretKey.zero])
    }

    @Test func writesTheUserspaceInterface() {
        var change = WireGuardChange(from: WireGuardDevice(), to: settings, toldBefore: [:])
        change.peers.append(WireGuardChange.Peer(publicKey: Sample.publicKey(9), remove: true))
        let text = UserspaceWireGuard.request(change).joined()
        #expect(
            text == """
                set=1
                private_key=00\(String(repeating: "01", count: 30))41
                fwmark=1090519040
                public_key=\(String(repeating: "65", count: 32))
                endpoint=198.51.100.1:51820
                persistent_keepalive_interval=15
                allowed_ip=10.20.0.0/16
                allowed_ip=fd00:20::/48
                public_key=\(String(repeating: "09", count: 32))
                remove=true


                """
        )
        #expect(!text.contains("replace_peers"))
    }

    @Test func readsTheUserspaceInterface() throws {
        let text = """
            private_key=\(String(repeating: "01", count: 32))
            listen_port=40000
            fwmark=1090519040
            public_key=\(String(repeating: "65", count: 32))
            preshared_key=\(String(repeating: "00", count: 32))
            endpoint=[2001:db8::1]:51820
            last_handshake_time_sec=1700000000
            last_handshake_time_nsec=5
            tx_bytes=7
            rx_bytes=8
            persistent_keepalive_interval=15
            allowed_ip=10.20.0.0/16
            public_key=\(String(repeating: "66", count: 32))
            errno=0
            """
        let device = try UserspaceAnswer.parse(Array(text.utf8))
        #expect(device.listenPort == 40_000 && device.mark == 0x4100_0000)
        #expect(device.peers.count == 2)
        #expect(device.peers[0].presharedKey == nil)
        #expect(device.peers[0].endpoint == Sample.endpoint("[2001:db8::1]:51820"))
        #expect(device.peers[0].lastHandshake == 1_700_000_000_000_000_005)
        #expect(device.peers[0].sent == 7 && device.peers[0].received == 8)
        #expect(device.peers[1].lastHandshake == nil)
    }

    @Test(arguments: ["public_key=xyz", "public_key=0101", "public_key="])
    func refusesAPeerWithoutAKey(line: String) {
        #expect(throws: WireGuardError.self) { try UserspaceAnswer.parse(Array(line.utf8)) }
    }

    /// The kernel splits a peer with many prefixes over messages of the dump.
    @Test func joinsAPeerThatTheKernelSplit() {
        func message(_ key: UInt8, _ prefixes: [String]) -> NetlinkReply {
            var message = NetlinkMessage(type: 30, flags: 0, header: genlmsghdr(cmd: 0, version: 1, reserved: 0))
            message.nest(WGDEVICE_A_PEERS) { list in
                list.nest(0) { peer in
                    peer.put(WGPEER_A_PUBLIC_KEY, Sample.publicKey(key).bytes)
                    peer.nest(WGPEER_A_ALLOWEDIPS) { allowed in
                        for prefix in prefixes.map(Sample.prefix) {
                            allowed.nest(0) { entry in
                                entry.put(WGALLOWEDIP_A_FAMILY, number: UInt16(prefix.family.kernelNumber))
                                entry.put(WGALLOWEDIP_A_IPADDR, prefix.address.bytes)
                                entry.put(WGALLOWEDIP_A_CIDR_MASK, number: UInt8(prefix.length))
                            }
                        }
                    }
                }
            }
            return NetlinkReply.parse(Array(message.bytes))[0]
        }
        let device = KernelWireGuard.parse([
            message(1, ["10.0.0.0/24"]), message(1, ["10.0.1.0/24", "fd00::/64"]), message(2, ["10.0.2.0/24"]),
        ])
        #expect(device.peers.map(\.publicKey) == [Sample.publicKey(1), Sample.publicKey(2)])
        #expect(device.peers[0].allowedIPs == Set(["10.0.0.0/24", "10.0.1.0/24", "fd00::/64"].map(Sample.prefix)))
    }
}
