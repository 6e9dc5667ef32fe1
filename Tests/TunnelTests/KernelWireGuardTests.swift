// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO
import Testing

@testable import Tunnel

/// Our reading and writing against wg(8)'s, with the running kernel between them.
///
/// In the guest, what the kernel sends goes to the folder of results: `Tests/Lab/Guest/capture` keeps it.
@Suite(.serialized, .enabled(if: isWireGuardInTheKernel, "this kernel has no WireGuard; the guest's has"))
struct KernelWireGuardTests {
    @Test(arguments: [1, 23, 1_000, 10_000])
    func agreesWithWg(peers: Int) throws {
        try Self.expectAgreement(.made(peers: peers), "\(peers)")
    }

    /// What does not fit into a message goes on in the next, in both directions.
    @Test func agreesWithWgOnAPeerWithManyPrefixes() throws {
        try Self.expectAgreement(.madeToSplit, "split")
    }

    private static func expectAgreement(_ settings: WireGuardSettings, _ name: String) throws {
        try inFreshNamespace {
            let socket = try RecordingSocket()
            let kernel = try KernelWireGuard(over: NetlinkConversation(over: socket))
            let (ours, theirs) = (Sample.interface("ours"), Sample.interface("theirs"))
            for interface in ["ours", "theirs"] { try run("/sbin/ip", "link", "add", interface, "type", "wireguard") }
            var change = WireGuardChange(from: try kernel.read(ours), to: settings, toldBefore: [:])
            var expected = settings.device
            // With a private key the kernel multiplies on the curve for each peer, which takes long in the guest.
            if settings.peers.count > 1_000 { (change.privateKey, expected.privateKey) = (nil, nil) }

            try kernel.apply(change, to: ours)
            socket.received = []
            #expect(try kernel.read(ours) == expected)
            try keep(socket.received, as: name)
            let shown = WgText.shown(expected)
            #expect(try WgText.shown(by: run("/usr/bin/wg", "show", "ours", "dump")) == shown)

            let file = "\(UserspaceWireGuard.directory)/theirs.conf"
            expected.listenPort += 1
            try Files.replace(file, with: Array(WgText.configuration(shown, port: expected.listenPort).utf8))
            try run("/usr/bin/wg", "setconf", "theirs", file)
            #expect(try kernel.read(theirs) == expected)
        }
    }

    private static func keep(_ datagrams: [[UInt8]], as name: String) throws {
        guard let results = EnvironmentVariable.text("PNETD_LAB_RESULTS") else { return }
        try Files.replace("\(results)/wireguard-\(name).netlink", with: Array(datagrams.joined()))
    }

    @Test func readsAHandshakeAsWgShowsIt() throws {
        try inFreshNamespace {
            let kernel = try KernelWireGuard(over: NetlinkConversation(over: NetlinkSocket(bus: NETLINK_GENERIC)))
            for (interface, own, port) in [("one", UInt8(1), 50_001), ("two", 2, 50_002)] {
                let file = "\(UserspaceWireGuard.directory)/\(interface).key"
                try Files.replace(file, with: Array(WgText.base64(Sample.secret(own).bytes).utf8))
                try run("/sbin/ip", "link", "add", interface, "type", "wireguard")
                try run("/usr/bin/wg", "set", interface, "private-key", file, "listen-port", "\(port)")
                try run("/sbin/ip", "link", "set", interface, "up")
            }
            for (interface, other, port) in [("one", "two", "50002"), ("two", "one", "50001")] {
                let key = try run("/usr/bin/wg", "show", other, "public-key").dropLast()
                let peer = WireGuardChange.Peer(
                    publicKey: try #require(WireGuardPublicKey(String(key))),
                    endpoint: Sample.endpoint("127.0.0.1:\(port)"),
                    keepalive: 60
                )
                var change = WireGuardChange(from: WireGuardDevice(), to: .made(peers: 0), toldBefore: [:])
                (change.privateKey, change.listenPort, change.mark) = (nil, nil, nil)
                change.peers = [peer]
                try kernel.apply(change, to: Sample.interface(interface))
            }
            let one = Sample.interface("one")
            for _ in 0..<500 where try kernel.read(one).peers[0].lastHandshake == nil { usleep(20_000) }
            // Counters may move between one reading and the other.
            for attempt in 1... {
                let before = try kernel.read(one).peers[0]
                let line = try run("/usr/bin/wg", "show", "one", "dump").split(separator: "\n")[1]
                guard try before == kernel.read(one).peers[0] || attempt == 50 else { continue }
                let fields = line.split(separator: "\t").map(String.init)
                let handshake = try #require(before.lastHandshake)
                #expect(
                    fields[4...7] == ["\(handshake / 1_000_000_000)", "\(before.received)", "\(before.sent)", "60"]
                )
                #expect(before.received > 0)
                return
            }
        }
    }
}

private var isWireGuardInTheKernel: Bool {
    (try? KernelWireGuard(over: NetlinkConversation(over: NetlinkSocket(bus: NETLINK_GENERIC)))) != nil
}

/// A socket that remembers what the kernel sent.
private final class RecordingSocket: NetlinkTransport {
    private let socket: NetlinkSocket
    var received: [[UInt8]] = []

    init() throws {
        socket = try NetlinkSocket(bus: NETLINK_GENERIC)
    }

    func send(_ bytes: ArraySlice<UInt8>) throws(NetlinkError) {
        try socket.send(bytes)
    }

    func receive() throws(NetlinkError) -> [UInt8]? {
        let datagram = try socket.receive()
        if let datagram { received.append(datagram) }
        return datagram
    }
}
