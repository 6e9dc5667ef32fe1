// SPDX-License-Identifier: Apache-2.0
// Fuzzes what a server says to a question of ours, and what is made of it.

import NetworkTypes

@testable import FuzzAnswers
@testable import PrivateDNS

/// The first octet chooses the type that was asked for and DO, the next eight are the flags and the counts of records;
/// the rest stands behind the question.
@c(LLVMFuzzerTestOneInput)
public func fuzzAnswer(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    guard let text = FuzzedAnswer(input), let answer = text.answer else { return 0 }
    check(answer, text)
    return 0
}

/// What is kept has all its records, leads nowhere but into the network, and can be read.
private func check(_ answer: UpstreamAnswer, _ text: FuzzedAnswer) {
    let entry = answer.entry(for: text.question, route: FuzzedAnswer.route)
    let message = RecordWriter(question: text.question.name, type: text.question.type).message + entry.body
    var offset = message.count - entry.body.count
    let bodyStart = offset
    for number in 0..<Int(entry.head.answers) + Int(entry.head.authority) {
        guard let record = try? RecordView(message.span, at: offset) else {
            preconditionFailure("a record that cannot be read")
        }
        // What is longer than any message is not kept, and cut for whoever waits.
        precondition(offset > MessageSize.stream || record.ttlOffset - bodyStart == Int(entry.ttlOffsets[number]))
        if number < Int(entry.head.answers) {
            precondition(record.ttl <= FuzzedAnswer.route.longestTTL)
            let addresses = (try? record.checkData(message.span)).map { _ in record.addresses(in: message.span) } ?? []
            for address in addresses where address.family == .ipv4 {
                precondition(FuzzedAnswer.network.contains(address), "out of the network")
            }
        }
        offset = record.end
    }
    precondition(offset == message.count)
}
