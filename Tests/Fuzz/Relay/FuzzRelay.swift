// SPDX-License-Identifier: Apache-2.0
// Fuzzes what resolver and frontend can send each other.

import NameRelay

/// The first octet says in what pieces the rest arrives.
@c(LLVMFuzzerTestOneInput)
public func fuzzRelay(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    guard let piece = input.first else { return 0 }
    let octets = input.dropFirst()
    var frames = RelayFrames()
    var taken = 0
    for start in stride(from: octets.startIndex, to: octets.endIndex, by: Int(piece) + 1) {
        frames.append(octets[start..<min(start + Int(piece) + 1, octets.endIndex)])
        do {
            while let message = try frames.next() {
                // There is one way to say a thing.
                let frame = message.frame
                precondition(octets.dropFirst(taken).starts(with: frame))
                taken += frame.count
            }
        } catch {
            return 0
        }
    }
    return 0
}
