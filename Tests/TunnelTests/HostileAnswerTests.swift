// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import Testing

@testable import Tunnel

/// What fuzzing found, and what it must not find again: answers that no kernel of today gives.
struct HostileAnswerTests {
    @Test(arguments: [0, 1, 6_999, 7_000, UInt32.max])
    func readsAGroupOfAnyNumberUnderOurProtocol(id: UInt32) throws {
        var header = nhmsg()
        header.nh_protocol = Sample.reserved.routeProtocol
        var message = NetlinkMessage(type: RTM_NEWNEXTHOP, flags: 0, header: header)
        message.put(NHA_ID, number: id)
        message.put(NHA_GROUP, [1, 0, 0, 0, 0, 0, 0, 0])
        let reply = try #require(NetlinkReply.parse(Array(message.bytes)).first)
        #expect(NexthopMessages.parse(reply, Sample.reserved)?.id == id)
    }

    @Test func takesTooFewOctetsForZero() {
        let octets: [UInt8] = [1, 2, 3, 4, 5]
        #expect(UInt32(hostOrder: octets[2...]) == 0)
        #expect(UInt32(networkOrder: octets[1...]) == 0x0203_0405)
        #expect(UInt64(networkOrder: octets[...]) == 0)
        #expect(UInt16(hostOrder: []) == 0)
    }

    @Test(arguments: [
        (Int64.max, Int64.max), (9_223_372_036, 999_999_999), (-1, 5), (5, -1), (5, 1_000_000_000), (0, 0),
    ])
    func takesATimeThatNoClockSaysForNever(seconds: Int64, nanoseconds: Int64) throws {
        var message = NetlinkMessage(type: 30, flags: 0, header: genlmsghdr(cmd: 0, version: 1, reserved: 0))
        message.nest(WGDEVICE_A_PEERS) { list in
            list.nest(0) { peer in
                peer.put(WGPEER_A_PUBLIC_KEY, Sample.publicKey(1).bytes)
                peer.put(
                    WGPEER_A_LAST_HANDSHAKE_TIME,
                    [seconds, nanoseconds].flatMap { number in
                        (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
                    }
                )
            }
        }
        let kernel = KernelWireGuard.parse(NetlinkReply.parse(Array(message.bytes)))
        let userspace = try UserspaceWireGuard.parse(
            [
                "public_key=\(Hexadecimal.encode(Sample.publicKey(1).bytes))",
                "last_handshake_time_sec=\(seconds)", "last_handshake_time_nsec=\(nanoseconds)",
            ].map { $0[...] }
        )
        #expect(kernel.peers.map(\.lastHandshake) == [nil])
        #expect(userspace.peers.map(\.lastHandshake) == [nil])
    }
}
