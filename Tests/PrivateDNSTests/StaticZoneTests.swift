// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import PrivateDNS

struct StaticZoneTests {
    private func scenario(_ records: [String]) throws -> Scenario {
        let scenario = Scenario()
        scenario.adopt([
            try Scenario.zone("plant.internal", records: records, realm: Scenario.path("pn-a"))
        ])
        return scenario
    }

    @Test func answersARecordInTheClientsOwnCase() throws {
        let scenario = try scenario(["historian A 10.20.0.10"])
        let answer = scenario.ask(MessageText.query("HISTORIAN.plant.Internal", edns: MessageText.opt()).bytes)
        let expected: [UInt8] =
            [0x12, 0x34]  // id
            + [0x85, 0x80]  // response, AA, RD, RA
            + [0, 1, 0, 1, 0, 0, 0, 1]  // one question, one answer, OPT
            + [9] + Array("HISTORIAN".utf8) + [5] + Array("plant".utf8) + [8] + Array("Internal".utf8) + [0]
            + [0, 1, 0, 1]  // A, IN
            + [0xc0, 0x0c, 0, 1, 0, 1]  // owner is the question's, A, IN
            + [0, 0, 0, 60, 0, 4, 10, 20, 0, 10]  // TTL, length, address
            + [0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0]  // OPT, 1232 octets, nothing else
        #expect(answer == expected)
    }

    @Test func saysNoDataWithSOAForAnotherType() throws {
        let reply = try #require(scenario(["historian A 10.20.0.10"]).ask("historian.plant.internal", .aaaa))
        #expect(reply.code == 0)
        #expect(reply.counts == [1, 0, 1, 0])
        let soa = try #require(reply.records.first)
        #expect(soa.owner == "plant.internal")
        #expect(soa.type == .soa)
        #expect(soa.ttl == NegativeAnswer.ttl)
    }

    @Test func saysNXDomainOnlyWhereNothingIsBelow() throws {
        let scenario = try scenario(["a.b.c A 10.0.0.1"])
        #expect(scenario.ask("x.plant.internal")?.code == 3)
        #expect(scenario.ask("x.plant.internal")?.records.first?.owner == "plant.internal")
        #expect(scenario.ask("c.plant.internal")?.code == 0)
        #expect(scenario.ask("b.c.plant.internal")?.counts == [1, 0, 1, 0])
        #expect(scenario.ask("plant.internal")?.code == 0)
        #expect(scenario.ask("plant.internal", .soa)?.counts == [1, 1, 0, 0])
    }

    @Test func followsAliasesWithinTheZone() throws {
        let scenario = try scenario(["www CNAME web", "web CNAME host", "host A 10.0.0.1", "host A 10.0.0.2"])
        let reply = try #require(scenario.ask("www.plant.internal"))
        #expect(reply.records.map(\.owner) == ["www", "web", "host", "host"].map { "\($0).plant.internal" })
        #expect(reply.addresses == ["10.0.0.1", "10.0.0.2"])
        #expect(scenario.ask("www.plant.internal", .aaaa)?.counts == [1, 2, 1, 0])
        #expect(scenario.ask("www.plant.internal", .cname)?.counts == [1, 1, 0, 0])
    }

    @Test func survivesALoopOfAliases() throws {
        let reply = try #require(scenario(["a CNAME b", "b CNAME a"]).ask("a.plant.internal"))
        #expect(reply.code == 0)
    }

    @Test func resolvesAnAliasThatLeavesTheZone() throws {
        let scenario = try scenario(["www CNAME host.example.net."])
        #expect(scenario.ask("WWW.plant.internal") == nil)
        let asked = try #require(scenario.takeAsked().first)
        #expect(asked.server == Scenario.upstream)
        let record = MessageText.record("host.example.net", .a, ttl: 300, [192, 0, 2, 1])
        scenario.reply(MessageText.answer(to: asked.message, answers: [record]), to: asked)
        let reply = try #require(scenario.takeAnswers().first)
        #expect(reply.records.map(\.owner) == ["www.plant.internal", "host.example.net"])
        #expect(reply.addresses == ["192.0.2.1"])
        // From the cache the second time.
        #expect(scenario.ask("www.plant.internal")?.addresses == ["192.0.2.1"])
    }

    @Test func answersANYWithOneSet() throws {
        let reply = try #require(scenario(["h A 10.0.0.1", "h TXT x"]).ask("h.plant.internal", .any))
        #expect(reply.counts == [1, 1, 0, 0])
    }

    @Test func truncatesAtTheBorderOfASet() throws {
        let scenario = try scenario((0..<60).map { "many A 10.0.1.\($0)" } + ["short CNAME many"])
        let plain = try #require(scenario.ask("many.plant.internal"))
        #expect(plain.isTruncated)
        #expect(plain.counts == [1, 0, 0, 0])
        let alias = try #require(scenario.ask("short.plant.internal", edns: MessageText.opt(size: 600)))
        #expect(alias.isTruncated)
        #expect(alias.counts == [1, 1, 0, 1])
        #expect(alias.bytes.count <= 600)
        let whole = try #require(scenario.ask("many.plant.internal", edns: MessageText.opt(size: 4096)))
        #expect(!whole.isTruncated)
        #expect(whole.addresses.count == 60)
        let stream = scenario.ask(MessageText.query("many.plant.internal").bytes, isStream: true)
        #expect(try Reply(#require(stream)).addresses.count == 60)
    }
}
