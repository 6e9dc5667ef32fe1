// SPDX-License-Identifier: Apache-2.0
// Fuzzes names as messages carry them, with libldns as the oracle for those that we take.

import CLdns
import NetworkTypes

@testable import PrivateDNS

/// The first octet says where in the message the name begins.
@c(LLVMFuzzerTestOneInput)
public func fuzzNames(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    guard let first = input.first else { return 0 }
    let message = [UInt8](repeating: 0, count: MessageSize.header) + input.dropFirst()
    let offset = MessageSize.header + Int(first)
    guard offset < message.count, let end = try? WireName.skip(message.span, at: offset) else { return 0 }
    precondition(end > offset && end <= message.count)
    var name: [UInt8] = []
    WireName.append(message.span, at: offset, to: &name)
    precondition((1...255).contains(name.count) && name.last == 0)
    precondition((try? WireName.skip(([UInt8](repeating: 0, count: 12) + name).span, at: 12)) == 12 + name.count)
    compare(name, message, offset, end)
    lookUp(name)
    write(name)
    return 0
}

private func compare(_ name: [UInt8], _ message: [UInt8], _ offset: Int, _ end: Int) {
    var data: UnsafeMutablePointer<ldns_rdf>?
    var position = offset
    let status = unsafe ldns_wire2dname(&data, message, message.count, &position)
    defer { unsafe ldns_rdf_deep_free(data) }
    precondition(status == LDNS_STATUS_OK && position == end)
    let octets = unsafe UnsafeRawBufferPointer(start: ldns_rdf_data(data), count: ldns_rdf_size(data))
    precondition(unsafe octets.elementsEqual(name))
}

/// The hash of each parent is that of the parent alone.
private func lookUp(_ name: [UInt8]) {
    let whole = LookupName(name)
    precondition(whole.count == name.count)
    for labels in 0...whole.labelCount {
        let parent = LookupName(Array(name[whole.start(ofLast: labels)...]))
        precondition(parent.labelCount == labels && parent.hash == whole.hash(ofLast: labels))
        precondition(whole.last(labels, equals: parent.wire))
    }
}

/// Compressed and read again it is the same but for the case of letters.
private func write(_ name: [UInt8]) {
    var writer = RecordWriter(question: name, type: .cname)
    var record = name
    record.append(RecordType.cname.rawValue)
    record.append(internetClass)
    record.append(7 as UInt32)
    record.append(UInt16(name.count))
    record += name
    writer.append(record + record)
    let message = writer.message
    var offset = message.count - writer.body.count
    let lowered = name.map(\.asciiLowered)
    for _ in 0..<2 {
        guard let view = try? RecordView(message.span, at: offset) else { preconditionFailure("cannot be read") }
        precondition(WireName.lowered(message.span, at: view.owner) == lowered)
        precondition(WireName.lowered(message.span, at: view.data.lowerBound) == lowered)
        offset = view.end
    }
    precondition(offset == message.count)
}
