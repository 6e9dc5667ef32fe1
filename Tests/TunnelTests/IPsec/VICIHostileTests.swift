// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO
import Testing

@testable import Tunnel

/// What answers and is no charon, or one that went wrong: the connection is renewed, nothing is believed, nothing waits.
struct VICIHostileTests {
    struct Attack: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let octets: [UInt8]
        let reason: VICIGarbage
        var afterAnswer = false
    }

    static let attacks: [Attack] = [
        Attack(testDescription: "a length of 4 GiB", octets: [255, 255, 255, 255], reason: .oversized),
        Attack(testDescription: "one octet more than 512 KiB", octets: [0, 8, 0, 1], reason: .oversized),
        Attack(testDescription: "no length", octets: [0, 0, 0, 0], reason: .empty),
        Attack(testDescription: "text", octets: Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8), reason: .oversized),
        Attack(testDescription: "an unknown packet", octets: [0, 0, 0, 1, 9], reason: .packetType),
        Attack(testDescription: "a request", octets: [0, 0, 0, 3, 0, 1, 120], reason: .direction),
        Attack(testDescription: "a registration", octets: [0, 0, 0, 3, 3, 1, 120], reason: .direction),
        Attack(testDescription: "a section that ends twice", octets: [0, 0, 0, 2, 1, 2], reason: .unbalanced),
        Attack(testDescription: "a section without end", octets: [0, 0, 0, 4, 1, 1, 1, 115], reason: .unbalanced),
        Attack(testDescription: "a truncated value", octets: [0, 0, 0, 7, 1, 3, 1, 107, 0, 9, 0], reason: .truncated),
        Attack(testDescription: "a confirmation for a command", octets: [0, 0, 0, 1, 5], reason: .unasked),
        Attack(testDescription: "a second response", octets: [0, 0, 0, 1, 1], reason: .unasked, afterAnswer: true),
        Attack(testDescription: "an unknown to nothing", octets: [0, 0, 0, 1, 2], reason: .unasked, afterAnswer: true),
    ]

    @Test(arguments: attacks) func renewsTheConnectionAfter(attack: Attack) throws {
        let fake = try FakeCharon()
        var lost: [VICIError] = []
        let charon = fake.client { if case .lost(let error) = $0 { lost.append(error) } }
        charon.start()
        try fake.turn()
        fake.answer = { link, _, _ in
            if attack.afterAnswer { try link.send(.response(VICIMessage())) }
            try link.send(octets: attack.octets)
        }
        var answers: [VICIError?] = []
        func take(_ result: Result<[String], VICIError>) {
            if case .failure(let error) = result { answers.append(error) } else { answers.append(nil) }
        }
        charon.connectionNames(take)
        if !attack.afterAnswer { charon.connectionNames(take) }
        try fake.turn()
        #expect(lost == [.garbage(attack.reason)])
        #expect(answers == (attack.afterAnswer ? [nil] : [.garbage(attack.reason), .connectionLost(nil)]))
        fake.answer = { link, _, _ in try link.send(.response(VICIMessage())) }
        try fake.turn(after: .milliseconds(250))
        #expect(charon.isConnected)
        charon.connectionNames(take)
        try fake.turn()
        #expect(answers.last == .some(nil))
    }

    /// What is wrong on the connection for events ends the other one too, whose command was fine.
    @Test func losesBothConnectionsTogether() throws {
        let fake = try FakeCharon()
        var lost: [VICIError] = []
        let charon = fake.client { if case .lost(let error) = $0 { lost.append(error) } }
        charon.start()
        try fake.turn()
        fake.answer = { _, _, _ in }
        var answer: Result<[String], VICIError>?
        charon.connectionNames { answer = $0 }
        try fake.turn()
        try fake.events.send(.response(VICIMessage()))
        try fake.turn()
        #expect(lost == [.garbage(.unasked)] && answer == .failure(.connectionLost(nil)))
    }

    /// Half a segment and then nothing is silence; half a segment and then the end is a loss.
    @Test func knowsSilenceFromTheEnd() throws {
        let fake = try FakeCharon()
        let charon = fake.client { _ in }
        charon.start()
        try fake.turn()
        fake.answer = { link, _, _ in try link.send(octets: [0, 0, 0, 9, 1, 3]) }
        var answers: [Result<[String], VICIError>] = []
        charon.connectionNames { answers.append($0) }
        try fake.turn(after: .seconds(11))
        #expect(answers == [.failure(.timedOut("get-conns"))])
        try fake.turn(after: .milliseconds(250))
        charon.connectionNames { answers.append($0) }
        try fake.turn()
        fake.drop()
        try fake.turn()
        #expect(answers.last == .failure(.connectionLost(nil)))
    }

    /// A list that never ends is ended, before it takes the memory of others.
    @Test func endsAListThatDoesNot() throws {
        let fake = try FakeCharon()
        var lost: [VICIError] = []
        let charon = fake.client { if case .lost(let error) = $0 { lost.append(error) } }
        charon.start()
        try fake.turn()
        fake.answer = { _, _, _ in }
        charon.associations { _ in }
        try fake.turn()
        let part = VICIMessage.made { $0.append("x", Array(repeating: 0, count: 65_000)) }
        for _ in 0..<1_000 where lost.isEmpty {
            try fake.commands.send(.event("list-sa", part))
            try fake.turn()
        }
        #expect(lost == [.garbage(.endless)])
    }

    @Test func takesNamesAndReasonsAsTheyCome() throws {
        let fake = try FakeCharon()
        let charon = fake.client { _ in }
        charon.start()
        try fake.turn()
        fake.answer = { link, _, _ in
            try link.send(
                .response(
                    .made {
                        $0.append("success", false)
                        $0.append("errmsg", [0x1b, 0x0a, 0x00, 0x7f] + Array(repeating: 0xff, count: 60_000))
                    }
                )
            )
        }
        var answer: Result<Void, VICIError>?
        charon.unload(authority: "\u{0}\n") { answer = $0 }
        try fake.turn()
        guard case .failure(.refused(_, let reason)) = answer else {
            Issue.record("\(String(describing: answer))")
            return
        }
        #expect(reason.count == 300 && reason.hasPrefix("    \u{fffd}"))
    }
}
