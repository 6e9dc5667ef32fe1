// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO
import Testing

@testable import Tunnel

/// What Debian's kernel sent when it was asked for WireGuard devices (see Tests/Lab/Guest/capture).
struct CapturedDumpTests {
    @Test(arguments: [(1, 1), (23, 1), (1_000, 7), (10_000, 69)])
    func readsWhatTheKernelSent(peers: Int, inMessages count: Int) throws {
        let messages = try Self.messages("wireguard-\(peers)")
        var expected = WireGuardSettings.made(peers: peers).device
        // It was captured without one: see KernelWireGuardTests.
        if peers == 10_000 { expected.privateKey = nil }
        #expect(KernelWireGuard.parse(messages) == expected)
        #expect(messages.count == count)
    }

    @Test func joinsAPeerThatTheKernelSplit() throws {
        let messages = try Self.messages("wireguard-split")
        let keys = messages.flatMap { message in
            message.attributes(after: genlmsghdr.self).nest(WGDEVICE_A_PEERS).items.map {
                NetlinkAttributes($0.value)[WGPEER_A_PUBLIC_KEY].map(Array.init)
            }
        }
        #expect(keys.count(where: { $0 == WireGuardSettings.key(1).bytes }) == 3)
        #expect(KernelWireGuard.parse(messages) == WireGuardSettings.madeToSplit.device)
    }

    @Test func readsWhatWasCutWithoutHarm() throws {
        let whole = try Self.octets("wireguard-23")
        for count in stride(from: 0, to: whole.count, by: 41) {
            // As if the header's length were that of what is left.
            var cut = Array(whole.prefix(count))
            if count >= 16 { for index in 0..<4 { cut[index] = UInt8(truncatingIfNeeded: count >> (8 * index)) } }
            #expect(KernelWireGuard.parse(NetlinkReply.parse(cut)).peers.count <= 23)
        }
    }

    /// The messages of a dump but for the one that ends it.
    private static func messages(_ name: String) throws -> [NetlinkReply] {
        NetlinkReply.parse(try octets(name)).filter { $0.type != Int(NLMSG_DONE) }
    }

    private static func octets(_ name: String) throws -> [UInt8] {
        let tree = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
        let file = "\(tree)/Tests/Lab/Guest/Captured/\(name).netlink"
        guard (try? Files.status(of: file)) == nil else { return try Files.read(file) }
        var ends: [Int32] = [0, 0]
        guard unsafe pipe2(&ends, O_CLOEXEC) == 0 else { throw SystemError.last("pipe") }
        let reader = FileDescriptor(owning: ends[0])
        let pid: pid_t
        do {
            let writer = FileDescriptor(owning: ends[1])
            pid = try ChildProcess.spawn("/usr/bin/xz", arguments: ["-dc", "\(file).xz"], output: writer.raw)
        }
        let octets = try Files.read(reader, limit: 16 << 20)
        #expect(try ChildProcess.wait(for: pid) == .status(0))
        return octets
    }
}
