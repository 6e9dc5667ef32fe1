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
        /// It leads to more than the firewall is told of for it.
        var leadsBeyond = false
    }

    /// Addresses whose being held nobody has confirmed yet, and the answers that wait for it.
    private struct Telling {
        let addresses: [Address]
        let told: Instant
        /// None where they have left without the word: it is of use to those that come after them.
        var answers: [Leaving]
        /// Until when the answers wait.
        var patienceEnds: Instant

        var memoryEnds: Instant { told + Learning.memory }
        var deadline: Instant { answers.isEmpty ? memoryEnds : patienceEnds }

        /// Whether what was told suffices for these, which are the same addresses: a TTL that counts down asks for less.
        func covers(_ others: [Address], now: Instant) -> Bool {
            zip(addresses, others).allSatisfy { told, wanted in
                self.told + .seconds(Int64(told.lifetime)) >= now + .seconds(Int64(wanted.lifetime / 2))
            }
        }
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
    /// How long a word may take: more than what waits to be told takes at the pace that the agent hears it.
    static let memory = Duration.seconds(15)
    /// How long what the firewall does not hold is not told again.
    static let refusalMemory = Duration.seconds(3)
    /// Addresses of one answer that are told of; what is beyond is told with its next answer.
    static let addressLimit = 128
    /// In seconds; for whoever keeps an answer for longer, nothing is held.
    private static let longestTTL = NameSetLifetime.bounds.upperBound / 2
    private static let heldLimit = 8192
    private static let tellingLimit = 256
    private static let answerLimit = 1024

    private var held: [Key: Instant] = [:]
    /// Until when the firewall's refusal is remembered.
    private var refused: [Key: Instant] = [:]
    private var tellings: [UInt64: Telling] = [:]
    /// The last telling of the same addresses.
    private var serials: [[Key]: UInt64] = [:]
    private var answerCount = 0
    private var lastSerial: UInt64 = 0

    /// When ``expire(now:)`` has something to do next.
    var nextDeadline: Instant? { tellings.values.lazy.map(\.deadline).min() }

    /// Whether an address is held for at least a TTL, in seconds.
    func holds(_ key: Key, for ttl: UInt32, now: Instant) -> Bool {
        guard let until = held[key] else { return false }
        return until >= now + .seconds(Int64(min(ttl, Self.longestTTL)))
    }

    /// Whether the firewall has refused an address a moment ago.
    func isRefused(_ key: Key, now: Instant) -> Bool { refused[key].map { $0 > now } ?? false }

    /// How long an address of a TTL is to be held, in seconds.
    static func lifetime(of ttl: UInt32) -> UInt32 {
        max(2 * min(ttl, longestTTL), NameSetLifetime.bounds.lowerBound)
    }

    /// Lets an answer wait for addresses, of which there is at least one.
    mutating func wait(_ answer: Leaving, for addresses: [Address], now: Instant) -> Wait {
        guard answerCount < Self.answerLimit else { return .full }
        let keys = addresses.map(\.key)
        if let serial = serials[keys], var telling = tellings[serial], telling.covers(addresses, now: now) {
            // It leaves with those that are there already, and so waits for less.
            if telling.answers.isEmpty { telling.patienceEnds = now + Self.patience }
            telling.answers.append(answer)
            tellings[serial] = telling
            answerCount += 1
            return .joined
        }
        if tellings.count >= Self.tellingLimit { forgetOldest() }
        guard tellings.count < Self.tellingLimit else { return .full }
        lastSerial += 1
        serials[keys] = lastSerial
        tellings[lastSerial] = Telling(
            addresses: addresses,
            told: now,
            answers: [answer],
            patienceEnds: now + Self.patience
        )
        answerCount += 1
        return .tell(lastSerial)
    }

    /// Takes the word of what became of a telling, late as it may be: all is held but what stands at these places. A telling
    /// that was forgotten is nobody's any more.
    /// - Returns: the answers that waited for it.
    mutating func heard(_ serial: UInt64, except places: Set<Int>, now: Instant) -> [Leaving] {
        guard let telling = tellings[serial] else { return [] }
        for (place, address) in telling.addresses.enumerated() {
            guard !places.contains(place) else {
                Self.note(address.key, until: now + Self.refusalMemory, in: &refused, now: now)
                continue
            }
            refused[address.key] = nil
            Self.note(address.key, until: telling.told + .seconds(Int64(address.lifetime)), in: &held, now: now)
        }
        let answers = takeAnswers(of: serial)
        remove(serial)
        return answers
    }

    private static func note(_ key: Key, until end: Instant, in list: inout [Key: Instant], now: Instant) {
        if list.count >= heldLimit { list = list.filter { $0.value > now } }
        // To be told of anew costs little.
        if list.count >= heldLimit { list = [:] }
        list[key] = end
    }

    /// Takes the answers that have waited for long enough, and forgets the tellings that no word comes for.
    mutating func expire(now: Instant) -> [Leaving] {
        var late: [Leaving] = []
        for (serial, telling) in tellings.filter({ $0.value.deadline <= now }).sorted(by: { $0.key < $1.key }) {
            late += takeAnswers(of: serial)
            if telling.memoryEnds <= now { remove(serial) }
        }
        return late
    }

    /// Takes all answers that wait.
    mutating func takeAnswers() -> [Leaving] { tellings.keys.sorted().flatMap { takeAnswers(of: $0) } }

    private mutating func takeAnswers(of serial: UInt64) -> [Leaving] {
        guard let answers = tellings[serial]?.answers else { return [] }
        tellings[serial]?.answers = []
        answerCount -= answers.count
        return answers
    }

    /// Forgets the oldest telling that no answer waits for.
    private mutating func forgetOldest() {
        if let serial = tellings.filter({ $0.value.answers.isEmpty }).keys.min() { remove(serial) }
    }

    /// Forgets a telling, whose answers were taken.
    private mutating func remove(_ serial: UInt64) {
        guard let keys = tellings.removeValue(forKey: serial)?.addresses.map(\.key) else { return }
        if serials[keys] == serial { serials[keys] = nil }
    }

    /// Forgets what is held: nobody knows any more.
    mutating func forgetHeld() { (held, refused) = ([:], [:]) }

    /// Forgets all but the answers, which were taken: there are other sets now.
    mutating func forget() {
        forgetHeld()
        (tellings, serials) = ([:], [:])
    }
}
