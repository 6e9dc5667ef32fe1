// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Synchronization
import SystemIO

/// What the servers of private zones said last, for all workers: a question of one client is answered by one worker, and
/// the next one, when the servers are gone, by another.
///
/// It is written with each answer of those servers and read where they fail, both far from the data path.
final class AnswerMemory: Sendable {
    struct Key: Hashable {
        let name: [UInt8]
        let type: RecordType
        let variant: QuestionVariant
        let origin: AnswerOrigin
    }

    /// Two halves: where the young one is full it becomes the old one, and what nobody has learned anew since is gone.
    private struct Halves {
        var young: [Key: LastAnswer] = [:]
        var old: [Key: LastAnswer] = [:]
        var youngSize = 0
        var standing = MemoryStanding()
    }

    private let halves = Mutex(Halves())
    private let budget: Int

    /// About what an entry takes besides its octets.
    private static let overhead = 160

    /// - Parameter budget: in octets, for both halves.
    init(budget: Int = 8 << 20) { self.budget = budget }

    /// How much was learned so far.
    var standing: MemoryStanding { halves.withLock { $0.standing } }

    /// Takes what a server said; nil where it said that there is nothing.
    func learn(_ answer: LastAnswer?, of key: Key) {
        halves.withLock { halves in
            let older = halves.old.removeValue(forKey: key)
            let before = halves.young.removeValue(forKey: key)
            if let before { halves.youngSize -= Self.size(key, before) }
            halves.standing.note(answer, after: before ?? older)
            guard let answer else { return }
            halves.youngSize += Self.size(key, answer)
            halves.young[key] = answer
            guard halves.youngSize > budget / 2 else { return }
            halves.old = halves.young
            halves.young = [:]
            halves.youngSize = 0
        }
    }

    /// What a server said last, no longer ago than so many seconds.
    func recall(_ key: Key, now: Instant, atMost age: UInt32) -> LastAnswer? {
        let found = halves.withLock { $0.young[key] ?? $0.old[key] }
        return found.flatMap { now - $0.learned <= .seconds(Int64(age)) ? $0 : nil }
    }

    /// Forgets what was said of a name and of all below it.
    func flush(below name: DomainName) {
        let isBelow = { (key: Key) in DomainName(wire: key.name)?.isWithin(name) ?? false }
        halves.withLock { halves in
            let count = halves.old.count + halves.young.count
            halves.old = halves.old.filter { !isBelow($0.key) }
            halves.young = halves.young.filter { !isBelow($0.key) }
            halves.youngSize = halves.young.reduce(0) { $0 + Self.size($1.key, $1.value) }
            if halves.old.count + halves.young.count < count { halves.standing.noteLoss() }
        }
    }

    private static func size(_ key: Key, _ answer: LastAnswer) -> Int {
        key.name.count + answer.records.count + overhead
    }
}

/// How much a memory has learned so far.
public struct MemoryStanding: Hashable, Sendable {
    /// What was learned that was not known before, or taken back.
    public private(set) var news: UInt64 = 0
    /// What was learned in all.
    public private(set) var lessons: UInt64 = 0

    /// Of nothing.
    public init() {}

    fileprivate mutating func note(_ answer: LastAnswer?, after before: LastAnswer?) {
        guard answer != nil || before != nil else { return }
        lessons += 1
        if let answer, let before, answer.says(whatIsSaidBy: before) { return }
        news += 1
    }

    fileprivate mutating func noteLoss() {
        lessons += 1
        news += 1
    }
}

extension LastAnswer {
    /// Whether it leads where another one does, in whatever order.
    fileprivate func says(whatIsSaidBy other: LastAnswer) -> Bool {
        records == other.records
            || records.count == other.records.count && !addresses.isEmpty && Set(addresses) == Set(other.addresses)
    }
}

// MARK: - A copy that outlives the process

extension AnswerMemory {
    /// How far behind the clock may be when a process begins: one without a battery is set by a file that is written every
    /// hour.
    private static let clockSlack: Int64 = 3_900

    /// All that was learned, the last first, as far as there is room.
    func copy(clock: any TimeSource) -> [UInt8] {
        let epoch = clock.wallNanoseconds - clock.now.nanoseconds
        let (young, old) = halves.withLock { ($0.young, $0.old) }
        let answers = (young.map { ($0.key, $0.value) } + old.map { ($0.key, $0.value) })
            .sorted { $0.1.learned > $1.1.learned }
        return AnswerCopy.octets(
            of: answers.lazy.map { key, answer in
                AnswerCopy.Entry(
                    key: key,
                    learned: UInt64(max(0, epoch + answer.learned.nanoseconds) / 1_000_000_000),
                    answers: answer.answers,
                    leaves: answer.leaves,
                    records: answer.records
                )
            }
        )
    }

    /// Learns what another process had learned: what is sound, not too old, and the word of servers that are asked still.
    /// - Returns: how many answers were taken, and how many were not.
    func learn(
        copy: [UInt8],
        by ways: [AnswerOrigin: ForwardRoute],
        clock: any TimeSource
    ) throws(AnswerCopyFault) -> (taken: Int, left: Int) {
        let entries = try AnswerCopy.entries(of: copy)
        let (now, time) = (clock.now, clock.wallNanoseconds / 1_000_000_000)
        var taken = 0
        for entry in entries.reversed() {
            guard let way = ways[entry.key.origin], let terms = way.lastKnownGood,
                let learned = Int64(exactly: entry.learned), learned <= time + Self.clockSlack,
                max(0, time - learned) <= Int64(terms.age), entry.isSound, entry.passes(way.filter)
            else { continue }
            let answer = LastAnswer(
                records: entry.records,
                answers: entry.answers,
                learned: now + .seconds(min(0, learned - time)),
                leaves: entry.leaves
            )
            learn(answer, of: entry.key)
            taken += 1
        }
        return (taken, entries.count - taken)
    }
}
