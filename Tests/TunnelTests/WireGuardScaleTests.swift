// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import Testing

@testable import Tunnel

/// Devices of every size on their way to the kernel, and prefixes that move between peers.
struct WireGuardScaleTests {
    private static func messages(
        from device: WireGuardDevice = WireGuardDevice(),
        to settings: WireGuardSettings
    ) -> [NetlinkMessage] {
        let change = WireGuardChange(from: device, to: settings, toldBefore: [:])
        return KernelWireGuard.messages(for: change, Sample.interface("pn-a"), family: 30)
    }

    private static func attributes(_ message: NetlinkMessage) -> NetlinkAttributes {
        NetlinkReply.parse(Array(message.bytes))[0].attributes(after: genlmsghdr.self)
    }

    @Test(arguments: [(0, 1), (1, 1), (23, 1), (1_000, 9), (10_000, 87)])
    func reachesTheKernelWhole(peers: Int, inMessages count: Int) {
        let settings = WireGuardSettings.made(peers: peers)
        let messages = Self.messages(to: settings)
        #expect(messages.count == count)
        var kernel = WireGuardModel()
        kernel.take(messages)
        #expect(kernel.device == settings.device)
        #expect(kernel.entries == peers)
        #expect(Self.messages(from: kernel.device, to: settings).isEmpty)
    }

    @Test func saysWhatConcernsTheDeviceOnce() {
        let messages = Self.messages(to: .made(peers: 1_000)).map(Self.attributes)
        #expect(messages.count > 1)
        #expect(messages[0][WGDEVICE_A_PRIVATE_KEY] != nil && messages[0][WGDEVICE_A_LISTEN_PORT] != nil)
        for message in messages.dropFirst() {
            #expect(message.items.map(\.type) == [WGDEVICE_A_IFNAME, WGDEVICE_A_PEERS].map { Int($0.rawValue) })
        }
    }

    @Test func goesOnWithAPeerInTheNextMessage() {
        var settings = WireGuardSettings.made(peers: 4)
        settings.peers[1].presharedKey = Sample.secret(9)
        settings.peers[1].allowedIPs = Set((0..<1_000).map { IPPrefix(host: .v4(IPv4Address(bits: 0x0b00_0000 + $0))) })
        settings.peers[2].allowedIPs = Set((0..<1_000).map { IPPrefix(host: .v6(IPv6Address(bits: 7 << 64 + $0))) })
        let messages = Self.messages(to: settings)
        var kernel = WireGuardModel()
        kernel.take(messages)
        #expect(kernel.device == settings.device)

        // 583 prefixes of IPv4 fill a message, 408 of IPv6.
        let peers = messages.map {
            Self.attributes($0).nest(WGDEVICE_A_PEERS).items.map { NetlinkAttributes($0.value) }
        }
        #expect(peers.map(\.count) == [2, 2, 1, 1, 2])
        for rest in [peers[1][0], peers[2][0], peers[3][0]] {
            #expect(rest.items.map(\.type) == [WGPEER_A_PUBLIC_KEY, WGPEER_A_ALLOWEDIPS].map { Int($0.rawValue) })
        }
    }

    /// Whatever the number of octets before it, no list of peers is longer than its length can say.
    @Test func neverWritesMoreThanALengthCanSay() {
        for prefixes in 560..<600 {
            var settings = WireGuardSettings.made(peers: 3)
            settings.peers[1].allowedIPs = Set(
                (0..<UInt32(prefixes)).map { IPPrefix(host: .v4(IPv4Address(bits: 0x0b00_0000 + $0))) }
            )
            var kernel = WireGuardModel()
            kernel.take(Self.messages(to: settings))
            #expect(kernel.device == settings.device, "\(prefixes) prefixes")
        }
    }

    @Test func namesOnlyThePeersThatDiffer() {
        let settings = WireGuardSettings.made(peers: 10_000)
        var wanted = settings
        wanted.peers[4_321].keepalive = 99
        wanted.peers.remove(at: 1_234)
        wanted.peers.append(WireGuardSettings.made(peers: 10_001).peers[10_000])
        var kernel = WireGuardModel()
        kernel.take(Self.messages(to: settings))
        let before = kernel.entries
        kernel.take(Self.messages(from: kernel.device, to: wanted))
        #expect(kernel.device == wanted.device)
        #expect(kernel.entries - before == 3)
    }

