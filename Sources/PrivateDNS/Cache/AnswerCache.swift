// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO

/// The variants of a question that have answers of their own: DO and CD (RFC 4035 section 3.2).
struct QuestionVariant: OptionSet, Hashable, Sendable {
    let rawValue: UInt8
    static let wantsDNSSEC = QuestionVariant(rawValue: 1)
    static let checkingDisabled = QuestionVariant(rawValue: 2)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    init(_ scan: QueryHead) {
        var variant: QuestionVariant = []
        if scan.edns?.wantsDNSSEC == true { variant.insert(.wantsDNSSEC) }
        if scan.flags & HeaderFlags.checkingDisabled != 0 { variant.insert(.checkingDisabled) }
        self = variant
    }
}

/// Answers in wire form within a budget of octets that is taken once.
///
/// One worker owns it, so there is no lock. Octets and slots are rings: what is new overwrites what is oldest.
/// Nothing is allocated after the beginning.
struct AnswerCache: ~Copyable {
    /// What an answer is kept under besides its name.
    struct Key: Hashable {
        let type: RecordType
        let variant: QuestionVariant
        /// See ``ScopeLedger``: an answer of an earlier generation has another scope and is never found.
        let scope: UInt64
        /// The same in all generations: by it ``recall(_:_:now:atMost:)`` finds what is over.
        let lineage: UInt64

        init(type: RecordType, variant: QuestionVariant, of route: ForwardRoute) {
            self.type = type
            self.variant = variant
            scope = route.scope
            lineage = route.lineage
        }
    }

    /// An answer to be kept.
    struct Entry {
        var head: ReplyHead
        var body: [UInt8]
        /// Where TTLs lie in the body.
        var ttlOffsets: [UInt16]
        /// What is said of it besides.
        var remark: AnswerRemark?
        /// Whether it ends in an alias to a name that is not this scope's to answer.
        var leaves = false
        var lifetime: UInt32
        /// When a server said so, if that was not now.
        var learned: Instant?

        var isFailure: Bool { head.code == .servFail }
    }

    struct Slot {
        var hash: UInt64 = 0
        var scope: UInt64 = 0
        var lineage: UInt64 = 0
        var learned = Instant(nanoseconds: 0)
        var stored = Instant(nanoseconds: 0)
        var expires = Instant(nanoseconds: 0)
        /// Name, body and TTL offsets lie behind each other from here.
        var start: UInt32 = 0
        var nameCount: UInt16 = 0
        var bodyCount: UInt16 = 0
        var ttlCount: UInt16 = 0
        var type = RecordType.a
        var variant: QuestionVariant = []
        var head = ReplyHead(code: .noError)
        var remark: AnswerRemark?
        var leaves = false
        var isDead = false
        /// How often it was given, up to 255.
        var uses: UInt8 = 0
        /// Whether its successor is being asked for.
        var isRefreshed = false
        /// The next slot of the same bucket.
        var next: Int32 = -1

        var isFailure: Bool { head.code == .servFail }

        var size: Int { Int(nameCount) + Int(bodyCount) + 2 * Int(ttlCount) }
    }

    /// In nanoseconds: what lives for less is over before its successor could be there.
    private static let shortestRefreshed: Int64 = 5_000_000_000

    private(set) var octets: [UInt8]
    var slots: [Slot]
    private var buckets: [Int32]
    /// The oldest slot and how many follow it, round the ring.
    private(set) var oldest = 0
    private(set) var count = 0
    /// Where the next octets go.
    private var head = 0

    /// Takes the budget, in octets, for all that the cache will ever use.
    init(budget: Int) {
        // An answer of the usual kind has about 100 octets besides its slot.
        let slotCount = max(16, budget / (MemoryLayout<Slot>.stride + 8 + 100))
        var bucketCount = 16
        while bucketCount * 2 <= slotCount { bucketCount *= 2 }
        slots = Array(repeating: Slot(), count: slotCount)
        buckets = Array(repeating: -1, count: bucketCount)
        octets = Array(
            repeating: 0,
            count: max(1024, budget - slotCount * MemoryLayout<Slot>.stride - bucketCount * 4)
        )
    }

    /// Octets that living answers use.
    var bytesInUse: Int {
        guard count > 0 else { return 0 }
        let first = Int(slots[oldest].start)
        return head > first ? head - first : octets.count - first + head
    }

