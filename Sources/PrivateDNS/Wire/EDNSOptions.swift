// SPDX-License-Identifier: Apache-2.0

/// What a client says in the options of its OPT record that we act on; others are passed over (RFC 6891 section 6.1.2).
struct EDNSOptions: Sendable {
    static let cookie: UInt16 = 10
    static let keepalive: UInt16 = 11
    static let padding: UInt16 = 12

    /// The first COOKIE option; any more count for nothing (RFC 7873 section 5.2).
    private(set) var cookie: ClientCookie?
    /// Whether it asks how long its connection may be idle (RFC 7828 section 3.2.1). Over UDP that means nothing.
    private(set) var asksForKeepalive = false

    /// Whether it has a Padding option (RFC 7830 section 4).
    private(set) var isPadded = false

    /// Reads the options, which must fill the RDATA.
    init(_ message: Span<UInt8>, _ data: Range<Int>) throws(FormatError) {
        var offset = data.lowerBound
        while offset < data.upperBound {
            guard offset + 4 <= data.upperBound else { throw .malformedOPT }
            let length = Int(message.uint16(at: offset + 2))
            let end = offset + 4 + length
            guard end <= data.upperBound else { throw .malformedOPT }
            switch message.uint16(at: offset) {
            case Self.cookie where cookie == nil: cookie = try Self.cookie(message, offset + 4..<end)
            case Self.keepalive: asksForKeepalive = true
            case Self.padding: isPadded = true
            default: break
            }
            offset = end
        }
    }

    /// The client's part alone, or with 8 to 32 octets of a server's (RFC 7873 section 4).
    private static func cookie(_ message: Span<UInt8>, _ data: Range<Int>) throws(FormatError) -> ClientCookie {
        guard data.count == 8 || (16...40).contains(data.count) else { throw .malformedCookie }
        let server: ServerCookie?
        if data.count == 8 + ServerCookie.size {
            server = ServerCookie(
                head: message.uint64(at: data.lowerBound + 8),
                hash: message.uint64(at: data.lowerBound + 16)
            )
        } else {
            server = nil
        }
        return ClientCookie(
            client: message.uint64(at: data.lowerBound),
            hasServerPart: data.count > 8,
            server: server
        )
    }
}
