// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO
import Testing

@testable import PrivateDNS

/// What answers of signed and unsigned zones are worth (RFC 4035 section 5), from the question on.
struct ValidationTests {
    private static let time: UInt32 = 1_800_000_000

    private let root: SigningKey
    private let tree: SignedTree

    init() throws {
        func key(_ zone: String) throws -> SigningKey {
            try #require(SigningKey(zone, from: Self.time - 86_400, to: Self.time + 86_400))
        }
        root = try key(".")
        func soa(_ zone: String) -> String { "\(zone) SOA ns.\(zone == "." ? "" : zone) admin. 1 2 3 4 60" }
        tree = try SignedTree([
            ".": SignedTree.Zone(
                key: root,
                records: [soa("."), ". NS ns.", "corp. NS ns.corp.", "example. NS ns.example.", "test. NS ns.test."]
            ),
            "corp.": SignedTree.Zone(key: nil, records: [soa("corp."), "a.corp. A 198.51.100.9"]),
            "test.": SignedTree.Zone(
                key: try key("test."),
                records: [
                    soa("test."), "test. NS ns.test.", "site.test. NS ns.site.test.", "zone.test. NS ns.zone.test.",
                ]
            ),
            "site.test.": SignedTree.Zone(
                key: try key("site.test."),
                records: [
                    soa("site.test."), "site.test. NS ns.site.test.", "alias.site.test. CNAME a.corp.",
                    "d.site.test. DNAME site.test.", "inner.site.test. CNAME www.site.test.",
                    "private.site.test. CNAME host.plant.internal.",
                    "*.wild.site.test. A 198.51.100.2", "b.wild.site.test. A 198.51.100.6",
                    "c.wild.site.test. A 198.51.100.7", "www.site.test. A 198.51.100.1",
                ]
            ),
            "zone.test.": SignedTree.Zone(key: nil, records: [soa("zone.test."), "www.zone.test. A 198.51.100.3"]),
            // The zone of RFC 5155 appendix A, of which all gaps opt out.
            "example.": SignedTree.Zone(
                key: try key("example."),
                records: [soa("example."), "example. NS ns1.example.", "ns1.example. A 198.51.100.4"],
                hashed: HashedDenialTests.records(flags: 1)
            ),
            "c.example.": SignedTree.Zone(key: nil, records: [soa("c.example."), "mc.c.example. A 198.51.100.5"]),
        ])
    }

    private func scenario(except negative: [TrustAnchors.Negative] = []) throws -> Scenario {
        let scenario = Scenario(wallSeconds: Self.time)
        try adopt(scenario, except: negative)
        return scenario
    }

    private func adopt(_ scenario: Scenario, except negative: [TrustAnchors.Negative] = []) throws {
        let ds = RecordText.text(root.ds)
        scenario.adopt(
            [
                try Scenario.zone("plant.internal", forward: [Scenario.cloud], realm: Scenario.path("pn-a")),
                try Scenario.zone("private.site.test", forward: [Scenario.cloud], realm: Scenario.path("pn-a")),
            ],
            specialUseUpstream: ["test"],
            anchors: try TrustAnchors(ds, except: negative)
        )
    }

    /// Asks, and lets the servers answer.
    private func ask(
        _ scenario: Scenario,
        _ name: String,
        _ type: RecordType = .a,
        flags: UInt16 = 0x0120,
        dnssecOK: Bool = false
    ) throws -> Reply {
        var query = MessageText.query(name, type, edns: MessageText.opt(dnssecOK: dnssecOK))
        query.flags = flags
        if let answer = scenario.ask(query.bytes) { return Reply(answer) }
        for _ in 0..<100 {
            let questions = scenario.takeAsked()
            if questions.isEmpty { break }
            for question in questions {
                if question.server == Scenario.cloud {
                    let record = MessageText.record(name, .a, ttl: 60, [10, 20, 0, 7])
                    scenario.reply(MessageText.answer(to: question.message, answers: [record]), to: question)
                } else {
                    scenario.reply(tree.answer(question.message), to: question)
                }
            }
        }
        return try #require(scenario.takeAnswers().first)
    }

    private func isAuthentic(_ reply: Reply) -> Bool { reply.bytes[3] & 0x20 != 0 }

