// SPDX-License-Identifier: Apache-2.0
// Fuzzes what a raw socket of ICMP or ICMPv6 gives.

import NetworkTypes

@testable import Tunnel

/// The first octet says of which family; the rest is what was received, for IPv4 with the IP header in front.
@c(LLVMFuzzerTestOneInput)
public func fuzzICMP(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    guard let first = input.first else { return 0 }
    let family: AddressFamily = first % 2 == 0 ? .ipv4 : .ipv6
    guard let packet = EchoPacket(family: family, received: input.dropFirst()) else { return 0 }
    let header = family == .ipv4 ? [0x45] + [UInt8](repeating: 0, count: 19) : []
    let again = EchoPacket(family: family, received: (header + packet.bytes)[...])
    precondition(again == packet, "what was understood is written as it was")
    return 0
}
