// SPDX-License-Identifier: Apache-2.0

import Configuration
import NetworkTypes
import Testing

struct STAMPMistakeTests {
    private static let line = "    underlay: {interface: eth0, gateway: auto}\n"

    /// The example with a further line of vpn-a, the twelfth.
    private func expect(_ text: String, give expected: [String], sourceLocation: SourceLocation = #_sourceLocation)
        throws
    {
        try Example.expect(
            (Self.line, Self.line + "    \(text)\n"),
            give: expected,
            sourceLocation: sourceLocation
        )
    }

    private func path(_ text: String) throws -> PathConfiguration {
        let file = try TemporaryFile(Example.replacing([(Self.line, Self.line + "    \(text)\n")]))
        defer { try? file.remove() }
        return try Configuration.load(path: file.path).configuration.paths[0]
    }

    @Test func readsASession() throws {
        let short = try #require(try path("stamp: {peer: 10.99.0.1}").stamp)
        #expect(short.peer.description == "10.99.0.1:862" && short.local.description == "10.99.0.2")
        #expect(short.interval == .milliseconds(100))
        let long = try path("stamp: {peer: \"fd00:99::1\", port: 50000, local: \"fd00:99::2\", interval: 20ms}")
        #expect(long.stamp?.peer.description == "[fd00:99::1]:50000" && long.stamp?.interval == .milliseconds(20))
        #expect(long.farEnds.map(\.description) == ["fd00:99::1/128"])
    }

    @Test func readsAReflector() throws {
        let short = try path("stamp-reflector: {}")
        #expect(short.stampReflector?.local.description == "10.99.0.2:862")
        #expect(short.stampReflector?.allowed.map(\.description) == ["10.99.0.0/30"])
        let long = try path("stamp-reflector: {local: \"fd00:99::2\", port: 5000, allow: [\"fd00:99::1/128\"]}")
        #expect(long.stampReflector?.local.description == "[fd00:99::2]:5000")
        #expect(long.farEnds.map(\.description) == ["fd00:99::1/128"])
    }

    @Test func whatCannotBe() throws {
        try expect(
            "stamp: {port: 0, interval: 10ms}",
            give: [
                "12:12: error: the stamp of path 'vpn-a' has no 'peer' (the far end's address on the path)",
                "12:19: error: port must be 1 to 65535, not 0",
                "12:32: error: interval must be 20ms to 10s, not 10ms",
            ]
        )
        try expect(
            "stamp: {peer: 10.99.0.2}",
            give: ["12:19: error: peer 10.99.0.2 is the path's own address (the far end's address on the path)"]
        )
        try expect(
            "stamp-reflector: {local: 10.99.0.1}",
            give: ["12:30: error: local 10.99.0.1 is no address of the path (one of 10.99.0.2, fd00:99::2)"]
        )
        try expect(
            "stamp-reflector: {allow: [\"fd00:99::1/128\"]}",
            give: ["12:31: error: allow fd00:99::1/128 and local 10.99.0.2 are of two families"]
        )
        try expect(
            "stamp-reflector: {allowed: []}",
            give: [
                "12:23: error: unknown key 'allowed' in the stamp-reflector of path 'vpn-a' (did you mean 'allow'?)"
            ]
        )
    }
}
