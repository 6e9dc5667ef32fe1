// SPDX-License-Identifier: Apache-2.0
// Fuzzes what clients say: the header, the question, OPT and its options.

import NetworkTypes

@testable import PrivateDNS

/// One resolver for all inputs, without limits, on a clock that stands still.
private struct Server: ~Copyable {
    var resolution = Resolution(cacheBudget: 1 << 16, limits: Resolution.Limits(clients: 4))
    let now = Instant(nanoseconds: 1_000_000_000)
    let address = IPAddress.v4(IPv4Address(bits: 0x7f00_0001))

    init() {
        guard let zone = DomainName("x"), let network = NetworkName("azure"), let prefix = IPPrefix("127.0.0.0/8"),
            let records = try? ZoneRecords(zone: zone, records: ["h A 10.0.0.1"]),
            let interface = InterfaceName("lo")
        else { preconditionFailure("the harness is wrong") }
        let policy = Policy(
            serial: 1,
            allow: [prefix],
            whenBlocked: .servfail,
            upstreams: [],
            zones: [
                Policy.Zone(
                    name: zone,
                    network: network,
                    content: .records(StaticZone(records)),
                    realm: .private([ServerWay(path: "lo", interface: interface)]),
                    generation: 1
                )
            ],
            after: nil
        )
        resolution.adopt(policy, now: now)
    }

    mutating func ask(_ message: [UInt8], isStream: Bool, _ room: inout [UInt8]) -> [UInt8]? {
        var span = room.mutableSpan
        switch resolution.query(message.span, from: address, by: isStream ? .stream : .datagram, now: now, into: &span)
        {
        case .answer(let count): return Array(room[..<count])
        case .drop: return nil
        case .later: preconditionFailure("there is nobody to ask")
        }
    }
}

nonisolated(unsafe) private var server = Server()
nonisolated(unsafe) private var room = [UInt8](repeating: 0, count: MessageSize.stream)

/// What is no query gets nothing, and every query an answer that says whose it is and is no longer than it may be.
@c(LLVMFuzzerTestOneInput)
public func fuzzQuery(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let message = unsafe Array(UnsafeBufferPointer(start: start, count: min(count, MessageSize.stream)))
    let isQuery = message.count >= MessageSize.header && message[2] & 0x80 == 0
    for isStream in [false, true] {
        let answer = unsafe server.ask(message, isStream: isStream, &room)
        precondition((answer != nil) == isQuery)
        guard let answer else { continue }
        precondition(answer.count >= MessageSize.header && answer[..<2] == message[..<2])
        precondition(answer[2] & 0xf8 == 0x80 | message[2] & 0x78)
        precondition(isStream || answer.count <= MessageSize.datagram)
        read(answer)
    }
    return 0
}

private func read(_ answer: [UInt8]) {
    let span = answer.span
    var offset = MessageSize.header
    do {
        if span.uint16(at: 4) == 1 { offset = try WireName.skip(span, at: offset) + 4 }
        for _ in 0..<span.uint16(at: 6) + span.uint16(at: 8) + span.uint16(at: 10) {
            let record = try RecordView(span, at: offset)
            try record.checkData(span)
            offset = record.end
        }
    } catch {
        preconditionFailure("an answer that cannot be read: \(error)")
    }
    precondition(offset == answer.count)
}
