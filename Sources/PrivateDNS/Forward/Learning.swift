// SPDX-License-Identifier: Apache-2.0
// Answers that wait until the firewall holds the addresses that they lead to, and what it holds by now.

import NetworkTypes

/// What was told of the addresses of names in sets, and who waits for the word that they are held.
///
/// The firewall is told for twice an answer's TTL: an answer that is given again and again, with the same TTL each time as
/// a record of the file is, would else be told of anew every second.
struct Learning {
    /// An address in sets.
    struct Key: Hashable {
        let sets: NameSetMask
        let address: IPAddress
    }

    /// An address, and for how many seconds it is to be held.
    struct Address: Hashable {
        let key: Key
        let lifetime: UInt32
    }

    /// An answer that is about to leave.
    struct Leaving {
        let waiter: Waiter
        let code: ResponseCode
        let message: [UInt8]
    }

    /// Addresses whose being held nobody has confirmed yet, and the answers that wait for it.
    private struct Telling {
        let addresses: [Address]
        let told: Instant
        var answers: [Leaving]

        var deadline: Instant { told + Learning.patience }
    }

    /// What becomes of an answer.
    enum Wait {
        /// The firewall is to be told, under this serial.
        case tell(UInt64)
        /// It was told of the same.
        case joined
        /// Too much waits already.
        case full
    }

    /// How long an answer waits.
    static let patience = Duration.milliseconds(100)
    /// Addresses of one answer that are told of; what is beyond is told with its next answer.
    static let addressLimit = 128
    /// In seconds; for whoever keeps an answer for longer, nothing is held.
    private static let longestTTL = NameSetLifetime.bounds.upperBound / 2
    private static let heldLimit = 8192
    private static let tellingLimit = 256
    private static let answerLimit = 1024

    private var held: [Key: Instant] = [:]
    private var tellings: [UInt64: Telling] = [:]
    private var serials: [[Address]: UInt64] = [:]
    private var answerCount = 0
    private var lastSerial: UInt64 = 0

    /// When ``expire(now:)`` has something to do next.
    var nextDeadline: Instant? { tellings.values.lazy.map(\.deadline).min() }

    /// Whether an address is held for at least a TTL, in seconds.
    func holds(_ key: Key, for ttl: UInt32, now: Instant) -> Bool {
        guard let until = held[key] else { return false }
        return until >= now + .seconds(Int64(min(ttl, Self.longestTTL)))
    }

    /// How long an address of a TTL is to be held, in seconds.
    static func lifetime(of ttl: UInt32) -> UInt32 {
        max(2 * min(ttl, longestTTL), NameSetLifetime.bounds.lowerBound)
    }

    /// Lets an answer wait for addresses, of which there is at least one.
    mutating func wait(_ answer: Leaving, for addresses: [Address], now: Instant) -> Wait {
        guard answerCount < Self.answerLimit else { return .full }
        if let serial = serials[addresses] {
            // It is taken out with the one that was told of, and so waits for less.
            tellings[serial]?.answers.append(answer)
            answerCount += 1
            return .joined
        }
        guard tellings.count < Self.tellingLimit else { return .full }
        lastSerial += 1
        serials[addresses] = lastSerial
        tellings[lastSerial] = Telling(addresses: addresses, told: now, answers: [answer])
        answerCount += 1
        return .tell(lastSerial)
    }

    /// Takes the word of what became of a telling; one that is over is nobody's any more.
    /// - Returns: the answers that waited for it.
    mutating func heard(_ serial: UInt64, isHeld: Bool, now: Instant) -> [Leaving] {
        guard let telling = remove(serial) else { return [] }
        if isHeld { for address in telling.addresses { note(address, told: telling.told, now: now) } }
        return telling.answers
    }

    private mutating func note(_ address: Address, told: Instant, now: Instant) {
        if held.count >= Self.heldLimit { held = held.filter { $0.value > now } }
        // To be told of anew costs little.
        if held.count >= Self.heldLimit { held = [:] }
        held[address.key] = told + .seconds(Int64(address.lifetime))
    }

    /// Takes the answers that have waited for long enough.
    mutating func expire(now: Instant) -> [Leaving] {
        tellings.filter { $0.value.deadline <= now }.keys.sorted().flatMap { remove($0)?.answers ?? [] }
    }

    /// Takes all answers that wait.
    mutating func takeAll() -> [Leaving] { tellings.keys.sorted().flatMap { remove($0)?.answers ?? [] } }

    private mutating func remove(_ serial: UInt64) -> Telling? {
        guard let telling = tellings.removeValue(forKey: serial) else { return nil }
        serials[telling.addresses] = nil
        answerCount -= telling.answers.count
        return telling
    }

    /// Forgets what is held: nobody knows any more.
    mutating func forget() { held = [:] }
}
