// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import PrivateDNS

struct WildcardTests {
    private func scenario(_ records: [String], zone: String = "plant.internal") throws -> Scenario {
        let scenario = Scenario()
        scenario.adopt([try Scenario.zone(zone, records: records, realm: Scenario.path("pn-a"))])
        return scenario
    }

    /// The zone and the questions of RFC 4592 section 2.2.1.
    private let example = [
        "* 3600 TXT \"this is a wildcard\"", "* 3600 MX 10 host1.example.", "sub.* 3600 TXT \"this is not a wildcard\"",
        "host1 3600 A 192.0.2.1", "_ssh._tcp.host1 3600 SRV 0 5 22 host1.example.",
        "_ssh._tcp.host2 3600 SRV 0 5 22 host1.example.",
    ]

    @Test(arguments: [
        ("host3.example", RecordType.mx), ("foo.bar.example", RecordType(rawValue: 16)),
    ])
    func synthesisesUnderTheNameThatWasAsked(name: String, type: RecordType) throws {
        let reply = try #require(scenario(example, zone: "example").ask(name, type))
        #expect(reply.code == 0)
        #expect(reply.counts == [1, 1, 0, 0])
        #expect(reply.records.map(\.owner) == [name])
        #expect(reply.records.map(\.type) == [type])
        #expect(reply.records.map(\.ttl) == [3600])
    }

    @Test func saysNoDataForATypeThatTheWildcardHasNot() throws {
        let reply = try #require(scenario(example, zone: "example").ask("host3.example", .a))
        #expect(reply.code == 0)
        #expect(reply.counts == [1, 0, 1, 0])
        #expect(reply.records.map(\.owner) == ["example"])
        #expect(reply.records.map(\.type) == [.soa])
    }

    @Test(arguments: [
        // The name exists.
        ("host1.example", RecordType.mx, 0),
        // The name exists, as a wildcard that is asked literally has data of its own only.
        ("sub.*.example", .mx, 0),
        // Its closest encloser is an empty non-terminal.
        ("_telnet._tcp.host1.example", RecordType(rawValue: 33), 3),
        // Its closest encloser exists, and has no wildcard.
        ("host.host2.example", .mx, 3),
        // The asterisk exists, so it is the closest encloser.
        ("ghost.*.example", .mx, 3),
        // An empty non-terminal exists.
        ("_tcp.host1.example", .mx, 0), ("host2.example", .mx, 0),
    ])
    func doesNotSynthesiseBesideWhatExists(name: String, type: RecordType, code: Int) throws {
        let reply = try #require(scenario(example, zone: "example").ask(name, type))
        #expect(reply.code == code)
        #expect(reply.counts == [1, 0, 1, 0])
    }

    @Test func answersForTheAsteriskItself() throws {
        let reply = try #require(scenario(["* A 10.0.0.1"]).ask("*.plant.internal"))
        #expect(reply.records.map(\.owner) == ["*.plant.internal"])
        #expect(reply.addresses == ["10.0.0.1"])
    }

    @Test func keepsTheCaseOfTheQuestion() throws {
        let answer = try #require(
            scenario(["*.apps A 10.0.0.1"]).ask(MessageText.query("X.y.APPS.plant.internal").bytes)
        )
        let expected: [UInt8] =
            [0x12, 0x34, 0x85, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]  // id, response with AA, one answer
            + MessageText.wire("X.y.APPS.plant.internal") + [0, 1, 0, 1]
            + [0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 0, 1]  // its owner is the question's name
        #expect(answer == expected)
    }

    @Test func takesTheWildcardOfTheClosestEncloser() throws {
        let scenario = try scenario(["* A 10.0.0.1", "*.apps A 10.0.0.2", "web.apps A 10.0.0.3"])
        #expect(scenario.ask("x.plant.internal")?.addresses == ["10.0.0.1"])
        #expect(scenario.ask("x.apps.plant.internal")?.addresses == ["10.0.0.2"])
        #expect(scenario.ask("x.y.apps.plant.internal")?.addresses == ["10.0.0.2"])
        #expect(scenario.ask("web.apps.plant.internal")?.addresses == ["10.0.0.3"])
        #expect(scenario.ask("x.web.apps.plant.internal")?.code == 3)
        #expect(scenario.ask("apps.plant.internal")?.counts == [1, 0, 1, 0])
    }

    @Test func followsTheAliasOfAWildcardWithinTheZone() throws {
        let scenario = try scenario(["* CNAME web", "web A 10.0.0.3"])
        let reply = try #require(scenario.ask("x.plant.internal"))
        #expect(reply.records.map(\.owner) == ["x.plant.internal", "web.plant.internal"])
        #expect(reply.records.map(\.type) == [.cname, .a])
        #expect(reply.addresses == ["10.0.0.3"])
        #expect(scenario.ask("x.plant.internal", .cname)?.counts == [1, 1, 0, 0])
        #expect(scenario.ask("x.plant.internal", .aaaa)?.counts == [1, 1, 1, 0])
    }

    @Test func looksTheAliasOfAWildcardUpThatLeavesTheZone() throws {
        let scenario = try scenario(["* CNAME host.example.net."])
        #expect(scenario.ask("a.b.plant.internal") == nil)
        let asked = try #require(scenario.takeAsked().first)
        let record = MessageText.record("host.example.net", .a, ttl: 300, [192, 0, 2, 1])
        scenario.reply(MessageText.answer(to: asked.message, answers: [record]), to: asked)
        let reply = try #require(scenario.takeAnswers().first)
        #expect(reply.records.map(\.owner) == ["a.b.plant.internal", "host.example.net"])
        #expect(reply.addresses == ["192.0.2.1"])
    }

    @Test func followsAnAliasIntoAWildcard() throws {
        let reply = try #require(scenario(["www CNAME x.apps", "*.apps A 10.0.0.2"]).ask("www.plant.internal"))
        #expect(reply.records.map(\.owner) == ["www.plant.internal", "x.apps.plant.internal"])
        #expect(reply.addresses == ["10.0.0.2"])
    }

    @Test func survivesAWildcardThatIsAnAliasOfItself() throws {
        let reply = try #require(scenario(["* CNAME x"]).ask("y.plant.internal"))
        #expect(reply.code == 0)
    }

    @Test func answersThroughAnAliasFromElsewhere() throws {
        let scenario = Scenario()
        scenario.adopt([
            try Scenario.zone("plant.internal", records: ["*.apps A 10.0.0.2"], realm: Scenario.path("pn-a")),
            try Scenario.zone(
                "other.internal",
                records: ["www CNAME x.apps.plant.internal."],
                realm: Scenario.path("pn-a")
            ),
        ])
        let reply = try #require(scenario.ask("www.other.internal"))
        #expect(reply.records.map(\.owner) == ["www.other.internal", "x.apps.plant.internal"])
        #expect(reply.addresses == ["10.0.0.2"])
    }
}
