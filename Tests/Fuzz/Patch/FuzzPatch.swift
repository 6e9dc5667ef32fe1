// SPDX-License-Identifier: Apache-2.0
// Fuzzes the way of an answer from the cache to a client: kept, found, aged, and cut to what the client takes.

import NetworkTypes

@testable import FuzzAnswers
@testable import PrivateDNS

/// The first three octets are the limit of the client, in octets, and the age of the answer, in seconds; the rest is an
/// answer as ``FuzzedAnswer`` has it.
@c(LLVMFuzzerTestOneInput)
public func fuzzPatch(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    guard input.count > 3, let text = FuzzedAnswer(Array(input[3...])), let answer = text.answer else { return 0 }
    let entry = answer.entry(for: text.question, route: FuzzedAnswer.route)
    var cache = AnswerCache(budget: 1 << 18)
    let key = AnswerCache.Key(type: text.question.type, variant: text.question.variant, of: FuzzedAnswer.route)
    let name = LookupName(text.question.name)
    let stored = Instant(nanoseconds: 1_000_000_000)
    cache.insert(name, key, entry, now: stored)
    let age = Int64(input[2] % 16)
    let now = stored + .seconds(age)
    guard let number = cache.find(name, key, now: now) else {
        precondition(Int64(entry.lifetime) <= age || entry.body.count > 1 << 15, "lost before its time")
        return 0
    }
    precondition(Int64(entry.lifetime) > age)

    let query = text.query
    guard let scan = try? QueryHead(scanning: query.span) else { preconditionFailure("the harness asks wrongly") }
    let limit = max(MessageSize.plain, Int(input[0]) << 8 | Int(input[1]))
    let written = write(cache, number, query, scan, limit, now)
    check(Reply(written, scan, limit), entry, age)
    return 0
}

/// As the resolver does it, in a room of the limit.
private func write(
    _ cache: borrowing AnswerCache,
    _ number: Int,
    _ query: [UInt8],
    _ scan: QueryHead,
    _ limit: Int,
    _ now: Instant
) -> [UInt8] {
    var room = [UInt8](repeating: 0xee, count: limit)
    var span = room.mutableSpan
    let body = cache.body(of: number)
    let options = FixedOptions.rebinding
    let head = cache.head(of: number).head
    let count = ReplyWriter.write(
        head,
        body: body,
        options: options.span,
        to: query.span,
        scan,
        limit: limit,
        into: &span
    )
    let end = scan.bodyEnd(body.count, in: count)
    cache.age(number, now: now, answer: &span, body: scan.questionEnd..<end)
    return Array(room[..<count])
}

/// An answer, read again.
private struct Reply {
    let isTruncated: Bool
    let answers: Int
    let authority: Int
    var records: [(owner: [UInt8], type: RecordType, ttl: UInt32)] = []
    var hasOPT = false

    init(_ message: [UInt8], _ scan: QueryHead, _ limit: Int) {
        precondition(message.count <= limit, "over the limit")
        let span = message.span
        isTruncated = span.uint16(at: 2) & HeaderFlags.truncated != 0
        answers = Int(span.uint16(at: 6))
        authority = Int(span.uint16(at: 8))
        var offset = scan.questionEnd
        for _ in 0..<answers + authority + Int(span.uint16(at: 10)) {
            guard let record = try? RecordView(span, at: offset) else {
                preconditionFailure("a record that cannot be read")
            }
            if record.type == .opt {
                hasOPT = true
            } else {
                records.append((WireName.lowered(span, at: record.owner), record.type, record.ttl))
            }
            offset = record.end
        }
        precondition(offset == message.count, "octets behind the end")
    }
}

/// What is there is the beginning of the whole, and ends where a set of records does.
private func check(_ reply: Reply, _ entry: AnswerCache.Entry, _ age: Int64) {
    precondition(reply.hasOPT)
    let whole = Int(entry.head.answers) + Int(entry.head.authority)
    precondition(reply.records.count == reply.answers + reply.authority)
    precondition(reply.isTruncated ? reply.records.count < whole : reply.records.count == whole)
    precondition(reply.answers <= entry.head.answers)
    precondition(reply.authority == 0 || reply.answers == entry.head.answers)
    for (number, record) in reply.records.enumerated() {
        let offset = Int(entry.ttlOffsets[number])
        let ttl = entry.body.span.uint32(at: offset)
        precondition(record.ttl == ttl - min(ttl, UInt32(age)))
    }
}
