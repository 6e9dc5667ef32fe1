// SPDX-License-Identifier: Apache-2.0

import Configuration
import NetworkTypes
import SystemIO
import Testing

/// Zones that come from files, and what goes with zones of records.
struct ZoneFileTests {
    private let inline = "records: [\"historian A 10.30.0.10\"]"

    private func file(_ zone: String, instead: String = "file: plant.zone") throws -> TemporaryFile {
        let file = try TemporaryFile(Example.replacing([(inline, instead)]))
        try Files.replace(file.directory + "/plant.zone", with: Array(zone.utf8))
        return file
    }

    private func expect(
        _ zone: String,
        instead: String = "file: plant.zone",
        give expected: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let file = try file(zone, instead: instead)
        let found = file.diagnostics().map { $0.replacing("DIR/", with: "") }
        #expect(found == expected, sourceLocation: sourceLocation)
        try file.remove()
    }

    @Test func readsTheFileBesideTheConfiguration() throws {
        let text = "$TTL 1h\nhistorian A 10.30.0.10\n"
        let file = try file(text)
        let site = try Configuration.load(path: file.path).configuration
        #expect(site.networks[1].zones.map(\.source) == [.file(text)])
        #expect(site.networks[1].zones.map(\.hasPointers) == [true])
        try file.remove()
    }

    @Test func saysTheLinesOfItsMistakes() throws {
        try expect(
            "historian A 10.30.0.10\n\n$INCLUDE more.zone\nx A 10.30.0\n",
            give: [
                "plant.zone:3:1: error: $INCLUDE is not obeyed (put the other file's records here)",
                "plant.zone:4:1: error: 'A 10.30.0': Syntax error, could not parse the RR's rdata "
                    + "(as in 'historian A 10.20.0.10' or 'historian 300 IN A 10.20.0.10')",
            ]
        )
    }

    @Test func missingFile() throws {
        try expect(
            "",
            instead: "file: other.zone",
            give: [
                "48:15: error: file: cannot read 'other.zone': No such file or directory "
                    + "(the name is relative to this file's directory)"
            ]
        )
    }

    @Test func directoryForAFile() throws {
        try expect(
            "",
            instead: "file: keys",
            give: ["48:15: error: file: 'keys' is not a file (a zone file, as RFC 1035 section 5 has it)"]
        )
    }

    @Test func longFile() throws {
        try expect(
            String(repeating: "; xxxxxxxxxxxxxxxxxxxxxxxxxxxx\n", count: 120_000),
            give: [
                "48:15: error: file: 'plant.zone' is longer than 3145728 octets "
                    + "(a zone file, as RFC 1035 section 5 has it)"
            ]
        )
    }

    @Test func notUTF8() throws {
        let file = try file("")
        try Files.replace(file.directory + "/plant.zone", with: Array("a A 10.30.0.1\n; ".utf8) + [0xe9, 0x0a])
        #expect(
            file.diagnostics() == [
                "DIR/plant.zone:2:1: error: the zone file is not UTF-8 (write octets above 126 as \\DDD, and comments in UTF-8)"
            ]
        )
        try file.remove()
    }

    @Test func withoutPointers() throws {
        let file = try file("", instead: "\(inline)\n        ptr: false")
        #expect(try Configuration.load(path: file.path).configuration.networks[1].zones.map(\.hasPointers) == [false])
        try file.remove()
    }

    @Test func pointersOfForwardedNames() throws {
        try Example.expect(
            ("        forward: [10.20.0.53]", "        forward: [10.20.0.53]\n        ptr: true"),
            give: ["40:14: error: 'ptr' has no meaning beside 'forward' (it is for zones with records or a file)"]
        )
    }

    @Test func rewrite() throws {
        let file = try file("", instead: "rewrite: privatelink.blob.core.windows.net")
        #expect(
            try Configuration.load(path: file.path).configuration.networks[1].zones.map(\.source) == [
                .records(["@ DNAME privatelink.blob.core.windows.net."])
            ]
        )
        try file.remove()
    }

    @Test func rewriteIntoItself() throws {
        try expect(
            "",
            instead: "rewrite: a.plant.internal",
            give: [
                "48:18: error: rewrite: 'a.plant.internal' lies in the zone itself (it would be rewritten again and again)"
            ]
        )
    }

    @Test func specialUseNamesForTheUpstreams() throws {
        let file = try TemporaryFile(
            Example.replacing([("  workers: 2", "  workers: 2\n  special-use-upstream: [1.168.192.in-addr.arpa]")])
        )
        let site = try Configuration.load(path: file.path).configuration
        #expect(site.resolver?.specialUseUpstream.map(\.withoutRootDot) == ["1.168.192.in-addr.arpa"])
        try file.remove()
        try Example.expect(
            ("  workers: 2", "  special-use-upstream: [example.net]"),
            give: [
                "52:26: error: special-use-upstream: 'example.net' is no special-use name "
                    + "(it is for names such as 168.192.in-addr.arpa or home.arpa)"
            ]
        )
    }

    private func reverse(_ changes: (String, String)...) throws -> [String] {
        let file = try TemporaryFile(Example.replacing(changes))
        let site = try Configuration.load(path: file.path).configuration
        try file.remove()
        return site.networks.reverseZones.map { zone in
            let source =
                switch zone.source {
                case .pointers: "pointers"
                case .forward(let servers): servers.map(\.description).joined(separator: " ")
                }
            return "\(zone.name.withoutRootDot) \(zone.network) \(source)"
        }
    }

    @Test func reverseNamesBelongToTheNetworkOfTheirPrefix() throws {
        #expect(
            try reverse() == [
                "20.10.in-addr.arpa azure 10.20.0.53:53", "0.0.0.0.0.2.0.0.0.0.d.f.ip6.arpa azure 10.20.0.53:53",
                "30.10.in-addr.arpa aws pointers", "4.20.10.in-addr.arpa aws pointers",
            ]
        )
        // Records without addresses say nothing of reverse names.
        let mixed =
            "forward: [10.20.0.53]\n      - {name: a.internal, rewrite: b.internal}"
            + "\n      - {name: c.internal, records: [\"@ TXT x\"]}"
        #expect(try reverse(("forward: [10.20.0.53]", mixed)).first == "20.10.in-addr.arpa azure 10.20.0.53:53")
        // The file's own zone has the say.
        #expect(
            try reverse(("name: plant.internal", "name: 10.in-addr.arpa")) == [
                "0.0.0.0.0.2.0.0.0.0.d.f.ip6.arpa azure 10.20.0.53:53"
            ]
        )
        #expect(
            try reverse((inline, "\(inline)\n        ptr: false")).filter { $0.contains("aws") } == []
        )
    }

    @Test func moreReverseNamesThanAreMade() throws {
        let prefixes = (0..<9).map { "10.\($0 + 40).128.0/17" }.joined(separator: ", ")
        try Example.expect(
            ("[10.30.0.0/16, 10.20.4.0/24]", "[10.30.0.0/16, \(prefixes)]"),
            give: [
                "41:142: warning: from 10.47.128.0/17 on, network 'aws' has no reverse names (its prefixes make more than "
                    + "1024 zones; prefixes of /8, /16 and /24 make one each)"
            ]
        )
    }
}
