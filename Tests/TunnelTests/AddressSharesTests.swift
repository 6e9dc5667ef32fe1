// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import Tunnel

struct AddressSharesTests {
    private func text(_ ranges: [AddressRange]?) -> [String] {
        (ranges ?? []).map { "\($0.first)-\($0.last)" }
    }

    @Test func cutsALongerPrefixOutOfAShorterOne() {
        let shares = AddressShares(of: [
            (Sample.prefix("10.0.0.0/8"), "outer"), (Sample.prefix("10.20.0.0/16"), "inner"),
        ])
        #expect(text(shares.ranges["outer"]) == ["10.0.0.0-10.19.255.255", "10.21.0.0-10.255.255.255"])
        #expect(text(shares.ranges["inner"]) == ["10.20.0.0-10.20.255.255"])
    }

    @Test func joinsWhatLiesSideBySide() {
        let shares = AddressShares(of: [
            (Sample.prefix("10.0.0.0/9"), "a"), (Sample.prefix("10.128.0.0/9"), "a"),
            (Sample.prefix("10.1.0.0/16"), "a"),
        ])
        #expect(text(shares.ranges["a"]) == ["10.0.0.0-10.255.255.255"])
    }

    @Test func sharesTheWholeSpaceOut() {
        let shares = AddressShares(of: [
            (Sample.prefix("0.0.0.0/0"), "all"), (Sample.prefix("255.255.255.255/32"), "last"),
            (Sample.prefix("::/0"), "all"),
            (Sample.prefix("8000::/1"), "upper"),
        ])
        #expect(
            text(shares.ranges["all"]) == ["0.0.0.0-255.255.255.254", "::-7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]
        )
        #expect(text(shares.ranges["upper"]) == ["8000::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"])
    }

    /// Every address goes to the owner of the longest prefix that holds it, tried over random prefixes.
    @Test func agreesWithLongestMatch() {
        var seed: UInt64 = 7
        func random(_ limit: UInt64) -> UInt64 {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (seed >> 33) % limit
        }
        for _ in 0..<50 {
            var prefixes: [IPPrefix: Int] = [:]
            for owner in 0..<12 {
                let address = IPAddress.v4(IPv4Address(bits: UInt32(random(256)) << 24))
                if let prefix = IPPrefix(holding: address, length: Int(random(9))) { prefixes[prefix] = owner % 4 }
            }
            let shares = AddressShares(of: prefixes.map { ($0.key, $0.value) })
            for octet in 0..<UInt32(256) {
                let address = IPAddress.v4(IPv4Address(bits: octet << 24 | 0x1234))
                let expected = prefixes.filter { $0.key.contains(address) }.max { $0.key.length < $1.key.length }?.value
                let found = shares.ranges.filter { $0.value.contains { $0.first <= address && address <= $0.last } }
                #expect(Set(found.keys) == Set([expected].compactMap { $0 }))
            }
        }
    }
}
