// SPDX-License-Identifier: Apache-2.0
// Fuzzes what stands in a file of the journal.

import Journal
import NetworkTypes
import SystemIO

/// Once as a whole file, and once as a block whose checksum is right: few inputs would get so far otherwise.
@c(LLVMFuzzerTestOneInput)
public func fuzzJournal(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    read(input)
    read(head + number(UInt32(input.count)) + number(checksum(input)) + input)
    return 0
}

private func read(_ octets: [UInt8]) {
    do throws(JournalError) {
        var reader = try JournalReader(octets)
        var entries = 0
        while try reader.next() != nil { entries += 1 }
        precondition(entries <= octets.count && reader.torn <= octets.count)
    } catch {
        if case .damaged(let offset, _) = error { precondition(offset <= octets.count) }
    }
}

/// A segment of which nothing but the header was written.
private let head: [UInt8] = {
    let begun = Instant(nanoseconds: 1)
    let header = JournalHeader(version: "0", run: 1, beginning: .run, at: begun, wallNanoseconds: 1)
    var octets: [UInt8] = []
    guard var writer = try? JournalWriter(header) else { preconditionFailure("a header can be written") }
    writer.flush { octets.append($0) }
    return octets
}()

private func checksum(_ octets: [UInt8]) -> UInt32 {
    var checksum: UInt32 = ~0
    for octet in octets {
        checksum ^= UInt32(octet)
        for _ in 0..<8 { checksum = checksum & 1 == 0 ? checksum >> 1 : checksum >> 1 ^ 0xedb8_8320 }
    }
    return ~checksum
}

private func number(_ number: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }
