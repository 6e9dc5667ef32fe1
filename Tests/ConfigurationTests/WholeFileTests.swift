// SPDX-License-Identifier: Apache-2.0

import Configuration
import NetworkTypes
import SystemIO
import Testing

struct WholeFileTests {
    private func diagnostics(_ octets: [UInt8]) -> [String] {
        do {
            return try Configuration.read(octets, file: "f").warnings.map(\.description)
        } catch {
            return error.diagnostics.map(\.description)
        }
    }

    @Test func refusesAFileThatIsNotThere() {
        #expect(throws: ConfigurationErrors.self) { try Configuration.load(path: "/nowhere/pnetd.yaml") }
        do {
            _ = try Configuration.load(path: "/nowhere/pnetd.yaml")
        } catch {
            #expect(error.description == "/nowhere/pnetd.yaml: error: cannot read the file: No such file or directory")
        }
    }

    @Test func refusesADirectory() {
        do {
            _ = try Configuration.load(path: "/tmp")
        } catch {
            #expect(error.description == "/tmp: error: cannot read the file: Is a directory")
        }
    }

    @Test(arguments: ["", "\n\n", "# nothing\n", "---\n"])
    func refusesAnEmptyFile(text: String) {
        let expected =
            text == "---\n"
            ? ["f:2:1: error: the file must be a mapping, not nothing"]
            : ["f:1:1: error: the file is empty (a file begins with 'version: 1')"]
        #expect(diagnostics(Array(text.utf8)) == expected)
    }

    @Test func refusesTextAndListsAsAFile() {
        #expect(diagnostics(Array("hello\n".utf8)) == ["f:1:1: error: the file must be a mapping, not text"])
        #expect(diagnostics(Array("- version: 1\n".utf8)) == ["f:1:1: error: the file must be a mapping, not a list"])
    }

    @Test func refusesWhatIsNoUTF8() {
        let octets = Array("version: 1\nsite: plänt ".utf8) + [0xff, 0x0a]
        #expect(diagnostics(octets) == ["f:2:13: error: the file is not UTF-8 (save it as UTF-8)"])
    }

    @Test func refusesControlCharacters() {
        #expect(
            diagnostics(Array("version: 1\nsite: a\u{1}b\n".utf8)) == [
                "f:2:8: error: control characters are not allowed"
            ]
        )
    }

    @Test func takesAByteOrderMarkForNothing() throws {
        let file = try TemporaryFile([0xef, 0xbb, 0xbf] + Array(Example.text.utf8))
        #expect(file.diagnostics() == [])
        try file.remove()
    }

    @Test func refusesPathsThatAreAListWithoutBlamingThoseThatNameThem() throws {
        let start = try #require(Example.text.firstRange(of: "paths:\n"))
        let end = try #require(Example.text.firstRange(of: "networks:\n"))
        let text = Example.text[..<start.lowerBound] + "paths: [vpn-a]\n" + Example.text[end.lowerBound...]
        let file = try TemporaryFile(Array(text.utf8))
        #expect(file.diagnostics() == ["3:8: error: paths must be a mapping, not a list"])
        try file.remove()
    }

    @Test func refusesMorePathsAndNetworksThanThereIsRoomFor() throws {
        let paths = (0...62).map { "  p\($0): {kind: ipsec}\n" }.joined()
        let networks = (0...120).map { "  n\($0): []\n" }.joined()
        let text = "version: 1\nsite: s\npaths:\n" + paths + "networks:\n" + networks
        let found = diagnostics(Array(text.utf8))
        #expect(found.contains("f:66:3: error: more than 62 paths"))
        #expect(found.contains("f:188:3: error: more than 120 networks"))
    }

    @Test func saysAllMistakesAtOnceInTheOrderOfTheirLines() throws {
        try Example.expect(
            ("version: 1", "version: 3"),
            ("interface: pn-b", "interface: pn-a"),
            ("mtu: 1420", "mtuu: 1420"),
            ("keys/a.psk", "keys/open.key"),
            ("[10.20.0.0/16,", "[10.20.0.1/16,"),
            ("paths: [vpn-b]", "paths: [vpn-x]"),
            ("workers: 2", "workers: many"),
            give: [
                "1:10: error: version 3 is not known (this pnetd reads version 1)",
                "10:5: error: unknown key 'mtuu' in path 'vpn-a' (did you mean 'mtu'?)",
                "14:29: error: preshared-key-file: 'keys/open.key' is open to others than its owner "
                    + "(chmod 600 DIR/keys/open.key)",
                "20:16: error: interface 'pn-a' belongs to path 'vpn-a' already (the first is on line 6)",
                "29:16: error: prefixes: '10.20.0.1/16' has host bits set (did you mean 10.20.0.0/16?)",
                "42:13: error: unknown path 'vpn-x' (did you mean 'vpn-a'?)",
                "52:12: error: workers must be a whole number, not 'many'",
            ]
        )
    }

    @Test func saysWhichRecordsCannotBeServed() throws {
        try Example.expect(
            ("[\"historian A 10.30.0.10\"]", "[\"historian A 10.20.0\", \"ok A 10.20.0.1\", \"*.x DNAME y\"]"),
            give: [
                "48:19: error: records: 'historian A 10.20.0': Syntax error, could not parse the RR's rdata "
                    + "(as in 'historian A 10.20.0.10' or 'historian 60 IN A 10.20.0.10')",
                "48:60: error: records: a wildcard with a DNAME has no meaning (write the names out)",
            ]
        )
    }

    @Test func neverRepeatsWhatAKeyFileHolds() throws {
        let file = try TemporaryFile(
            Example.replacing([("preshared-key-file: keys/a.psk", "preshared-key-file: keys/bad.key")])
        )
        let all = file.diagnostics().joined()
        #expect(all.contains("holds no WireGuard key"))
        #expect(!all.contains(TemporaryFile.badKey.prefix(8)))
        try file.remove()
    }
}
