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
        let userspace = try UserspaceAnswer.parse(
            Array(
                """
                public_key=\(Hexadecimal.encode(Sample.publicKey(1).bytes))
                last_handshake_time_sec=\(seconds)
                last_handshake_time_nsec=\(nanoseconds)
                """.utf8
            )
        )
        #expect(kernel.peers.map(\.lastHandshake) == [nil])
        #expect(userspace.peers.map(\.lastHandshake) == [nil])
    }

    /// A connection as the kernel tells it, cut anywhere, and with any one octet turned over.
    @Test func readsACrookedConnectionWithoutHarm() throws {
        var message = NetlinkMessage(
            type: Int(NFNL_SUBSYS_CTNETLINK) << 8 | Int(IPCTNL_MSG_CT_NEW.rawValue),
            flags: 0,
            header: nfgenmsg(nfgen_family: UInt8(AF_INET), version: UInt8(NFNETLINK_V0), res_id: 0)
        )
        for (tuple, from, to) in [
            (CTA_TUPLE_ORIG, [10, 1, 0, 77], [10, 20, 0, 4]), (CTA_TUPLE_REPLY, [10, 20, 0, 4], [10, 99, 1, 2]),
        ] as [(ctattr_type, [UInt8], [UInt8])] {
            message.nest(tuple) { tuple in
                tuple.nest(CTA_TUPLE_IP) { ends in
                    ends.put(CTA_IP_V4_SRC, from)
                    ends.put(CTA_IP_V4_DST, to)
                }
            }
        }
        message.put(CTA_STATUS, bigEndian: IPS_SRC_NAT.rawValue)
        message.put(CTA_ID, bigEndian: UInt32(7))
        let whole = Array(message.bytes)
        let connection = try #require(NetlinkReply.parse(whole).first.flatMap(TrackedConnection.init))
        #expect(connection.farEnd == IPAddress("10.20.0.4") && connection.answeredAt == IPAddress("10.99.1.2"))
        func wasHeard(_ far: String, _ octets: [UInt8]) throws -> Bool? {
            let far = try #require(IPAddress(far))
            return NetlinkReply.parse(octets).first.flatMap { TrackedConnection.wasHeard(far, $0) }
        }
        #expect(try wasHeard("10.1.0.77", whole) == true, "it began the connection")
        #expect(try wasHeard("10.20.0.4", whole) == false, "it has not answered")
        for count in 16..<whole.count {
            var cut = Array(whole.prefix(count))
            // As if the header's length were that of what is left.
            (cut[0], cut[1]) = (UInt8(truncatingIfNeeded: count), UInt8(truncatingIfNeeded: count >> 8))
            let read = NetlinkReply.parse(cut).first.flatMap(TrackedConnection.init)
            // The status comes behind the ends: without it nothing is said of them.
            #expect(read == nil || count >= whole.count - 8, "\(count) octets")
            #expect(try wasHeard("10.20.0.4", cut) == nil || count >= whole.count - 8, "\(count) octets")
        }
        for place in whole.indices {
            var crooked = whole
            crooked[place] ^= 0xff
            _ = try wasHeard("10.20.0.4", crooked)
            for connection in NetlinkReply.parse(crooked).compactMap(TrackedConnection.init) {
                #expect(NetlinkReply.parse(Array(connection.deletion.bytes)).count == 1)
            }
        }
    }
}
