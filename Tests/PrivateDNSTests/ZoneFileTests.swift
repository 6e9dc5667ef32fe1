// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import PrivateDNS

struct ZoneFileTests {
    private func records(_ text: String, zone: String = "plant.internal") throws -> ZoneRecords {
        try ZoneRecords(zone: try #require(DomainName(zone)), file: text)
    }

    /// Each set as `owner TTL type count`.
    private func sets(_ text: String) throws -> [String] {
        try records(text).sets.map { "\($0.owner.withoutRootDot) \($0.ttl) \($0.type.rawValue) \($0.data.count)" }
    }

    private func faults(_ text: String) throws -> [String] {
        let zone = try #require(DomainName("plant.internal"))
        do {
            _ = try ZoneRecords(zone: zone, file: text)
            return []
        } catch {
            return error.faults.map { "\($0.line): \($0.problem)" }
        }
    }

    private func scenario(_ text: String) throws -> Scenario {
        let scenario = Scenario()
        scenario.adopt([
            Policy.Zone(
                name: try #require(DomainName("plant.internal")),
                network: try #require(NetworkName("plant")),
                content: .records(StaticZone(try records(text))),
                realm: try Scenario.path("pn-a"),
                generation: 1
            )
        ])
        return scenario
    }

    private let whole = """
        ; a zone as it is usually written
        $ORIGIN plant.internal.
        $TTL 1h
        @       IN SOA ns1 hostmaster (
                        2026112801 ; serial
                        3600       ; refresh
                        900 604800
                        120 )      ; minimum
                IN NS ns1
                IN NS ns2.example.net.
        ns1     A 10.30.0.53
        historian 300 IN A 10.30.0.10
                  IN 300 AAAA fd00:30::10
        $ORIGIN line1.plant.internal.
        plc     A 10.30.1.1
        @       TXT "a ; b ( c" unquoted\\;word
        $ORIGIN deeper
        x       CNAME plc.line1.plant.internal.
        mail    MX 10 @

        """

    @Test func readsAWholeFile() throws {
        #expect(
            try sets(whole) == [
                "plant.internal 3600 6 1", "plant.internal 3600 2 2", "ns1.plant.internal 3600 1 1",
                "historian.plant.internal 300 1 1", "historian.plant.internal 300 28 1",
                "plc.line1.plant.internal 3600 1 1", "line1.plant.internal 3600 16 1",
                "x.deeper.line1.plant.internal 3600 5 1", "mail.deeper.line1.plant.internal 3600 15 1",
            ]
        )
        let sets = try records(whole).sets
        #expect(sets[6].data == [[9] + Array("a ; b ( c".utf8) + [13] + Array("unquoted;word".utf8)])
        #expect(sets[8].data == [[0, 10] + MessageText.wire("deeper.line1.plant.internal")])
    }

    @Test func serveItsOwnSOAAndServers() throws {
        let scenario = try scenario(whole)
        let soa = try #require(scenario.ask("plant.internal", .soa)?.records.first)
        #expect(soa.ttl == 3600)
        #expect(scenario.ask("plant.internal", .ns)?.counts == [1, 2, 0, 0])
        // RFC 2308 section 3: its TTL or its MINIMUM, the smaller.
        for name in ["no.plant.internal", "historian.plant.internal"] {
            let reply = try #require(scenario.ask(name, .mx))
            #expect(reply.counts == [1, 0, 1, 0])
            #expect(reply.records.map(\.owner) == ["plant.internal"])
            #expect(reply.records.map(\.ttl) == [120])
        }
        #expect(scenario.ask("no.plant.internal")?.code == 3)
    }

    @Test(
        arguments: [
            ("a 1h30m A 10.0.0.1", 5400), ("a IN 90 A 10.0.0.1", 90), ("a 90 in A 10.0.0.1", 90),
            ("a 2D A 10.0.0.1", 172_800),
            ("a A 10.0.0.1", 60), ("$TTL 7\na A 10.0.0.1", 7), ("$TTL 7\na 8 A 10.0.0.1", 8), ("a 0 A 10.0.0.1", 0),
            ("$ttl 0\na A 10.0.0.1", 0),
        ] as [(String, UInt32)]
    )
    func givesARecordItsTTL(text: String, ttl: UInt32) throws {
        #expect(try records(text).sets.map(\.ttl) == [ttl])
    }