    private func outcome(_ reply: Reply) -> String {
        if reply.code == 2 { return "bogus \(reply.extendedError?.code ?? -1)" }
        return (isAuthentic(reply) ? "secure" : "insecure") + " \(reply.code)"
    }

    @Test(arguments: [
        ("www.site.test", "secure 0"), ("inner.site.test", "secure 0"), ("a.wild.site.test", "secure 0"),
        ("no.site.test", "secure 3"), ("wild.site.test", "secure 0"), ("no.test", "secure 3"),
        // Proven not to be signed, by NSEC and by an NSEC3 gap that opts out.
        ("www.zone.test", "insecure 0"), ("no.zone.test", "insecure 3"), ("a.corp", "insecure 0"),
        ("mc.c.example", "insecure 0"),
        // One hop that is not signed.
        ("alias.site.test", "insecure 0"),
        ("ns1.example", "secure 0"),
        // Aliases that a DNAME record makes have no signature of their own.
        ("www.d.site.test", "secure 0"), ("no.d.site.test", "secure 3"), ("alias.d.site.test", "insecure 0"),
    ]) func saysWhatIsAuthentic(name: String, expected: String) throws {
        let scenario = try scenario()
        #expect(outcome(try ask(scenario, name)) == expected)
        // From the cache, to whom does not ask for it, and with signatures.
        #expect(outcome(try ask(scenario, name)) == expected)
        #expect(!isAuthentic(try ask(scenario, name, flags: 0x0100)))
        #expect(outcome(try ask(scenario, name, dnssecOK: true)) == expected)
    }

    @Test func givesSignaturesToThoseAloneWhoWantThem() throws {
        let scenario = try scenario()
        #expect(try ask(scenario, "www.site.test").records.map(\.type) == [.a, .opt])
        #expect(try ask(scenario, "www.site.test", dnssecOK: true).records.map(\.type) == [.a, .rrsig, .opt])
        #expect(try ask(scenario, "no.site.test").records.map(\.type) == [.soa, .opt])
    }

    /// RFC 4035 section 3.2.2: who checks by himself gets what there is.
    @Test func checksNothingForThoseWhoDoThemselves() throws {
        let scenario = try scenario()
        tree.changes["www.site.test. 1"] = { $0.answers[0][$0.answers[0].count - 1] ^= 1 }
        #expect(outcome(try ask(scenario, "www.site.test")) == "bogus 6")
        #expect(try ask(scenario, "www.site.test", flags: 0x0130).addresses == ["198.51.100.0"])
    }

    @Test(arguments: [
        // The data is another, the signature is missing, or of another name's.
        ("www.site.test", "www.site.test. 1", "data", "bogus 6"),
        ("www.site.test", "www.site.test. 1", "unsigned", "bogus 10"),
        ("no.site.test", "no.site.test. 1", "undenied", "bogus 12"),
        ("a.wild.site.test", "a.wild.site.test. 1", "undenied", "bogus 12"),
        // Somebody says that a signed zone is not: without a proof it stays signed.
        ("www.site.test", "site.test. 43", "undenied", "bogus 9"),
        ("www.site.test", "site.test. 43", "data", "bogus 6"),
        ("www.site.test", "site.test. 48", "unsigned", "bogus 10"),
        ("www.zone.test", "zone.test. 43", "undenied", "bogus 10"),
        ("www.site.test", ". 48", "data", "bogus 9"),
        ("www.site.test", "test. 48", "failing", "bogus 9"),
    ]) func answersNothingThatIsBogus(name: String, place: String, fault: String, expected: String) throws {
        let scenario = try scenario()
        tree.changes[place] = { answer in
            switch fault {
            case "data": answer.answers[0][answer.answers[0].count - 1] ^= 1
            case "unsigned": answer.answers.removeLast()
            case "failing": (answer.code, answer.answers) = (2, [])
            default:
                answer.authority = []
                if place.hasSuffix(" 43") { answer.answers = [] }
            }
        }
        let reply = try ask(scenario, name)
        #expect(outcome(reply) == expected)
        #expect(reply.addresses.isEmpty)
        #expect(scenario.tally.bogus[0] == 1)
    }

