// SPDX-License-Identifier: Apache-2.0
// Fuzzes how a stream falls into messages.

@testable import PrivateDNS

/// The first octet seeds where the stream is cut into pieces; whatever the pieces are, the messages are the same.
@c(LLVMFuzzerTestOneInput)
public func fuzzFrames(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    guard let seed = input.first else { return 0 }
    let stream = input.dropFirst()
    var frames = MessageFrames()
    var taken: [[UInt8]] = []
    var rest = stream
    var step = UInt32(seed) &+ 1
    while !rest.isEmpty {
        step = step &* 1_664_525 &+ 1_013_904_223
        let piece = rest.prefix(Int(step >> 24) % 37 + 1)
        rest = rest.dropFirst(piece.count)
        frames.append(piece)
        // A client that may not ask now is left for later.
        guard step & 0x10_0000 == 0 || rest.isEmpty else { continue }
        while let range = frames.next() { taken.append(Array(frames.octets[range])) }
    }
    precondition(taken == messages(Array(stream)))
    return 0
}

/// The messages of a stream that is there as a whole.
private func messages(_ stream: [UInt8]) -> [[UInt8]] {
    var messages: [[UInt8]] = []
    var offset = 0
    while offset + 2 <= stream.count {
        let end = offset + 2 + Int(stream[offset]) * 256 + Int(stream[offset + 1])
        guard end <= stream.count else { break }
        messages.append(Array(stream[offset + 2..<end]))
        offset = end
    }
    return messages
}