    /// RFC 1035 section 5.1: the last one that was stated.
    @Test func takesTheTTLOfTheRecordBefore() throws {
        #expect(try records("a 90 A 10.0.0.1\nb A 10.0.0.2\n").sets.map(\.ttl) == [90, 90])
    }

    @Test(arguments: [
        "", "\n\n; nothing\n   \n", "a A 10.0.0.1", "a A 10.0.0.1\r\nb A 10.0.0.2\r\n", "a ( A\n10.0.0.1 )",
        "(\na A 10.0.0.1)",
        "\u{feff}a A 10.0.0.1", "a\\.b A 10.0.0.1", "\\$x A 10.0.0.1", "a TXT \"x\\\"y\"", "* A 10.0.0.1", "@ NS a",
        "a A 10.0.0.1;b", "a TYPE65280 \\# 2 abcd", "a.plant.internal. A 10.0.0.1",
    ])
    func takes(text: String) throws {
        #expect(try faults(text) == [])
    }

    @Test(arguments: [
        ("$INCLUDE other.zone\n", "1: $INCLUDE is not obeyed"),
        ("\n$generate 1-9 a$ A 10.0.0.$\n", "2: $GENERATE is not obeyed"),
        ("$WHAT\n", "1: unknown directive $WHAT"),
        ("$TTL soon\n", "1: $TTL has no time"),
        ("$TTL\n", "1: $TTL has no time"),
        ("$ORIGIN\n", "1: $ORIGIN has no name"),
        ("  A 10.0.0.1\n", "1: the first record has no owner"),
        ("a..b A 10.0.0.1", "1: 'a..b' is no name"),
        ("a 9999999999 A 10.0.0.1", "1: '9999999999' is no TTL"),
        ("a 5x A 10.0.0.1", "1: '5x' is no TTL"),
        ("a CH TXT x", "1: only class IN is served"),
        ("a A (10.0.0.1\n", "1: a '(' is never closed"),
        ("a A 10.0.0.1 )\n", "1: a ')' without '('"),
        ("a A ((10.0.0.1))\n", "1: a second '('"),
        ("a TXT \"x\n", "1: a quotation that does not end on its line"),
        ("a TXT x\\", "1: a '\\' with nothing behind it"),
        ("a TXT x\u{1}y\n", "1: the control character 1"),
        ("a A 10.0.0.1\n; \t\r \u{c}\n", "2: the control character 12"),
        ("$ORIGIN example.net.\na A 10.0.0.1\n", "2: a.example.net. lies outside of zone plant.internal."),
        ("sub NS ns.sub\n", "1: a zone of records delegates nothing"),
        ("sub SOA a b 1 2 3 4 5\n", "1: the SOA is not that of plant.internal."),
        ("@ SOA a b 1 2 3 4 5\n@ SOA a b 2 2 3 4 5\n", "2: a second SOA"),
        ("a A 10.0.0.1\n\na A 10.0.0.1\n", "3: the record is there twice"),
    ])
    func refuses(text: String, fault: String) throws {
        #expect(try faults(text) == [fault])
    }

    @Test func saysWhatLibldnsSays() throws {
        let found = try faults("a A 10.0.0\nb NOTYPE x\nc A\nd A 10.0.0.1 x\n")
        #expect(found.map { $0.prefix(2) } == ["1:", "2:", "3:", "4:"])
        #expect(found[0] == "1: 'A 10.0.0': Syntax error, could not parse the RR's rdata")
    }