    /// RFC 6672 section 5.3.1: the alias is to be the one that the DNAME record makes.
    @Test(arguments: ["target", "redirection"]) func aliasesOfAnotherMaking(fault: String) throws {
        let scenario = try scenario()
        tree.changes["www.d.site.test. 1"] = { answer in
            if fault == "target" {
                let alias = try? SignedTree.record("www.d.site.test. CNAME c.wild.site.test.")
                answer.answers[2] = alias?.wire ?? []
                answer.answers.removeLast(2)
                tree.fill(&answer, "c.wild.site.test.", .a)
            } else {
                answer.answers.removeFirst(2)
            }
        }
        #expect(outcome(try ask(scenario, "www.d.site.test")) == "bogus 10")
    }

    /// The proof of a wildcard is good for no other name: it would deny what there is.
    @Test func theProofOfAWildcardIsNoOtherNames() throws {
        func renamed(_ records: [[UInt8]], _ old: String, _ new: String) -> [[UInt8]] {
            let owner = MessageText.wire(old)
            return records.filter { $0.starts(with: owner) }.map { MessageText.wire(new) + $0[owner.count...] }
        }
        let scenario = try scenario()
        tree.changes["c.wild.site.test. 1"] = { answer in
            var forged = SignedTree.Answer()
            tree.fill(&forged, "a.wild.site.test.", .a)
            answer.answers = renamed(forged.answers, "a.wild.site.test", "c.wild.site.test")
            answer.authority = renamed(forged.authority, "*.wild.site.test", "bb.wild.site.test")
        }
        #expect(outcome(try ask(scenario, "c.wild.site.test")) == "bogus 12")
        tree.changes = [:]
        scenario.pass(.seconds(10))
        #expect(outcome(try ask(scenario, "c.wild.site.test")) == "secure 0")
    }

    /// RFC 4035 section 5.3.3: the TTL is no longer than the one that was signed.
    @Test func holdsNoLongerThanWhatWasSigned() throws {
        let scenario = try scenario()
        tree.changes["www.site.test. 1"] = { answer in
            answer.answers[0].replaceSubrange(21..<23, with: [0x0e, 0x10])
        }
        let reply = try ask(scenario, "www.site.test")
        #expect(outcome(reply) == "secure 0")
        let asked = tree.asked.count
        scenario.pass(.seconds(301))
        #expect(outcome(try ask(scenario, "www.site.test")) == "secure 0")
        #expect(tree.asked.count > asked)
    }

    @Test func asksAgainWhatWasBogus() throws {
        let scenario = try scenario()
        tree.changes["www.site.test. 1"] = { $0.answers.removeLast() }
        #expect(outcome(try ask(scenario, "www.site.test")) == "bogus 10")
        tree.changes = [:]
        #expect(outcome(try ask(scenario, "www.site.test")) == "bogus 10")
        scenario.pass(.seconds(10))
        #expect(outcome(try ask(scenario, "www.site.test")) == "secure 0")
    }

    @Test(arguments: [(86_401, "bogus 7"), (86_399, "secure 0")]) func signaturesExpire(
        seconds: Int64,
        expected: String
    ) throws {
        let scenario = try scenario()
        scenario.pass(.seconds(seconds))
        #expect(outcome(try ask(scenario, "www.site.test")) == expected)
    }

    @Test func signaturesBegin() throws {
        let scenario = Scenario(wallSeconds: Self.time - 86_402)
        try adopt(scenario)
        #expect(outcome(try ask(scenario, "www.site.test")) == "bogus 8")
    }

    /// RFC 7646: until it is over.
    @Test func negativeTrustAnchors() throws {
        let name = try #require(DomainName("site.test"))
        let scenario = try scenario(except: [TrustAnchors.Negative(name: name, until: Int64(Self.time) + 100)])
        tree.changes["www.site.test. 1"] = { $0.answers.removeLast() }
        #expect(outcome(try ask(scenario, "www.site.test")) == "insecure 0")
        #expect(tree.asked == ["www.site.test. 1"])
        scenario.pass(.seconds(400))
        #expect(outcome(try ask(scenario, "www.site.test")) == "bogus 10")
    }

