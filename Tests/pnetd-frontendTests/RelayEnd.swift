// SPDX-License-Identifier: Apache-2.0

import NameRelay
import SystemIO
import Testing

/// The resolver's end of a socket to the frontend.
final class RelayEnd {
    private let socket: FileDescriptor
    private let loop: EventLoop
    private var frames = RelayFrames()

    init(_ socket: consuming FileDescriptor, _ loop: EventLoop) {
        self.socket = socket
        self.loop = loop
    }

    func send(_ octets: [UInt8]) throws { #expect(try socket.write(octets.span) == octets.count) }

    func send(_ message: RelayMessage) throws { try send(message.frame) }

    /// What the frontend says next; nil where it hangs up.
    func next() throws -> RelayMessage? {
        var message: RelayMessage?
        try loop.turnUntil("the frontend says something") {
            while true {
                message = try frames.next()
                if message != nil { return true }
                guard let octets = try socket.read(upTo: 1 << 16) else { return false }
                if octets.isEmpty { return true }
                frames.append(octets)
            }
        }
        return message
    }
}
