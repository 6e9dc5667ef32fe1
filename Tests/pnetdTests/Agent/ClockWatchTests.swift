// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import Tunnel
@testable import pnetd

struct ClockWatchTests {
    private func path(_ text: String) throws -> PathName { try #require(PathName(text)) }

    private func peer(_ handshake: Int64?) throws -> WireGuardDevice.Peer {
        var peer = WireGuardDevice.Peer(
            publicKey: try #require(WireGuardPublicKey(bytes: Array(repeating: 1, count: 32)))
        )
        peer.lastHandshake = handshake
        return peer
    }

    @Test func isSilentWhileTheClockGoesOn() throws {
        var watch = ClockWatch()
        let path = try path("vpn-a")
        #expect(watch.warning(of: path, wallNanoseconds: 0) == nil)
        watch.note([try peer(nil), try peer(10_000_000_000)], of: path)
        #expect(watch.warning(of: path, wallNanoseconds: 10_000_000_000) == nil)
        #expect(watch.warning(of: path, wallNanoseconds: 9_500_000_000) == nil, "clocks are corrected by little")
    }

    @Test func namesAClockThatWentBack() throws {
        var watch = ClockWatch()
        let path = try path("vpn-a")
        watch.note([try peer(7_200_000_000_000)], of: path)
        // After a boot the tunnel shows none.
        watch.note([try peer(nil)], of: path)
        let warning = try #require(watch.warning(of: path, wallNanoseconds: 3_600_000_000_000))
        #expect(warning.hasPrefix("vpn-a: this host's clock is 1h0m behind its last handshake there"))
        #expect(watch.lag(of: path, wallNanoseconds: 3_600_000_000_000) == .seconds(3600))
        // A peer that knew nothing of the earlier ones has taken a new one.
        watch.note([try peer(3_600_000_000_000)], of: path)
        #expect(watch.warning(of: path, wallNanoseconds: 3_600_000_000_000) == nil)
    }

    @Test(arguments: [Int64.min, -1, .max])
    func outlivesAnyNumber(handshake: Int64) throws {
        let path = try path("vpn-a")
        let watch = ClockWatch([path: handshake])
        for wall in [Int64.min, 0, .max] { _ = watch.warning(of: path, wallNanoseconds: wall) }
    }
}