    /// Finds a living answer. The number is good until the next ``insert(_:_:_:now:)``.
    func find(_ name: borrowing LookupName, _ key: Key, now: Instant) -> Int? {
        let hash = Self.mix(name.hash, key)
        var index = buckets[Int(truncatingIfNeeded: hash) & (buckets.count - 1)]
        while index >= 0 {
            let number = Int(index)
            if slots[number].hash == hash, slots[number].expires > now, slots[number].scope == key.scope,
                matches(number, name, key)
            {
                return number
            }
            index = slots[number].next
        }
        return nil
    }

    /// Finds the last answer with records, of whatever generation, that a server gave no longer ago than this many
    /// seconds. The number is good until the next ``insert(_:_:_:now:)``.
    func recall(_ name: borrowing LookupName, _ key: Key, now: Instant, atMost age: UInt32) -> Int? {
        let hash = Self.mix(name.hash, key)
        var index = buckets[Int(truncatingIfNeeded: hash) & (buckets.count - 1)]
        while index >= 0 {
            let number = Int(index)
            if slots[number].hash == hash, !slots[number].isFailure, matches(number, name, key) {
                // There is one: what is new takes the place of what was.
                let isOfUse = slots[number].head.code == .noError && slots[number].head.answers > 0
                return isOfUse && now - slots[number].learned <= .seconds(Int64(age)) ? number : nil
            }
            index = slots[number].next
        }
        return nil
    }

    /// Counts that an answer that was found is given.
    /// - Returns: whether its successor is to be asked for now: it is in use, and in its last fifth.
    mutating func use(_ number: Int, now: Instant) -> Bool {
        if slots[number].uses < .max { slots[number].uses += 1 }
        guard slots[number].uses > 1, !slots[number].isRefreshed, slots[number].remark != .stale else { return false }
        let left = slots[number].expires.nanoseconds - now.nanoseconds
        let whole = slots[number].expires.nanoseconds - slots[number].stored.nanoseconds
        guard whole >= Self.shortestRefreshed, left <= whole / 5 else { return false }
        slots[number].isRefreshed = true
        return true
    }

    /// Takes back that a successor is asked for: there was no room, and somebody may ask again.
    mutating func forgetUse(_ number: Int) { slots[number].isRefreshed = false }

    /// The question that a slot answers, and its scope; nil where what was there is gone.
    func question(of number: Int) -> (question: UpstreamAnswer.Question, scope: UInt64)? {
        guard (number - oldest + slots.count) % slots.count < count else { return nil }
        let slot = slots[number]
        let start = Int(slot.start)
        let name = Array(octets[start..<start + Int(slot.nameCount)])
        return (UpstreamAnswer.Question(name: name, type: slot.type, variant: slot.variant), slot.scope)
    }

    /// How long an answer that was found is kept, in seconds, rounded down.
    func secondsLeft(_ number: Int, now: Instant) -> UInt32 {
        UInt32(clamping: (slots[number].expires - now).nanoseconds / 1_000_000_000)
    }

    /// When a server gave an answer that was found.
    func learned(_ number: Int) -> Instant { slots[number].learned }

    private func matches(_ number: Int, _ name: borrowing LookupName, _ key: Key) -> Bool {
        guard !slots[number].isDead, slots[number].type == key.type, slots[number].variant == key.variant,
            slots[number].lineage == key.lineage, Int(slots[number].nameCount) == name.count
        else { return false }
        let start = Int(slots[number].start)
        return name.last(name.labelCount, equals: octets.span.extracting(start..<start + name.count))
    }

    private static func mix(_ hash: UInt64, _ key: Key) -> UInt64 {
        let other = key.lineage << 24 | UInt64(key.type.rawValue) << 8 | UInt64(key.variant.rawValue)
        let mixed = (hash ^ other) &* 0x9e37_79b9_7f4a_7c15
        return mixed ^ mixed >> 32
    }

    /// The head of an answer that was found.
    func head(of number: Int) -> (head: ReplyHead, remark: AnswerRemark?, leaves: Bool) {
        (slots[number].head, slots[number].remark, slots[number].leaves)
    }

    /// The body of an answer that was found, its TTLs as they came.
    @_lifetime(borrow self)
    func body(of number: Int) -> Span<UInt8> {
        let start = Int(slots[number].start) + Int(slots[number].nameCount)
        return octets.span.extracting(start..<start + Int(slots[number].bodyCount))
    }

