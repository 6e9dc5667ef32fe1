// SPDX-License-Identifier: Apache-2.0

import ProcessLink
import Testing

struct MessageFramesTests {
    private func stream(_ messages: [[UInt8]]) -> [UInt8] {
        messages.flatMap { MessageFrames.header(of: $0) + $0 }
    }

    @Test(arguments: [1, 2, 3, 5, 7, 64, 10_000])
    func cutsTheSameHoweverItComes(piece: Int) throws {
        let messages = (0..<100).map { length in [UInt8](repeating: UInt8(length), count: length) }
        let octets = stream(messages)
        var frames = MessageFrames(limit: 100)
        var taken: [[UInt8]] = []
        for start in stride(from: 0, to: octets.count, by: piece) {
            frames.append(Array(octets[start..<min(start + piece, octets.count)]))
            while frames.isReady {
                let message = try frames.next()
                taken.append(Array(try #require(message)))
            }
            let early = try frames.next()
            #expect(early == nil)
        }
        #expect(taken == messages)
        #expect(frames.received == UInt64(octets.count))
        #expect(frames.delivered == frames.received)
    }

    @Test func knowsWhereEachMessageEnds() throws {
        var frames = MessageFrames(limit: 100)
        frames.append(stream([[1], [2, 3]]) + [0, 0])
        #expect(try frames.next() == [1])
        #expect(frames.delivered == 5)
        #expect(try frames.next() == [2, 3])
        #expect(frames.delivered == 11)
        #expect(frames.received == 13)
    }

    @Test func refusesALengthBeyondTheLimitBeforeItsOctetsCome() {
        var frames = MessageFrames(limit: 100)
        frames.append([0, 0, 0, 101])
        #expect(frames.isReady)
        #expect(throws: MessageFrames.TooLong.self) { try frames.next() }
    }

    @Test func takesTheLongestMessage() throws {
        let longest = [UInt8](repeating: 7, count: 100)
        var frames = MessageFrames(limit: 100)
        frames.append(stream([longest]))
        let message = try frames.next()
        #expect(message.map(Array.init) == longest)
    }
}
