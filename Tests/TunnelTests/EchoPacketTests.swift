// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import Tunnel

struct EchoPacketTests {
    private let request = EchoPacket(
        family: .ipv4,
        isReply: false,
        identifier: 0x1234,
        sequence: 7,
        secret: 0x0102_0304_0506_0708,
        stream: 9
    )

    @Test func writesAnEchoRequest() {
        #expect(
            request.bytes == [
                8, 0, 0xd5, 0xa7,  // echo request, checksum
                0x12, 0x34, 0, 7,  // identifier, sequence
                1, 2, 3, 4, 5, 6, 7, 8,  // secret
                0, 0, 0, 9,  // stream
            ]
        )
        #expect(EchoPacket.checksum(request.bytes) == 0, "a message with its checksum sums up to zero")
    }

    @Test func readsItsOwnRepliesBehindAnIPHeader() {
        var reply = request
        reply.isReply = true
        let header: [UInt8] = [0x45] + Array(repeating: 0, count: 19)
        #expect(EchoPacket(family: .ipv4, received: (header + reply.bytes)[...]) == reply)
        var reply6 = reply
        reply6.family = .ipv6
        #expect(EchoPacket(family: .ipv6, received: reply6.bytes[...]) == reply6)
    }

    @Test func refusesWhatIsTooShortOrNoEcho() {
        #expect(EchoPacket(family: .ipv4, received: []) == nil)
        #expect(EchoPacket(family: .ipv4, received: [0x4f, 0, 0]) == nil)
        #expect(EchoPacket(family: .ipv6, received: request.bytes[..<19]) == nil)
        #expect(EchoPacket(family: .ipv6, received: ([3] + request.bytes.dropFirst())[...]) == nil)
    }
}