    /// Lowers the TTLs in a copy of the body, perhaps a cut one, by the time since the answer came.
    func age(_ number: Int, now: Instant, answer: inout MutableSpan<UInt8>, body: Range<Int>) {
        let age = UInt32(clamping: (now.nanoseconds - slots[number].stored.nanoseconds) / 1_000_000_000)
        guard age > 0 else { return }
        let start = Int(slots[number].start) + Int(slots[number].nameCount) + Int(slots[number].bodyCount)
        let offsets = octets.span.extracting(start..<start + 2 * Int(slots[number].ttlCount))
        for index in 0..<Int(slots[number].ttlCount) {
            let offset = body.lowerBound + Int(offsets.uint16(at: 2 * index))
            guard offset + 4 <= body.upperBound else { return }
            // The entry dies with its shortest TTL, so nothing falls below zero.
            let ttl = answer.span.uint32(at: offset)
            answer.put(ttl - min(ttl, age), at: offset)
        }
    }

    /// Keeps an answer, in place of an older one to the same question.
    mutating func insert(_ name: borrowing LookupName, _ key: Key, _ entry: Entry, now: Instant) {
        let size = name.count + entry.body.count + 2 * entry.ttlOffsets.count
        guard entry.lifetime > 0, size <= octets.count / 4, entry.body.count <= Int(UInt16.max) else { return }
        let hash = Self.mix(name.hash, key)
        // A failure says nothing against what was known before.
        if entry.isFailure, find(name, key, now: now) != nil { return }
        kill(hash, name, key, failuresOnly: entry.isFailure)
        let start = makeRoom(size)
        var slot = Slot()
        slot.hash = hash
        slot.scope = key.scope
        slot.lineage = key.lineage
        slot.learned = entry.learned ?? now
        slot.stored = now
        slot.expires = now + .seconds(Int64(entry.lifetime))
        slot.start = UInt32(start)
        slot.nameCount = UInt16(name.count)
        slot.bodyCount = UInt16(entry.body.count)
        slot.ttlCount = UInt16(entry.ttlOffsets.count)
        slot.type = key.type
        slot.variant = key.variant
        slot.head = entry.head
        slot.remark = entry.remark
        slot.leaves = entry.leaves
        var room = octets.mutableSpan
        room.copy(name.wire, at: start)
        room.copy(entry.body.span, at: start + name.count)
        for (index, offset) in entry.ttlOffsets.enumerated() {
            room.put(offset, at: start + name.count + entry.body.count + 2 * index)
        }
        link(slot)
    }

    /// Forgets the failures of a scope: a new path may do better.
    mutating func forgetFailures(inScope scope: UInt64) {
        for offset in 0..<count {
            let number = (oldest + offset) % slots.count
            if slots[number].scope == scope, slots[number].isFailure { slots[number].isDead = true }
        }
    }

    private mutating func link(_ slot: Slot) {
        let number = (oldest + count) % slots.count
        let bucket = Int(truncatingIfNeeded: slot.hash) & (buckets.count - 1)
        slots[number] = slot
        slots[number].next = buckets[bucket]
        buckets[bucket] = Int32(number)
        count += 1
    }

    /// What is said of a name takes the place of what was said of it under any decision.
    private mutating func kill(_ hash: UInt64, _ name: borrowing LookupName, _ key: Key, failuresOnly: Bool) {
        var index = buckets[Int(truncatingIfNeeded: hash) & (buckets.count - 1)]
        while index >= 0 {
            let number = Int(index)
            if slots[number].hash == hash, slots[number].isFailure || !failuresOnly, matches(number, name, key) {
                slots[number].isDead = true
            }
            index = slots[number].next
        }
    }

    /// Frees so many octets in a row, and a slot.
    /// - Returns: where they begin.
    private mutating func makeRoom(_ size: Int) -> Int {
        if count == slots.count { dropOldest() }
        if head + size > octets.count {
            // What lies between here and the end goes first, then the ring begins anew.
            while count > 0, Int(slots[oldest].start) >= head { dropOldest() }
            head = 0
        }
        while count > 0, Int(slots[oldest].start) >= head, Int(slots[oldest].start) < head + size { dropOldest() }
        let start = head
        head += size
        return start
    }

    private mutating func dropOldest() {
        let bucket = Int(truncatingIfNeeded: slots[oldest].hash) & (buckets.count - 1)
        if buckets[bucket] == Int32(oldest) {
            buckets[bucket] = slots[oldest].next
        } else {
            var index = Int(buckets[bucket])
            while index >= 0, slots[index].next != Int32(oldest) { index = Int(slots[index].next) }
            if index >= 0 { slots[index].next = slots[oldest].next }
        }
        oldest = (oldest + 1) % slots.count
        count -= 1
    }
}
