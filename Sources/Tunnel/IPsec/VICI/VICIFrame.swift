// SPDX-License-Identifier: Apache-2.0

import CLinux
import SystemIO

/// A packet as it is sent. Its octets may hold a secret, so nobody else gets them, and they are cleared when it goes.
final class VICIFrame {
    private var octets: [UInt8]
    private var sent = 0

    init(_ packet: VICIPacket) throws(VICIEncodingError) {
        octets = try packet.segment()
    }

    deinit {
        unsafe octets.withUnsafeMutableBytes { buffer in
            guard let start = buffer.baseAddress else { return }
            unsafe explicit_bzero(start, buffer.count)
        }
    }

    var isSent: Bool { sent == octets.count }

    /// Writes what goes without blocking.
    func write(to socket: borrowing FileDescriptor) throws(SystemError) {
        let octets = self.octets
        while !isSent {
            let count = try socket.write(octets.span.extracting(sent...))
            guard count > 0 else { return }
            sent += count
        }
    }
}
