// SPDX-License-Identifier: Apache-2.0
// Fuzzes what answers for charon, and what is made of it.

@testable import Tunnel

/// The input is a stream of segments, and by itself a packet too: few inputs have a length that fits.
@c(LLVMFuzzerTestOneInput)
public func fuzzVICI(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    understand(input)
    var whole = VICISegments()
    whole.append(input[...])
    let segments = all(of: &whole)
    for segment in segments { understand(segment) }

    var cut = VICISegments()
    var found: [[UInt8]] = []
    for place in stride(from: 0, to: input.count, by: 7) {
        cut.append(input[place..<min(place + 7, input.count)])
        found += all(of: &cut)
    }
    precondition(found == segments, "segments are the same however the stream is cut")
    return 0
}

private func all(of stream: inout VICISegments) -> [[UInt8]] {
    var found: [[UInt8]] = []
    while let segment = try? stream.next() { found.append(segment) }
    return found
}

private func understand(_ segment: [UInt8]) {
    guard let packet = try? VICIPacket(segment) else { return }
    let again = try? packet.segment()
    precondition(again?.dropFirst(4).elementsEqual(segment) == true, "what was understood is written as it was")
    switch packet {
    case .response(let message):
        _ = CharonVersion(message)
        _ = CharonStatistics(message)
        read(message)
    case .event(let name, let message):
        _ = CharonEvent(name: String(decoding: name, as: UTF8.self), message)
        read(message)
    default: break
    }
}

private func read(_ message: VICIMessage) {
    for (name, section) in message.sections {
        _ = IKEAssociation(name: name, section)
        let loaded = LoadedConnection(name: name, section)
        let child = IPsecConnection.Child(name: name, from: [], to: [])
        let none = IPsecConnection.Party(identity: nil, proof: .presharedKey)
        let asked = IPsecConnection(name: name, from: [], to: [], local: none, remote: none, children: [child])
        _ = asked.differences(from: loaded)
    }
    _ = LoadedCertificate(message)
    _ = "\(message)"
}
