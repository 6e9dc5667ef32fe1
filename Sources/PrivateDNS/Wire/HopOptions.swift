// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO

/// The EDNS options of an answer that are for one client and one connection, and part of no answer that is kept
/// (RFC 6891 section 6.2.6). They stand before all others, and no limit crowds them out.
struct HopOptions: Sendable {
    /// Room for both: a cookie of 4, 8 and 16 octets, and a timeout of 4 and 2.
    private var octets = [34 of UInt8](repeating: 0)
    /// Octets in use.
    private(set) var count = 0
    /// Whether the answer is made longer, so that its length tells little of it (RFC 7830 section 4).
    var isPadded = false

    /// Adds the client's cookie and the server's (RFC 7873 section 5.2).
    mutating func add(_ client: UInt64, _ server: ServerCookie) {
        var room = octets.mutableSpan
        room.put(EDNSOptions.cookie, at: count)
        room.put(UInt16(8 + ServerCookie.size), at: count + 2)
        room.put(client, at: count + 4)
        room.put(server.head, at: count + 12)
        room.put(server.hash, at: count + 20)
        count += 28
    }

    /// Adds how long a connection may be idle, in units of 100 ms (RFC 7828 section 3.1).
    mutating func add(keepalive: Duration) {
        var room = octets.mutableSpan
        room.put(EDNSOptions.keepalive, at: count)
        room.put(2 as UInt16, at: count + 2)
        room.put(UInt16(clamping: keepalive.nanoseconds / 100_000_000), at: count + 4)
        count += 6
    }

    /// Writes them at an offset.
    func write(into room: inout MutableSpan<UInt8>, at offset: Int) {
        room.copy(octets.span.extracting(first: count), at: offset)
    }
}
