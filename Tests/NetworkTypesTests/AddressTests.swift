// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

struct AddressTests {
    @Test(arguments: [
        ("::", "::"), ("::1", "::1"), ("2001:DB8::1", "2001:db8::1"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
        ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("::ffff:192.0.2.1", "::ffff:c000:201"), ("fd00:20::", "fd00:20::"),
        ("0:1::", "0:1::"), ("1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:c000:201"),
        ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
    ])
    func printsIPv6AsRFC5952Says(text: String, canonical: String) {
        #expect(IPv6Address(text)?.description == canonical)
    }

    @Test(arguments: [
        "", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "g::", "::1.2.3",
        "1:2:3:4:5:6:7::8:9",
        "+1::", "fe80::1%eth0", ":1:2:3:4:5:6:7", "1.2.3.4::",
    ])
    func refusesWhatIsNoIPv6Address(text: String) {
        #expect(IPv6Address(text) == nil)
    }

    @Test(arguments: ["", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.-4", " 1.2.3.4", "1..2.3", "0x1.2.3.4"])
    func refusesWhatIsNoIPv4Address(text: String) {
        #expect(IPv4Address(text) == nil)
    }

    @Test func keepsBytesInNetworkOrder() {
        #expect(IPAddress("192.0.2.1")?.bytes == [192, 0, 2, 1])
        #expect(IPAddress("2001:db8::1")?.bytes == [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
        #expect(IPAddress(bytes: [1, 2, 3]) == nil)
    }

    @Test func refusesPrefixesWithHostBits() {
        #expect(IPPrefix("10.20.0.0/16")?.description == "10.20.0.0/16")
        #expect(IPPrefix("10.20.0.1/16") == nil)
        #expect(IPPrefix("10.20.0.0/33") == nil)
        #expect(IPPrefix("0.0.0.0/0")?.last == IPAddress("255.255.255.255"))
        #expect(IPPrefix("::/0")?.last == IPAddress("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"))
    }

    @Test func tellsWhatAPrefixHolds() throws {
        let site = try #require(IPPrefix("10.20.0.0/16"))
        #expect(try site.contains(#require(IPAddress("10.20.255.255"))))
        #expect(try !site.contains(#require(IPAddress("10.21.0.0"))))
        #expect(try site.contains(#require(IPPrefix("10.20.4.0/24"))))
        #expect(try !site.contains(#require(IPPrefix("10.0.0.0/8"))))
        #expect(try !site.contains(#require(IPAddress("::"))))
    }

    @Test func parsesEndpoints() {
        #expect(SocketEndpoint("192.0.2.1:53")?.port == 53)
        #expect(SocketEndpoint("[2001:db8::1]:53")?.description == "[2001:db8::1]:53")
        #expect(SocketEndpoint("2001:db8::1:53") == nil)
        #expect(SocketEndpoint("192.0.2.1", defaultPort: 53)?.description == "192.0.2.1:53")
        #expect(HostEndpoint("gw-a.example.net:51820")?.description == "gw-a.example.net:51820")
        #expect(HostEndpoint("1.2.3:51820") == nil)
        #expect(HostEndpoint("gw:0") == nil)
    }
}
