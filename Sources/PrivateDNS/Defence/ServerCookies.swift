// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// What a client says in a COOKIE option (RFC 7873 section 4).
struct ClientCookie: Hashable, Sendable {
    /// Its own part, eight octets.
    let client: UInt64
    /// Whether a server's part follows.
    let hasServerPart: Bool
    /// That part, where it has the size of ours.
    let server: ServerCookie?
}

/// The server's part of a cookie as RFC 9018 section 4 has it: 16 octets.
struct ServerCookie: Hashable, Sendable {
    /// The version, which is 1, three reserved octets and the time in seconds.
    let head: UInt64
    /// The keyed hash of the client's part, of the head and of the client's address, octets in SipHash's order.
    let hash: UInt64

    static let size = 16
    private static let version: UInt64 = 1 << 56

    init(head: UInt64, hash: UInt64) { (self.head, self.hash) = (head, hash) }

    /// Makes the cookie that a client gets at a time, in seconds since 1970 modulo 2 to the power of 32.
    init(for client: UInt64, at address: IPAddress, time: UInt32, by key: SipHash.Key) {
        self.init(for: client, at: address, head: Self.version | UInt64(time), by: key)
    }

    private init(for client: UInt64, at address: IPAddress, head: UInt64, by key: SipHash.Key) {
        var hash = SipHash(key)
        hash.add(client.byteSwapped)
        hash.add(head.byteSwapped)
        self.head = head
        switch address {
        case .v4(let address):
            self.hash = hash.hash(rest: UInt64(address.bits.byteSwapped), count: 4).byteSwapped
        case .v6(let address):
            hash.add(UInt64(truncatingIfNeeded: address.bits >> 64).byteSwapped)
            hash.add(UInt64(truncatingIfNeeded: address.bits).byteSwapped)
            self.hash = hash.hash().byteSwapped
        }
    }

    var time: UInt32 { UInt32(truncatingIfNeeded: head) }

    /// Whether it is the one that the client got by this key. The reserved octets are hashed as they came (section 4.2).
    func isMade(for client: UInt64, at address: IPAddress, by key: SipHash.Key) -> Bool {
        head >> 56 == 1 && Self(for: client, at: address, head: head, by: key).hash == hash
    }
}

/// Makes and checks server cookies: who shows a good one gets what is sent to its address.
///
/// Each day has a key of its own, which follows from the secret: all workers change it at once, and a cookie says by its
/// time which key it was made with.
struct ServerCookies: Sendable {
    /// RFC 9018 section 4.3: good for an hour, and for five minutes if another server's clock is ahead.
    static let lifetime: Int32 = 3600
    static let clockSkew: Int32 = 300
    static let renewal: Int32 = 1800

    private let secret: SipHash.Key
    /// Seconds since 1970 at the beginning of the monotonic clock.
    private let epoch: Int64

    /// - Parameter wallSeconds: seconds since 1970 at the instant.
    init(secret: SipHash.Key = .drawn(), wallSeconds: Int64 = 0, at now: Instant = Instant(nanoseconds: 0)) {
        self.secret = secret
        epoch = wallSeconds - now.nanoseconds / 1_000_000_000
    }

    func time(_ now: Instant) -> UInt32 {
        UInt32(truncatingIfNeeded: epoch + now.nanoseconds / 1_000_000_000)
    }

    private func key(_ time: UInt32) -> SipHash.Key {
        var hash = SipHash(secret)
        hash.add(UInt64(time / 86_400))
        return SipHash.Key(low: hash.hash(rest: 0, count: 1), high: hash.hash(rest: 1, count: 1))
    }

    /// The cookie that a client gets now.
    func cookie(for client: UInt64, at address: IPAddress, now: Instant) -> ServerCookie {
        let time = time(now)
        return ServerCookie(for: client, at: address, time: time, by: key(time))
    }

    /// Whether a client shows what it was given not long ago.
    func accepts(_ cookie: ClientCookie, at address: IPAddress, now: Instant) -> Bool {
        guard let server = cookie.server else { return false }
        // Serial number arithmetic (RFC 1982).
        let age = Int32(bitPattern: time(now) &- server.time)
        guard age <= Self.lifetime, age >= -Self.clockSkew else { return false }
        return server.isMade(for: cookie.client, at: address, by: key(server.time))
    }

    /// The cookie that a client shows next: the one that was accepted, unless it is growing old.
    func renewed(_ cookie: ClientCookie, at address: IPAddress, now: Instant) -> ServerCookie {
        if let server = cookie.server, Int32(bitPattern: time(now) &- server.time) < Self.renewal { return server }
        return self.cookie(for: cookie.client, at: address, now: now)
    }
}
