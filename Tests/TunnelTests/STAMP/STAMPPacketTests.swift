// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Tunnel

/// Scapy 2.8 reads the same from both packets, and writes them as they are (its layer `stamp`).
struct STAMPPacketTests {
    static let question: [UInt8] =
        [
            0x00, 0x00, 0x00, 0x07,  // Sequence Number
            0xe8, 0xb2, 0xf3, 0x80, 0x80, 0x00, 0x00, 0x00,  // Timestamp: NTP, half a second past
            0x96, 0x01,  // Error Estimate: S, NTP, Scale 22, Multiplier 1
            0x12, 0x34,  // SSID
        ] + Array(repeating: 0, count: 28)  // MBZ

    static let answer: [UInt8] = [
        0x00, 0x00, 0x00, 0x05,  // Sequence Number
        0x65, 0x92, 0x00, 0x81, 0x00, 0x0f, 0x42, 0x40,  // Timestamp: PTP, 1 ms past
        0x40, 0xff,  // Error Estimate: not S, PTP, Scale 0, Multiplier 255
        0x12, 0x34,  // SSID
        0x65, 0x92, 0x00, 0x80, 0x3b, 0x9a, 0xc9, 0xff,  // Receive Timestamp: 999,999,999 ns past
        0x00, 0x00, 0x00, 0x07,  // Session-Sender Sequence Number
        0xe8, 0xb2, 0xf3, 0x80, 0x80, 0x00, 0x00, 0x00,  // Session-Sender Timestamp
        0x96, 0x01,  // Session-Sender Error Estimate
        0x00, 0x00,  // MBZ
        0xfd,  // Ses-Sender TTL
        0x00, 0x00, 0x00,  // MBZ
    ]

    private func refusal(ofQuestion octets: [UInt8]) -> STAMPRefusal? {
        do throws(STAMPRefusal) {
            _ = try STAMPQuestion(octets[...])
            return nil
        } catch {
            return error
        }
    }

    private func refusal(ofAnswer octets: [UInt8]) -> STAMPRefusal? {
        do throws(STAMPRefusal) {
            _ = try STAMPAnswer(octets[...])
            return nil
        } catch {
            return error
        }
    }

    @Test func readsAndWritesAQuestion() throws {
        let question = try STAMPQuestion(Self.question[...])
        #expect(question.sequence == 7 && question.sessionID == 0x1234)
        #expect(question.errorEstimate.isSynchronised && question.errorEstimate.format == .ntp)
        #expect(question.errorEstimate == STAMPErrorEstimate(isSynchronised: true))
        // 2023-09-18T16:04:16.5Z
        #expect(question.timestamp == STAMPTimestamp(wallNanoseconds: 1_695_053_056_500_000_000))
        #expect(question.octets == Self.question)
        let longer = Self.question + [1, 2, 3]
        #expect(try STAMPQuestion(longer[...]).octets == longer)
    }

    @Test func readsAndWritesAnAnswer() throws {
        let answer = try STAMPAnswer(Self.answer[...])
        #expect(answer.sequence == 5 && answer.senderSequence == 7 && answer.sessionID == 0x1234)
        #expect(answer.senderTTL == 253)
        #expect(!answer.errorEstimate.isSynchronised && answer.errorEstimate.format == .ptp)
        #expect(answer.timestamp.nanoseconds(since: answer.receiveTimestamp, as: .ptp) == 1_000_001)
        #expect(answer.octets == Self.answer)
        let short = try STAMPAnswer(Self.answer.prefix(41))
        #expect(short == answer, "as a reflector of TWAMP Light may leave it")
    }

    @Test(arguments: [0, 1, 60, 1_400])
    func anAnswerIsAsLongAsItsQuestion(padding: Int) throws {
        let octets = Self.question + (0..<padding).map { UInt8(truncatingIfNeeded: $0) }
        let question = try STAMPQuestion(octets[...])
        let answer = STAMPAnswer(
            to: question,
            sequence: 1,
            received: STAMPTimestamp(rawValue: 1),
            ttl: 255,
            sent: STAMPTimestamp(rawValue: 2),
            errorEstimate: STAMPErrorEstimate(isSynchronised: false)
        )
        #expect(answer.octets.count == octets.count)
        #expect(answer.octets.dropFirst(44) == octets.dropFirst(44), "what is not understood goes back as it came")
        #expect(try STAMPAnswer(answer.octets[...]) == answer)
    }

    @Test func refusesWhatIsNone() {
        for count in 0..<44 { #expect(refusal(ofQuestion: Array(Self.question.prefix(count))) == .truncated) }
        for count in 0..<41 { #expect(refusal(ofAnswer: Array(Self.answer.prefix(count))) == .truncated) }
        let long = Array(repeating: UInt8(0), count: 9_001)
        #expect(refusal(ofQuestion: long) == .oversized && refusal(ofAnswer: long) == .oversized)
        var answer = Self.answer
        answer.replaceSubrange(20..<24, with: [0x3b, 0x9a, 0xca, 0x00])
        #expect(refusal(ofAnswer: answer) == .timestamp, "a second has no more nanoseconds")
    }

    @Test func timesComeOutAsTheyWentIn() {
        for wall in [Int64(0), 1, 999_999_999, 1_795_000_000_123_456_789, 4_085_978_495_999_999_999] {
            let ntp = STAMPTimestamp(wallNanoseconds: wall)
            #expect(abs(ntp.wallNanoseconds(as: .ntp, near: wall + 3_000_000_000) - wall) <= 1)
            let ptp = STAMPTimestamp(rawValue: UInt64(wall / 1_000_000_000) << 32 | UInt64(wall % 1_000_000_000))
            #expect(ptp.wallNanoseconds(as: .ptp, near: wall - 5_000_000_000) == wall)
        }
        // 2036-02-07T06:28:16Z, where NTP's seconds begin again.
        let before = STAMPTimestamp(rawValue: 0xffff_ffff_8000_0000)
        let after = STAMPTimestamp(rawValue: 0x0000_0000_8000_0000)
        #expect(after.nanoseconds(since: before, as: .ntp) == 1_000_000_000)
        #expect(before.nanoseconds(since: after, as: .ntp) == -1_000_000_000)
    }
}
