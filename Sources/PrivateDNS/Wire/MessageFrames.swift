// SPDX-License-Identifier: Apache-2.0

import SystemIO

/// What came on a stream, cut into messages: each stands behind its length in two octets (RFC 1035 section 4.2.2).
struct MessageFrames {
    /// What is kept, and what was taken since the last ``append(_:)``.
    private(set) var octets: [UInt8] = []
    /// Where the next frame begins.
    private var start = 0

    /// Adds what came. What was taken goes, all at once.
    mutating func append(_ more: ArraySlice<UInt8>) {
        if start > 0 { octets.removeFirst(start) }
        start = 0
        octets += more
    }

    /// Takes the next message, if all of it is there.
    /// - Returns: where it lies in ``octets``.
    mutating func next() -> Range<Int>? {
        guard octets.count - start >= 2 else { return nil }
        let end = start + 2 + Int(octets.span.uint16(at: start))
        guard octets.count >= end else { return nil }
        defer { start = end }
        return start + 2..<end
    }
}
