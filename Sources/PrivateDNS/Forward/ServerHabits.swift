// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO

/// What servers have shown of how they answer, by the way they were asked: whether they repeat a name letter by letter,
/// and which cookie they gave.
struct ServerHabits {
    private struct Habit {
        /// How many answers in a row came back in another case.
        var losses = 0
        var foldsUntil: Instant?
        /// 8 to 32 octets; empty where it has given none.
        var cookie: [UInt8] = []
    }

    /// How many answers in a row must come back in another case before a server is taken to keep none: one alone may be
    /// forged.
    static let lossLimit = 3
    /// How long that is believed.
    static let foldingTime = Duration.seconds(3600)
    /// More than a site has; the file names each of them.
    private static let limit = 1024

    private let secret: SipHash.Key
    private var habits: [ServerHealth.Key: Habit] = [:]

    init(secret: SipHash.Key = .drawn()) { self.secret = secret }

    /// Our cookie for a server. It is another one by each interface: by one of two addresses nobody recognises the other
    /// (RFC 7873 section 4.1).
    func clientCookie(_ key: ServerHealth.Key) -> UInt64 {
        var hash = SipHash(secret)
        switch key.server.address {
        case .v4(let address):
            hash.add(UInt64(address.bits))
        case .v6(let address):
            hash.add(UInt64(truncatingIfNeeded: address.bits >> 64))
            hash.add(UInt64(truncatingIfNeeded: address.bits))
        }
        hash.add(UInt64(key.server.port))
        for octet in key.interface?.text.utf8 ?? "".utf8 { hash.add(UInt64(octet)) }
        return hash.hash()
    }

    /// The cookie that a server gave last; empty where there is none.
    func serverCookie(_ key: ServerHealth.Key) -> [UInt8] { habits[key]?.cookie ?? [] }

    /// Whether a server keeps the case of a name's letters, as far as one knows.
    func keepsLetters(_ key: ServerHealth.Key, now: Instant) -> Bool {
        habits[key]?.foldsUntil.map { $0 <= now } ?? true
    }

    /// Takes that a name came back as it went out, or in another case.
    mutating func repeated(_ key: ServerHealth.Key, letterByLetter isKept: Bool, now: Instant) {
        guard !isKept || habits[key] != nil else { return }
        change(key) { habit in
            habit.losses = isKept ? 0 : habit.losses + 1
            guard habit.losses >= Self.lossLimit else { return }
            habit.losses = 0
            habit.foldsUntil = now + Self.foldingTime
        }
    }

    /// Takes the cookie that a server gave; empty where it gave none though it could have.
    mutating func gave(_ key: ServerHealth.Key, cookie: [UInt8]) {
        guard cookie != serverCookie(key) else { return }
        change(key) { $0.cookie = cookie }
    }

    private mutating func change(_ key: ServerHealth.Key, _ change: (inout Habit) -> Void) {
        guard habits[key] != nil || habits.count < Self.limit else { return }
        change(&habits[key, default: Habit()])
    }

    /// Forgets what was learned of servers that nobody asks any more.
    mutating func keep(_ wanted: Set<ServerHealth.Key>) {
        habits = habits.filter { wanted.contains($0.key) }
    }
}
