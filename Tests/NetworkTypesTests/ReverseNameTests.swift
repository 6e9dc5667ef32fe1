// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

struct ReverseNameTests {
    @Test(arguments: [
        ("10.20.0.4", "4.0.20.10.in-addr.arpa"), ("0.0.0.0", "0.0.0.0.in-addr.arpa"),
        ("2001:db8::567:89ab", "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"),
    ])
    func namesAnAddress(address: String, name: String) throws {
        #expect(try #require(IPAddress(address)).reverseName.withoutRootDot == name)
    }

    @Test(arguments: [
        ("10.20.0.0/16", ["20.10.in-addr.arpa"]), ("10.0.0.0/8", ["10.in-addr.arpa"]),
        (
            "10.20.4.0/22",
            ["4.20.10.in-addr.arpa", "5.20.10.in-addr.arpa", "6.20.10.in-addr.arpa", "7.20.10.in-addr.arpa"]
        ),
        ("192.0.2.2/31", ["2.2.0.192.in-addr.arpa", "3.2.0.192.in-addr.arpa"]),
        ("192.0.2.2/32", ["2.2.0.192.in-addr.arpa"]),
        ("fd00:20::/48", ["0.0.0.0.0.2.0.0.0.0.d.f.ip6.arpa"]),
        ("fd00:20::/47", ["0.0.0.0.0.2.0.0.0.0.d.f.ip6.arpa", "1.0.0.0.0.2.0.0.0.0.d.f.ip6.arpa"]),
        ("fc00::/8", ["c.f.ip6.arpa"]),
        ("fc00::/7", []), ("0.0.0.0/0", []),
    ])
    func findsTheApexesOfAPrefix(prefix: String, names: [String]) throws {
        #expect(try #require(IPPrefix(prefix)).reverseApexes.map(\.withoutRootDot) == names)
    }

    @Test func needsAtMost128() throws {
        let apexes = try #require(IPPrefix("10.20.0.0/17")).reverseApexes
        #expect(apexes.count == 128)
        #expect(apexes.last?.withoutRootDot == "127.20.10.in-addr.arpa")
    }
}