    /// Private zones are not signed, whatever is above them.
    @Test func privateZonesBelowSignedOnes() throws {
        let scenario = try scenario()
        let reply = try ask(scenario, "host.plant.internal")
        #expect(outcome(reply) == "insecure 0")
        #expect(reply.addresses == ["10.20.0.7"])
        #expect(outcome(try ask(scenario, "x.private.site.test")) == "insecure 0")
        #expect(tree.asked.isEmpty)
    }

    @Test func eachZonesKeysAreAskedOnce() throws {
        let scenario = try scenario()
        _ = try ask(scenario, "www.site.test")
        let chain = [". 48", "test. 43", "test. 48", "site.test. 43", "site.test. 48"]
        #expect(tree.asked == ["www.site.test. 1"] + chain)
        _ = try ask(scenario, "inner.site.test")
        #expect(tree.asked.count == 7)
    }

    @Test func otherAnchorsForgetWhatWasFound() throws {
        let scenario = try scenario()
        #expect(outcome(try ask(scenario, "www.site.test")) == "secure 0")
        scenario.adopt([], anchors: try TrustAnchors(except: []))
        #expect(outcome(try ask(scenario, "www.site.test")) == "bogus 9")
    }

    /// What was under way is asked anew, and the client gets its answer.
    @Test func anotherPolicyComesWhileAnAnswerIsJudged() throws {
        let scenario = try scenario()
        scenario.ask("www.site.test")
        let first = try #require(scenario.takeAsked().first)
        scenario.reply(tree.answer(first.message), to: first)
        #expect(scenario.takeAsked().map { ScriptServer.text(of: $0.message) } == [". DNSKEY do cd"])
        try adopt(scenario)
        while let asked = scenario.asked.popLast() { scenario.reply(tree.answer(asked.message), to: asked) }
        #expect(scenario.takeAnswers().map(\.addresses) == [["198.51.100.1"]])
        #expect(outcome(try ask(scenario, "www.site.test")) == "secure 0")
    }

    @Test func nobodyTellsOfTheKeys() throws {
        let scenario = try scenario()
        scenario.ask("www.site.test", edns: MessageText.opt())
        let first = try #require(scenario.takeAsked().first)
        scenario.reply(tree.answer(first.message), to: first)
        scenario.pass(.milliseconds(2_900))
        #expect(scenario.takeAnswers().isEmpty)
        scenario.pass(.milliseconds(100))
        #expect(scenario.takeAnswers().map(outcome) == ["bogus 9"])
    }

    /// KeyTrap (CVE-2023-50387): many keys with one tag, and many signatures by them.
    @Test func looksAtSoManySignaturesAndNoMore() throws {
        let key = try #require(SigningKey("x.", from: Self.time - 10, to: Self.time + 10))
        let other = try SignedTree.record("x. A 192.0.2.1").wire
        let data = try SignedTree.record("x. A 192.0.2.2").wire
        let records = data + (0..<20).flatMap { _ in key.sign([other]) }
        var start = 0
        let set = try #require(SignedSet.sets(of: records, count: 21, at: &start).first)
        let record = key.record
        let view = try RecordView(record.span, at: 0)
        let one = try #require(SignatureCheck.Key(record, Array(record[view.data])))
        var check = SignatureCheck(time: Self.time)
        let zone = CanonicalName(MessageText.wire("x"))
        #expect(throws: Bogus.signature) {
            try check.find(over: set, of: zone, by: Array(repeating: one, count: 10))
        }
        #expect(check.count == SignatureCheck.limit)
        #expect(throws: Bogus.signature) { try check.find(over: set, of: zone, by: [one]) }
        #expect(check.count == SignatureCheck.limit)
    }

    @Test func theLibraryCanCheckSignatures() { #expect(TrustAnchors.prepare()) }

    @Test func theAnchorsAreIANAs() throws {
        #expect(try TrustAnchors(except: []).root.map { $0.prefix(4) } == [[79, 102, 8, 2], [151, 40, 8, 2]])
        #expect(throws: TrustAnchors.Failure(line: 2)) { try TrustAnchors("; a comment\n. A 192.0.2.1", except: []) }
        #expect(throws: TrustAnchors.Failure(line: 1)) { try TrustAnchors("\n", except: []) }
    }
}
