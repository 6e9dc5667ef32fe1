// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import NameRelay

struct RelayMessageTests {
    private static let message: [UInt8] = [0xab, 0xcd, 1, 0]
    private static let messages: [RelayMessage] = [
        .ask(7, of: Upstream(endpoint("192.0.2.53:853"), .tls), message: message),
        .ask(.max, of: Upstream(endpoint("[2001:db8::53]:443"), .https), message: []),
        .answered(1 << 40, message: message),
        .failed(9),
        .query(3, from: .v4(.init(bits: 0x0a01_0002)), on: 7, message: message),
        .reply(3, message: []),
    ]

    private static func endpoint(_ text: String) -> SocketEndpoint {
        SocketEndpoint(text) ?? SocketEndpoint(address: .v4(.init(bits: 0)), port: 0)
    }

    private func read(_ octets: [UInt8], inPiecesOf size: Int) throws -> [RelayMessage] {
        var frames = RelayFrames()
        var messages: [RelayMessage] = []
        for start in stride(from: 0, to: octets.count, by: size) {
            frames.append(octets[start..<min(start + size, octets.count)])
            while let message = try frames.next() { messages.append(message) }
        }
        return messages
    }

    @Test func aQuestionIsWrittenAsItIsDocumented() {
        #expect(
            Self.messages[0].frame == [
                0, 0, 0, 21,  // length
                1,  // ask
                0, 0, 0, 0, 0, 0, 0, 7,  // number
                1,  // TLS
                4, 192, 0, 2, 53,  // address
                0x03, 0x55,  // port 853
                0xab, 0xcd, 1, 0,  // message
            ]
        )
    }

    @Test func aClientsQuestionTellsWhereItCameFrom() {
        #expect(
            Self.messages[4].frame == [
                0, 0, 0, 22,  // length
                6,  // query
                0, 0, 0, 0, 0, 0, 0, 3,  // number
                4, 10, 1, 0, 2,  // address
                0, 0, 0, 7,  // interface
                0xab, 0xcd, 1, 0,  // message
            ]
        )
    }

    @Test(arguments: [1, 3, 1_000])
    func whatIsWrittenIsRead(size: Int) throws {
        #expect(try read(Self.messages.flatMap(\.frame), inPiecesOf: size) == Self.messages)
    }

    @Test func theLongestMessageFits() throws {
        let longest = RelayMessage.query(
            1,
            from: Self.endpoint("[2001:db8::53]:853").address,
            on: .max,
            message: [UInt8](repeating: 1, count: 65_535)
        )
        #expect(longest.frame.count == 4 + RelayFrames.longest)
        #expect(try read(longest.frame, inPiecesOf: 16_384) == [longest])
    }

    @Test(
        arguments: [
            [0, 1, 0, 30],  // longer than any
            [0, 0, 0, 0],  // nothing at all
            [0, 0, 0, 9, 4, 0, 0, 0, 0, 0, 0, 0, 1],  // a kind that there is not
            [0, 0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0],  // half a number
            [0, 0, 0, 10, 3, 0, 0, 0, 0, 0, 0, 0, 1, 1],  // a failure with a message
            [0, 0, 0, 17, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 4, 1, 2, 3, 4, 0, 53],  // a server that is asked in the clear
            [0, 0, 0, 12, 6, 0, 0, 0, 0, 0, 0, 0, 1, 5, 1, 2],  // an address of five octets
            [0, 0, 0, 11, 6, 0, 0, 0, 0, 0, 0, 0, 1, 4, 1],  // an address that is cut off
            [0, 0, 0, 17, 6, 0, 0, 0, 0, 0, 0, 0, 1, 4, 10, 1, 0, 2, 0, 0, 7],  // an interface that is cut off
        ] as [[UInt8]]
    )
    func whatIsNoMessageIsRefused(octets: [UInt8]) {
        #expect(throws: RelayFrames.Fault.self) { try read(octets, inPiecesOf: 100) }
    }
}