    /// A peer that gains a prefix keeps the others all the while.
    @Test func addsAPrefixWithoutReplacingTheOthers() {
        let settings = WireGuardSettings.made(peers: 2)
        var wanted = settings
        wanted.peers[0].allowedIPs.insert(Sample.prefix("192.0.2.0/24"))
        let change = WireGuardChange(from: settings.device, to: wanted, toldBefore: [:])
        #expect(
            change.peers == [
                WireGuardChange.Peer(
                    publicKey: wanted.peers[0].publicKey,
                    allowedIPs: [Sample.prefix("192.0.2.0/24")],
                    keepsAllowedIPs: true
                )
            ]
        )
        #expect(!UserspaceWireGuard.request(change).joined().contains("replace_allowed_ips"))
        func replaced(_ messages: [NetlinkMessage]) -> Int {
            var kernel = WireGuardModel()
            kernel.take(messages)
            return kernel.replaced.count
        }
        #expect(replaced(Self.messages(from: settings.device, to: wanted)) == 0)
        #expect(replaced(Self.messages(from: wanted.device, to: settings)) == 1, "which it has to for one that loses")
    }

    /// What each of three peers has, before and after.
    @Test(arguments: [
        (["x", "", ""], ["", "x", ""]), (["", "x", ""], ["x", "", ""]), (["x", "y", ""], ["y", "x", ""]),
        (["x", "y", "z"], ["y", "z", "x"]), (["xy", "z", ""], ["z", "xy", ""]), (["x", "y", ""], ["xy", "", ""]),
        (["xy", "", "z"], ["x", "yz", ""]), (["", "xyz", ""], ["x", "y", "z"]), (["x", "", ""], ["xy", "z", ""]),
    ])
    func movesPrefixesBetweenPeersInOneChange(before: [String], after: [String]) {
        func settings(_ sets: [String], _ order: [Int]) -> WireGuardSettings {
            var settings = WireGuardSettings.made(peers: 3)
            for (number, letters) in sets.enumerated() {
                settings.peers[number].allowedIPs = Set(letters.utf8.map { Sample.prefix("10.\($0).0.0/16") })
            }
            settings.peers = order.map { settings.peers[$0] }
            return settings
        }
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            Self.expectOneChange(from: settings(before, [0, 1, 2]), to: settings(after, order))
        }
    }

    @Test func reachesAnythingFromAnythingInOneChange() {
        var random = Seeded(state: 11)
        for _ in 0..<1_000 { Self.expectOneChange(from: .random(&random), to: .random(&random)) }
    }

    private static func expectOneChange(from settings: WireGuardSettings, to wanted: WireGuardSettings) {
        var kernel = WireGuardModel()
        kernel.take(messages(to: settings))
        let before = kernel.device
        kernel.take(messages(from: before, to: wanted))
        // What moves is somebody's all the while; what stays as well, unless its holder loses what nobody gets.
        let given = wanted.peers.reduce(into: Set<IPPrefix>()) { $0.formUnion($1.allowedIPs) }
        let losers = before.peers.filter { !$0.allowedIPs.isSubset(of: given) }.map(\.publicKey)
        let may = before.peers.filter { losers.contains($0.publicKey) }.reduce(into: Set<IPPrefix>()) { all, peer in
            let kept = wanted.peers.first { $0.publicKey == peer.publicKey }?.allowedIPs ?? []
            all.formUnion(kept.union(peer.allowedIPs.subtracting(given)))
        }
        #expect(kernel.dropped.isSubset(of: may))
        var (found, expected) = (kernel.device, wanted.device)
        found.peers.sort { $0.publicKey < $1.publicKey }
        expected.peers.sort { $0.publicKey < $1.publicKey }
        #expect(found == expected)
        #expect(messages(from: kernel.device, to: wanted).isEmpty)
    }
}

/// Knuth's linear congruential generator: the same numbers each run.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        // The low bits of such a number are poor.
        return state ^ state >> 32
    }
}

extension WireGuardSettings {
    /// Up to six of eight peers, a dozen prefixes dealt among them.
    fileprivate static func random(_ random: inout Seeded) -> WireGuardSettings {
        var settings = made(peers: 8)
        settings.mark = UInt32.random(in: 0...1, using: &random)
        settings.peers.shuffle(using: &random)
        settings.peers.removeLast(Int.random(in: 2...7, using: &random))
        for index in settings.peers.indices {
            settings.peers[index].allowedIPs = []
            settings.peers[index].endpoint = Sample.endpoint("198.51.100.1:\(Int.random(in: 1...2, using: &random))")
            settings.peers[index].presharedKey = Bool.random(using: &random) ? Sample.secret(3) : nil
            settings.peers[index].keepalive = UInt16.random(in: 0...1, using: &random)
        }
        for number in 0..<12 {
            let holder = Int.random(in: -1..<settings.peers.count, using: &random)
            guard holder >= 0 else { continue }
            settings.peers[holder].allowedIPs.insert(Sample.prefix("10.\(number).0.0/16"))
        }
        return settings
    }
}
