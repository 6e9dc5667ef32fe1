// SPDX-License-Identifier: Apache-2.0
// Fuzzes the text of a zone file, with libldns behind our reader, and what is made of it: answers to questions.

import NetworkTypes

@testable import PrivateDNS

/// A text that is no zone says where; one that is answers for all of its names.
@c(LLVMFuzzerTestOneInput)
public func fuzzZoneFile(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    guard let text = String(validating: input, as: UTF8.self), let zone = DomainName("x") else { return 0 }
    do {
        let records = try ZoneRecords(zone: zone, file: text)
        ask(StaticZone(records), records)
    } catch {
        precondition(!error.faults.isEmpty && error.faults.allSatisfy { $0.line >= 1 })
    }
    return 0
}

/// Asks for every owner, for a name below each and for one that cannot be there; whatever the answer is, its records
/// can be read.
private func ask(_ zone: StaticZone, _ records: ZoneRecords) {
    for owner in records.sets.map(\.owner) + [records.zone] {
        for name in [owner.wire, [1, 0x71] + owner.wire] where name.count <= 255 {
            for type in [RecordType.a, .cname, .soa, .any] {
                guard case .answer(let answer) = zone.find(LookupName(name), type) else { continue }
                let message = RecordWriter(question: name, type: type).message + answer.body
                var offset = message.count - answer.body.count
                for _ in 0..<answer.head.answers + answer.head.authority {
                    guard let record = try? RecordView(message.span, at: offset) else {
                        preconditionFailure("a record that cannot be read")
                    }
                    offset = record.end
                }
                precondition(offset == message.count)
            }
        }
    }
}
