// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import Tunnel

struct DNSProbeMessageTests {
    private static let message = DNSProbeMessage(id: 0x1234, name: DomainName("plant.internal") ?? .root)

    /// As a name server has it on the wire: 12 octets of header, the name, SOA, IN.
    private static let question: [UInt8] =
        [0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0]
        + [5] + Array("plant".utf8) + [8] + Array("internal".utf8) + [0, 0, 6, 0, 1]

    private static func answer(_ change: (inout [UInt8]) -> Void = { _ in }) -> [UInt8] {
        var answer = question
        // QR, RD, RA.
        (answer[2], answer[3]) = (0x81, 0x80)
        change(&answer)
        return answer
    }

    @Test func asksForTheZone() {
        #expect(Self.message.bytes == Self.question)
    }

    @Test(
        arguments: [
            (0, .served), (3, .served), (1, .failed), (2, .failed), (4, .failed), (5, .failed), (9, .failed),
        ] as [(UInt8, DNSProbeMessage.Answer)]
    )
    func tellsWhoServesByTheCode(code: UInt8, answer: DNSProbeMessage.Answer) {
        #expect(Self.message.answer(in: Self.answer { $0[3] |= code }[...]) == answer)
        // Whatever comes behind the question, or is cut off there, is nobody's business.
        #expect(Self.message.answer(in: (Self.answer { $0[3] |= code } + [0xff, 0xc0])[...]) == answer)
        #expect(Self.message.answer(in: Self.answer { ($0[2], $0[3]) = (0x83, 0x80 | code) }[...]) == answer)
    }

    @Test func lettersMayBeOfAnyCase() {
        let answer = Self.answer { $0[13] = UInt8(ascii: "P") }
        #expect(Self.message.answer(in: answer[...]) == .served)
    }

    @Test(
        arguments: [
            ("another id", 1, 0x35), ("a question", 2, 0x01), ("a status request", 2, 0x91), ("no question", 5, 0),
            ("two questions", 5, 2), ("another name", 14, UInt8(ascii: "x")), ("another label", 12, 6),
            ("another type", 29, 1), ("another class", 31, 3),
        ] as [(String, Int, UInt8)]
    )
    func anotherAnswerIsNone(what: String, place: Int, octet: UInt8) {
        #expect(Self.message.answer(in: Self.answer { $0[place] = octet }[...]) == nil, "\(what)")
    }

    @Test func lengthsAndOctetsOfAnyKindAreLivedWith() {
        let whole = Self.answer()
        for count in 0..<whole.count { #expect(Self.message.answer(in: whole[..<count]) == nil) }
        var dice = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var octets = (0..<Int.random(in: 0...80, using: &dice)).map { _ in UInt8.random(in: 0...255, using: &dice) }
            #expect(Self.message.answer(in: octets[...]) == nil)
            octets = whole
            octets[Int.random(in: octets.indices, using: &dice)] ^= 1 << UInt8.random(in: 0..<8, using: &dice)
            _ = Self.message.answer(in: octets[...])
        }
    }
}
