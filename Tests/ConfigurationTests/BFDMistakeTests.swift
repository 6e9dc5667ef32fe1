// SPDX-License-Identifier: Apache-2.0

import Configuration
import NetworkTypes
import Testing

struct BFDMistakeTests {
    /// The example with a `bfd` of vpn-a, on line 12.
    private func expect(_ bfd: String, give expected: [String], sourceLocation: SourceLocation = #_sourceLocation)
        throws
    {
        let line = "    underlay: {interface: eth0, gateway: auto}\n"
        try Example.expect((line, line + "    bfd: \(bfd)\n"), give: expected, sourceLocation: sourceLocation)
    }

    private func session(_ bfd: String) throws -> BFDConfiguration? {
        let line = "    underlay: {interface: eth0, gateway: auto}\n"
        let file = try TemporaryFile(Example.replacing([(line, line + "    bfd: \(bfd)\n")]))
        defer { try? file.remove() }
        return try Configuration.load(path: file.path).configuration.paths[0].bfd
    }

    @Test func readsASession() throws {
        let short = try #require(try session("{peer: 10.99.0.1}"))
        #expect(short.peer.description == "10.99.0.1" && short.local?.description == "10.99.0.2")
        #expect(short.interval == .milliseconds(300) && short.multiplier == 3 && short.minimumTTL == nil)
        let long = try #require(
            try session(
                "{peer: \"fd00:99::1\", local: \"fd00:99::2\", interval: 10ms, multiplier: 255, multihop: true}"
            )
        )
        #expect(long.local?.description == "fd00:99::2")
        #expect(long.interval == .milliseconds(10) && long.multiplier == 255 && long.minimumTTL == 1)
        #expect(try session("{peer: 10.99.0.1, multihop: true, minimum-ttl: 60}")?.minimumTTL == 60)
    }

    @Test func noPeer() throws {
        try expect(
            "{interval: 300ms}",
            give: ["12:10: error: the bfd of path 'vpn-a' has no 'peer' (the far end's address on the path)"]
        )
    }

    @Test func valuesOutOfBounds() throws {
        try expect("{peer: 10.99.0.1, interval: 9ms}", give: ["12:38: error: interval must be 10ms to 10s, not 9ms"])
        try expect("{peer: 10.99.0.1, interval: 11s}", give: ["12:38: error: interval must be 10ms to 10s, not 11s"])
        try expect("{peer: 10.99.0.1, multiplier: 0}", give: ["12:40: error: multiplier must be 1 to 255, not 0"])
        try expect("{peer: 10.99.0.1, multiplier: 256}", give: ["12:40: error: multiplier must be 1 to 255, not 256"])
        try expect("{peer: 10.99.0.1, multihop: yes}", give: ["12:38: error: multihop must be true or false"])
    }

    @Test func addressesThatDoNotFit() throws {
        try expect(
            "{peer: 10.99.0.2}",
            give: ["12:17: error: peer 10.99.0.2 is the path's own address (the far end's address on the path)"]
        )
        try expect(
            "{peer: 10.99.0.1, local: 10.99.0.9}",
            give: [
                "12:35: error: local 10.99.0.9 is no address of the path (one of 10.99.0.2, fd00:99::2)"
            ]
        )
        try expect(
            "{peer: 10.99.0.1, local: \"fd00:99::2\"}",
            give: ["12:35: error: local fd00:99::2 and peer 10.99.0.1 are of two families"]
        )
        try expect("{peer: gateway}", give: ["12:17: error: peer: 'gateway' is not an address"])
        let line = "addresses: [10.98.0.2/30, \"fd00:98::2/126\"]\n"
        try Example.expect(
            (line, "addresses: [10.98.0.2/30]\n    bfd: {peer: \"fd00:98::1\"}\n"),
            give: ["22:17: error: peer fd00:98::1 cannot be reached (the path has no IPv6 address)"]
        )
    }

    @Test func minimumTTLOfASingleHop() throws {
        try expect(
            "{peer: 10.99.0.1, minimum-ttl: 250}",
            give: ["12:41: error: minimum-ttl goes with 'multihop: true' (a single hop leaves 255 (RFC 5881))"]
        )
    }

    @Test func readsAKey() throws {
        let key = try session("{peer: 10.99.0.1, authentication: {type: keyed-sha1, key-id: 3, key-file: keys/a.bfd}}")?
            .key
        #expect(key == BFDKey(.keyedSHA1, id: 3, secret: Array("swordfish".utf8)))
        let other = try session(
            "{peer: 10.99.0.1, authentication: {type: meticulous-keyed-sha1, key-file: keys/b.bfd}}"
        )?.key
        #expect(other == BFDKey(.meticulousKeyedSHA1, id: 1, secret: Array("twenty octets inside".utf8)))
        #expect(try session("{peer: 10.99.0.1}")?.key == nil)
    }

    @Test func keysThatAreNone() throws {
        let start = "{peer: 10.99.0.1, authentication: "
        try expect(
            start + "{type: sha256, key-file: keys/a.bfd}}",
            give: ["12:51: error: type must be keyed-sha1 or meticulous-keyed-sha1, not 'sha256'"]
        )
        try expect(
            start + "{key-id: 256, key-file: keys/long.bfd}}",
            give: [
                "12:44: error: the bfd authentication of path 'vpn-a' has no 'type' "
                    + "(keyed-sha1 or meticulous-keyed-sha1)",
                "12:53: error: key-id must be 0 to 255, not 256",
                "12:68: error: key-file: 'keys/long.bfd' holds no key of 1 to 20 octets (RFC 5880 section 4.4)",
            ]
        )
        try expect(
            start + "{type: keyed-sha1, key-file: keys/empty.bfd}}",
            give: ["12:73: error: key-file: 'keys/empty.bfd' holds no key of 1 to 20 octets (RFC 5880 section 4.4)"]
        )
        try expect(
            start + "{type: keyed-sha1, key-file: keys/open.bfd}}",
            give: [
                "12:73: error: key-file: 'keys/open.bfd' is open to others than its owner (chmod 600 DIR/keys/open.bfd)"
            ]
        )
        try expect(
            start + "{type: keyed-sha1}}",
            give: [
                "12:44: error: the bfd authentication of path 'vpn-a' has no 'key-file' "
                    + "(or key-credential: NAME, of systemd)"
            ]
        )
    }

    @Test func misspeltKey() throws {
        try expect(
            "{peer: 10.99.0.1, multiplyer: 3}",
            give: [
                "12:28: error: unknown key 'multiplyer' in the bfd of path 'vpn-a' (did you mean 'multiplier'?)"
            ]
        )
    }

    @Test func aPeerThatNoAllowedIPsHold() throws {
        let automatic = "allowed-ips: auto"
        let line = "    underlay: {interface: eth0, gateway: auto}\n"
        try Example.expect(
            (line, line + "    bfd: {peer: 10.99.0.1}\n"),
            (automatic, "allowed-ips: [10.20.0.0/16, \"fd00:20::/48\"]"),
            give: [
                "12:17: warning: no peer of path 'vpn-a' has 10.99.0.1 in its allowed-ips "
                    + "(WireGuard would drop what is sent there)"
            ]
        )
    }
}
