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
        let lineage: UInt64
    }

    /// Two halves: where the young one is full it becomes the old one, and what nobody has learned anew since is gone.
    private struct Halves {
        var young: [Key: LastAnswer] = [:]
        var old: [Key: LastAnswer] = [:]
        var youngSize = 0
    }

    private let halves = Mutex(Halves())
    private let budget: Int

    /// About what an entry takes besides its octets.
    private static let overhead = 160

    /// - Parameter budget: in octets, for both halves.
    init(budget: Int = 8 << 20) { self.budget = budget }

    /// Takes what a server said; nil where it said that there is nothing.
    func learn(_ answer: LastAnswer?, of key: Key) {
        halves.withLock { halves in
            halves.old[key] = nil
            if let before = halves.young.removeValue(forKey: key) { halves.youngSize -= Self.size(key, before) }
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
            halves.old = halves.old.filter { !isBelow($0.key) }
            halves.young = halves.young.filter { !isBelow($0.key) }
            halves.youngSize = halves.young.reduce(0) { $0 + Self.size($1.key, $1.value) }
        }
    }

    private static func size(_ key: Key, _ answer: LastAnswer) -> Int {
        key.name.count + answer.records.count + overhead
    }
}