    @Test func goesOnBehindAMistakeAndStopsAfterMany() throws {
        #expect(
            try faults("a TXT \"x\nb A 10.0.0.1\nc ( TXT \"y\n z )\nd A 10.0.0\n").map { $0.prefix(2) } == [
                "1:", "3:", "5:",
            ]
        )
        let many = try faults(String(repeating: "a CH TXT x\n", count: 50))
        #expect(many.count == ZoneFileError.faultLimit)
    }

    @Test func boundsWhatItReads() throws {
        let long = "a TXT " + String(repeating: "\"\(String(repeating: "x", count: 200))\" ", count: 100)
        #expect(try faults(long) == ["1: the record is longer than \(ZoneFileLexer.entryLimit) characters"])
        let large = String(repeating: "; xxxxxxxxxxxxxxxxxxxxxxxxxxxx\n", count: 120_000)
        #expect(try faults(large) == ["1: the file is longer than \(ZoneRecords.fileLimit) octets"])
        let wide = (0..<2000).map { "many A 10.0.\($0 / 256).\($0 % 256)\n" }.joined()
        let found = try faults(wide)
        #expect(found.count == ZoneFileError.faultLimit)
        #expect(found.first?.hasSuffix("are longer than 49152 octets") == true)
    }

    /// Random texts of the alphabet that matters: they end, never trap, and have a line.
    @Test func survivesNonsense() throws {
        let zone = try #require(DomainName("plant.internal"))
        let pieces = [
            "a", " ", "\n", "(", ")", "\"", ";", "\\", "$TTL", "$ORIGIN", "A", "10.0.0.1", "TXT", "IN", "@", "*", ".",
            "1h", "\t",
        ]
        for _ in 0..<2000 {
            let text = (0..<Int.random(in: 1...30)).map { _ in pieces.randomElement() ?? "" }.joined()
            do {
                _ = try ZoneRecords(zone: zone, file: text)
            } catch {
                #expect(error.faults.allSatisfy { $0.line >= 1 && !$0.problem.isEmpty && !$0.hint.isEmpty }, "\(text)")
            }
        }
    }

    /// A second is the promise for a machine at work; a debug build takes several times as long as what is shipped.
    @Test func readsTenThousandRecordsAtOnce() throws {
        var text = "$TTL 300\n@ SOA ns hostmaster 1 3600 900 604800 60\n"
        for number in 0..<10_000 {
            text += "host\(number) A 10.\(number / 65536).\(number / 256 % 256).\(number % 256)\n"
        }
        let clock = ContinuousClock()
        var zone: StaticZone?
        let time = try clock.measure { zone = StaticZone(try records(text)) }
        let made = try #require(zone)
        print("10,000 records: \(time)")
        #if DEBUG
            #expect(time < .seconds(8))
        #else
            #expect(time < .seconds(1))
        #endif
        guard case .answer(let answer) = made.find(LookupName(MessageText.wire("host9999.plant.internal")), .a) else {
            Issue.record("no answer")
            return
        }
        #expect(answer.body.suffix(4) == [10, 0, 39, 15])
    }

    /// Each alias holds what it leads to: a file of three megabytes would take gigabytes.
    @Test func refusesAliasesWhoseAnswersDoNotFit() throws {
        let zone = try #require(DomainName("plant.internal"))
        let text = String(repeating: "x", count: 200)
        let large = (0..<150).map { "big TXT \"\($0)\(text)\"" }
        func aliases(_ count: Int) -> [String] { (0..<count).map { "a\($0) CNAME big" } }
        #expect(throws: Never.self) { try ZoneRecords(zone: zone, records: large + aliases(100)) }
        let file = (large + aliases(10_000)).joined(separator: "\n")
        #expect(file.utf8.count < 1 << 20)
        #expect { try ZoneRecords(zone: zone, file: file) } throws: { error in
            "\(error)".contains("answers would take more than 64 MiB")
        }
        // As many that lead to a small one do.
        let small = ["big A 10.20.0.1"] + aliases(10_000)
        #expect(throws: Never.self) { try ZoneRecords(zone: zone, file: small.joined(separator: "\n")) }
    }

    @Test func tellsOfManyMistakesOfRecordsAtOnce() throws {
        let zone = try #require(DomainName("plant.internal"))
        let records = (0..<1_000).map { $0 % 2 == 0 ? "h\($0) A 10.20.0.1" : "h\($0) A nowhere" }
        let mistakes = ZoneRecords.mistakes(in: records, of: zone)
        #expect(mistakes.map(\.index) == (0..<ZoneFileError.faultLimit).map { 2 * $0 + 1 })
    }
}
