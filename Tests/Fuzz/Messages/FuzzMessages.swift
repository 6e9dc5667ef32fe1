// SPDX-License-Identifier: Apache-2.0
// Fuzzes what a peer on the private socket can send: framing, and the messages of both directions.

import FoundationEssentials
import ProcessLink

/// The first octet says in what pieces the rest arrives.
@c(LLVMFuzzerTestOneInput)
public func fuzzMessages(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    guard let piece = input.first else { return 0 }
    decode(Array(input.dropFirst()))
    cut(Array(input.dropFirst()), in: Int(piece) + 1)
    return 0
}

/// A whole message, as if its frame were right: most inputs would never get so far otherwise.
private func decode(_ body: [UInt8]) {
    if let message = try? JSONDecoder().decode(MessageToAgent.self, from: Data(body)) {
        // What was understood can be said again.
        precondition((try? JSONEncoder().encode(message)) != nil)
    }
    if let message = try? JSONDecoder().decode(MessageFromAgent.self, from: Data(body)) {
        precondition((try? JSONEncoder().encode(message)) != nil)
    }
}

private func cut(_ octets: [UInt8], in piece: Int) {
    let limit = 1 << 10
    var frames = MessageFrames(limit: limit)
    var taken = 0
    for start in stride(from: 0, to: octets.count, by: piece) {
        frames.append(Array(octets[start..<min(start + piece, octets.count)]))
        do {
            while frames.isReady, let message = try frames.next() {
                precondition(message.count <= limit)
                taken += 4 + message.count
                precondition(frames.delivered == UInt64(taken) && frames.delivered <= frames.received)
                decode(Array(message))
            }
            let early = try frames.next()
            precondition(early == nil, "nothing is there that was not said to be")
        } catch {
            precondition(error.length > limit)
            return
        }
    }
}
