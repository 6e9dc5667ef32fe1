// SPDX-License-Identifier: Apache-2.0
// Fuzzes the copy of what names were good last, which an earlier resolver has left.

import NetworkTypes
import SystemIO

@testable import PrivateDNS

private struct Clock: TimeSource {
    let now = Instant(nanoseconds: 5_000_000_000)
    let wallNanoseconds: Int64 = 1_800_000_060_000_000_000
}

private let prefix = IPPrefix("10.20.0.0/16")
private let filter = AnswerFilter(addresses: .within(AddressSet(prefix.map { [$0] } ?? [])))

/// The input is a copy. Whatever it says, what is taken of it can be given again, and leads nowhere else.
@c(LLVMFuzzerTestOneInput)
public func fuzzMemory(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    guard let entries = try? AnswerCopy.entries(of: input) else { return 0 }
    if entries.allSatisfy({ $0.records.count <= AnswerCopy.recordLimit }) {
        precondition(AnswerCopy.octets(of: entries) == input, "there is one way to say a thing")
    }
    let route = ForwardRoute(
        scope: 1,
        lineage: 1,
        servers: [],
        label: 0,
        pathBoundTTL: 10,
        filter: filter,
        lastKnownGood: LastKnownGood(port: 443, age: 3_600)
    )
    let ways = Dictionary(entries.map { ($0.key.origin, route) }) { first, _ in first }
    let memory = AnswerMemory()
    guard let (taken, left) = try? memory.learn(copy: input, by: ways, clock: Clock()) else { return 0 }
    precondition(taken + left == entries.count)
    for entry in entries {
        guard let answer = memory.recall(entry.key, now: Clock().now, atMost: 3_600) else { continue }
        give(answer, entry.key)
    }
    return 0
}

private func give(_ answer: LastAnswer, _ key: AnswerMemory.Key) {
    let set = AddressSet(prefix.map { [$0] } ?? [])
    precondition(answer.addresses.allSatisfy { set.contains($0) })
    precondition(!answer.leaves || answer.addresses.isEmpty && Answering.lastTarget(answer.records) != nil)
    var writer = RecordWriter(question: key.name, type: key.type)
    writer.append(answer.records)
    let head = ReplyHead(code: .noError, answers: answer.answers)
    // A pointer may lead to the same name in other letters.
    let given = Answering.expand(writer.body, head, behind: key.name, key.type)
    precondition(given.map(\.asciiLowered) == answer.records.map(\.asciiLowered))
    var proven = answer
    _ = proven.keep(Array(answer.addresses.prefix(1)))
}
