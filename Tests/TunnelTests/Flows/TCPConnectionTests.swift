// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO
import Testing

@testable import Tunnel

/// The kernel's list of TCP connections.
@Suite(.serialized)
struct TCPConnectionTests {
    /// What Linux 6.18 told of three connections: one had sent a thousand octets, one only begun, and the packets of one
    /// were dropped for a second and a half, over a socket of IPv6 that was bound to the first interface.
    private static func captured() throws -> [UInt8] {
        let tree = #filePath.split(separator: "/").dropLast(4).map { "/\($0)" }.joined()
        return try Files.read("\(tree)/Tests/Lab/Guest/Captured/tcp-connections.netlink")
    }

    private static let stalled = TCPConnection(
        cookie: 0,
        local: Sample.endpoint("10.1.0.1:40002"),
        remote: Sample.endpoint("10.20.0.4:7011"),
        interface: 1,
        timeouts: 2,
        retransmissions: 3,
        unacknowledged: 1,
        acknowledged: 501,
        received: 2
    )

    private static let all = ["0.0.0.0/0", "::/0"].map(Sample.prefix)

    private static func withoutCookie(_ connection: TCPConnection) -> TCPConnection {
        var connection = connection
        connection.cookie = 0
        return connection
    }

    @Test func asksAsTheKernelReadsIt() {
        #expect(
            Array(TCPConnectionMessages.dump(.ipv6).bytes) == [
                72, 0, 0, 0, 20, 0, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0,  // length, SOCK_DIAG_BY_FAMILY, REQUEST
                10, 6, 2, 0,  // AF_INET6, IPPROTO_TCP, INET_DIAG_INFO
                0x16, 0x0b, 0, 0,  // ESTABLISHED 1, SYN_SENT 2, FIN_WAIT1 4, CLOSE_WAIT 8, LAST_ACK 9, CLOSING 11
            ] + [UInt8](repeating: 0, count: 48)  // of any address, port and interface
        )
    }

    @Test func readsWhatTheKernelSent() throws {
        let read = NetlinkReply.parse(try Self.captured()).compactMap(TCPConnectionMessages.parse)
        #expect(
            read.map(Self.withoutCookie) == [
                TCPConnection(
                    cookie: 0,
                    local: Sample.endpoint("10.1.0.1:40001"),
                    remote: Sample.endpoint("10.20.0.4:7010"),
                    acknowledged: 1001,
                    received: 2
                ),
                TCPConnection(
                    cookie: 0,
                    local: Sample.endpoint("[fd00:1::1]:40003"),
                    remote: Sample.endpoint("[fd00:20::4]:7012"),
                    acknowledged: 1,
                    received: 1
                ), Self.stalled,
            ]
        )
        #expect(Set(read.map(\.cookie)).count == 3 && !read.map(\.cookie).contains(0))
    }

    /// Kernels tell more with each version, and less before 4.2: what ends sooner is no connection, and no harm.
    @Test func readsWhatWasCutWithoutHarm() throws {
        let whole = Array(try Self.captured().suffix(408))
        var read = 0
        for count in 16..<whole.count {
            var cut = Array(whole.prefix(count))
            // As if the header's length were that of what is left.
            for index in 0..<4 { cut[index] = UInt8(truncatingIfNeeded: count >> (8 * index)) }
            read += NetlinkReply.parse(cut).compactMap(TCPConnectionMessages.parse).count
        }
        #expect(read == 0, "the information is one attribute: whole, or not there")
        // The attribute itself ends sooner; it is the last one, 284 octets with its head, 144 of which are needed.
        let start = whole.count - 284
        for length in 0...284 {
            var short = Array(whole.prefix(start + max(length, 4)))
            (short[start], short[start + 1]) = (UInt8(truncatingIfNeeded: length), UInt8(length >> 8))
            for index in 0..<4 { short[index] = UInt8(truncatingIfNeeded: short.count >> (8 * index)) }
            let connection = NetlinkReply.parse(short).compactMap(TCPConnectionMessages.parse).first
            #expect(connection.map(Self.withoutCookie) == (length >= 4 + 144 ? Self.stalled : nil), "\(length)")
        }
    }

    @Test func readsWhatGrewAtItsEnd() throws {
        var grown = Array(try Self.captured().suffix(408))
        let (start, more) = (grown.count - 284, 64)
        grown += [UInt8](repeating: 0xff, count: more)
        (grown[start], grown[start + 1]) = (UInt8((284 + more) & 0xff), UInt8((284 + more) >> 8))
        for index in 0..<4 { grown[index] = UInt8(truncatingIfNeeded: grown.count >> (8 * index)) }
        let connection = NetlinkReply.parse(grown).compactMap(TCPConnectionMessages.parse).first
        #expect(connection.map(Self.withoutCookie) == Self.stalled)
    }

    @Test func readsCrookedOnesWithoutHarm() throws {
        let whole = try Self.captured()
        for place in whole.indices {
            for flip in [UInt8(0xff), 0x80, 1] {
                var crooked = whole
                crooked[place] ^= flip
                #expect(NetlinkReply.parse(crooked).compactMap(TCPConnectionMessages.parse).count <= 3)
            }
        }
    }

    // MARK: - Looks

    /// One datagram of so many connections, or the end of them.
    private static func answer(_ count: Int, sequence: UInt32) throws -> [UInt8] {
        guard count > 0 else { return ScriptedKernel.message(NLMSG_DONE, sequence: sequence, [0, 0, 0, 0]) }
        var message = Array(try captured().suffix(408))
        for index in 0..<4 { message[8 + index] = UInt8(truncatingIfNeeded: sequence >> (8 * UInt32(index))) }
        return Array(repeatElement(message, count: count).joined())
    }

    @Test func looksAtBothFamiliesOverOneSocket() throws {
        let kernel = ScriptedKernel([
            try Self.answer(2, sequence: 1), try Self.answer(0, sequence: 1), try Self.answer(1, sequence: 2),
            // Of one that was there for too short a time to be told of, nothing but this is known.
            ScriptedKernel.message(SOCK_DIAG_BY_FAMILY, sequence: 2, [2, 1, 0, 0]),
            try Self.answer(0, sequence: 2),
        ])
        var opened = 0
        let connections = TCPConnections { () throws(NetlinkError) in
            opened += 1
            return kernel
        }
        let look = try connections.look(at: Self.all)
        #expect(look.connections.count == 3 && look.unreadable == 1 && look.isWhole)
        #expect(kernel.sent.map { $0[16] } == [2, 10] && opened == 1)
        // Nobody answers any more: the next look begins with another socket.
        #expect(throws: NetlinkError.self) { try connections.look(at: Self.all) }
        #expect(throws: NetlinkError.self) { try connections.look(at: Self.all) }
        #expect(opened == 2)
    }

    @Test func looksAtNoMoreThanItMay() throws {
        var opened = 0
        let connections = TCPConnections(limit: 5) { () throws(NetlinkError) in
            opened += 1
            let answers = (1...2).flatMap { sequence in
                [3, 0].compactMap { try? Self.answer($0, sequence: sequence) }
            }
            return ScriptedKernel(answers)
        }
        let look = try connections.look(at: Self.all)
        #expect(look.connections.count == 5 && !look.isWhole && opened == 1)
        #expect(
            try !connections.look(at: Self.all).isWhole && opened == 2,
            "what is left of the answer goes with its socket"
        )
    }

    @Test func saysWhereThereIsNoSuchList() throws {
        let connections = TCPConnections { () throws(NetlinkError) in
            ScriptedKernel([ScriptedKernel.acknowledgement(-ENOENT, sequence: 1)])
        }
        #expect { try connections.look(at: Self.all) } throws: { ($0 as? NetlinkError)?.code == ENOENT }
    }

    /// What this kernel tells of two connections to itself, one of which is let through by nobody.
    @Test func looksAtThisKernel() throws {
        try inFreshNamespace {
            try run("/usr/sbin/nft", "add table inet t; add chain inet t in { type filter hook input priority 0; }")
            try run("/usr/sbin/nft", "add rule inet t in tcp dport 7011 drop")
            let script = """
                import socket, time
                server = socket.create_server(("127.0.0.1", 7010))
                one = socket.create_connection(("127.0.0.1", 7010))
                two = socket.socket()
                two.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
                two.setblocking(False)
                two.connect_ex(("127.0.0.1", 7011))
                time.sleep(60)
                """
            _ = try ChildProcess.spawn("/usr/bin/python3", arguments: ["-c", script])
            let connections = TCPConnections()
            var look = TCPConnections.Look()
            for _ in 0..<100 where !look.connections.contains(where: { $0.timeouts > 0 }) {
                usleep(100_000)
                look = try connections.look(at: Self.all)
            }
            let calling = look.connections.filter { [7010, 7011].contains($0.remote.port) }
                .sorted { $0.remote.port < $1.remote.port }
            #expect(calling.map(\.interface) == [nil, 1])
            #expect(
                calling.map(\.unacknowledged) == [0, 1] && calling.map { $0.retransmissions > 0 } == [false, true]
            )
            #expect(look.connections.count == 3 && look.unreadable == 0 && look.isWhole)
            let elsewhere = (0..<10).map { Sample.prefix("10.20.\($0).0/24") } + [Sample.prefix("fd00:20::/48")]
            #expect(try connections.look(at: elsewhere).connections.isEmpty)
            #expect(try connections.look(at: elsewhere + [Sample.prefix("127.0.0.0/8")]).connections.count == 3)
            #expect(try connections.look(at: [Sample.prefix("127.0.0.1/32")] + elsewhere).connections.count == 3)
            let most = (0..<DestinationFilter.limit - 1).map { Sample.prefix("fd00:\($0)::/32") }
            #expect(try connections.look(at: most + [Sample.prefix("127.0.0.0/8")]).connections.count == 3)
            #expect(try connections.look(at: most + elsewhere).connections.count == 3, "all are told of")
            #expect(try connections.look(at: []).connections.isEmpty)
        }
    }
}
