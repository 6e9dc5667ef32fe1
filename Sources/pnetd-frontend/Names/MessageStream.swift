// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// What came on a stream, cut into DNS messages: each stands behind its length in two octets (RFC 1035 section 4.2.2).
struct MessageStream {
    private var octets = ByteBuffer()

    /// Adds what came.
    mutating func append(_ more: inout ByteBuffer) {
        octets.discardReadBytes()
        octets.writeBuffer(&more)
    }

    /// Takes the next message, if all of it is there.
    mutating func next() -> [UInt8]? {
        octets.readLengthPrefixedSlice(as: UInt16.self).map { Array($0.readableBytesView) }
    }

    /// A message as it goes out: with its length in one piece (RFC 7766 section 8).
    static func frame(_ message: [UInt8], _ allocator: ByteBufferAllocator) -> ByteBuffer {
        var frame = allocator.buffer(capacity: 2 + message.count)
        frame.writeInteger(UInt16(message.count))
        frame.writeBytes(message)
        return frame
    }
}
