// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO
import Testing

@testable import Tunnel

struct UserspaceWireGuardTests {
    /// It has said what is wrong with the beginning of a long request, and gone.
    @Test func readsWhatWasRefusedBeforeAllWasSaid() throws {
        var ends: [Int32] = [-1, -1]
        try #require(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        let near = FileDescriptor(owning: ends[0])
        do {
            let far = FileDescriptor(owning: ends[1])
            #expect(try far.write(Array("errno=-22\n\n".utf8).span) == 11)
        }
        let change = WireGuardChange(from: WireGuardDevice(), to: .made(peers: 100), toldBefore: [:])
        let answer = try UserspaceWireGuard.converse(UserspaceWireGuard.request(change), over: near)
        #expect(String(decoding: answer, as: UTF8.self) == "errno=-22\n\n")
    }
}
