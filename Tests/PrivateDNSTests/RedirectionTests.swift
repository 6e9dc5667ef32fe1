// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import PrivateDNS

struct RedirectionTests {
    private func scenario(_ records: [String]) throws -> Scenario {
        let scenario = Scenario()
        scenario.adopt([try Scenario.zone("plant.internal", records: records, realm: Scenario.path("pn-a"))])
        return scenario
    }

    private func text(_ records: [(owner: String, type: RecordType, ttl: UInt32, data: [UInt8])]) -> [String] {
        records.map { "\($0.owner) \($0.ttl) \($0.type.rawValue)" }
    }

    @Test func makesACNAMEWithTheTTLOfTheDNAME() throws {
        let scenario = try scenario(["old 30 DNAME new", "a.new 90 A 10.0.0.1"])
        let reply = try #require(scenario.ask("A.old.plant.internal"))
        #expect(reply.code == 0)
        #expect(
            text(reply.records) == [
                "old.plant.internal 30 39", "a.old.plant.internal 30 5", "a.new.plant.internal 90 1",
            ]
        )
        #expect(reply.records[0].data == MessageText.wire("new.plant.internal"))
        #expect(reply.addresses == ["10.0.0.1"])
    }

    @Test func answersForTheCNAMEItself() throws {
        let reply = try #require(scenario(["old 30 DNAME example.net."]).ask("a.b.old.plant.internal", .cname))
        #expect(text(reply.records) == ["old.plant.internal 30 39", "a.b.old.plant.internal 30 5"])
        #expect(reply.records[1].data == MessageText.wire("a.b.example.net"))
        #expect(reply.counts == [1, 2, 0, 0])
    }

    @Test func leavesTheOwnerWhereItIs() throws {
        let scenario = try scenario(["old DNAME new", "old TXT here"])
        #expect(scenario.ask("old.plant.internal", .dname)?.counts == [1, 1, 0, 0])
        #expect(scenario.ask("old.plant.internal", RecordType(rawValue: 16))?.counts == [1, 1, 0, 0])
        #expect(scenario.ask("old.plant.internal")?.counts == [1, 0, 1, 0])
    }

    @Test func looksATargetUpThatLeavesTheZone() throws {
        let scenario = Scenario()
        scenario.adopt([
            try Scenario.zone("blob.internal", records: ["@ DNAME azure.test."], realm: Scenario.path("pn-a")),
            try Scenario.zone("azure.test", realm: Scenario.path("pn-a")),
        ])
        #expect(scenario.ask("acct.blob.internal") == nil)
        let asked = try #require(scenario.takeAsked().first)
        #expect(asked.server == Scenario.cloud)
        #expect(asked.interface == InterfaceName("pn-a"))
        #expect(asked.message[12..<27].map(\.asciiLowered) == Array(MessageText.wire("acct.azure.test").prefix(15)))
        let record = MessageText.record("acct.azure.test", .a, ttl: 300, [10, 20, 0, 7])
        scenario.reply(MessageText.answer(to: asked.message, answers: [record]), to: asked)
        let reply = try #require(scenario.takeAnswers().first)
        #expect(reply.records.map(\.owner) == ["blob.internal", "acct.blob.internal", "acct.azure.test"])
        #expect(reply.addresses == ["10.20.0.7"])
        // The apex is no name below it.
        #expect(scenario.ask("blob.internal", .soa)?.counts == [1, 1, 0, 0])
    }

    @Test func isBlockedWhereItsTargetIs() throws {
        let scenario = Scenario()
        scenario.adopt([
            try Scenario.zone("blob.internal", records: ["@ DNAME azure.test."], realm: Scenario.path("pn-a")),
            try Scenario.zone("azure.test", realm: .blocked("x")),
        ])
        let reply = try #require(scenario.ask("acct.blob.internal", edns: MessageText.opt()))
        #expect(reply.code == 2)
        #expect(reply.extendedError?.code == 23)
    }

    @Test func saysWhereANameWouldBeTooLong() throws {
        let label = String(repeating: "x", count: 63)
        let scenario = try scenario(["old DNAME \(label).\(label).\(label).example.net."])
        let short = String(repeating: "y", count: 48)
        // 1 + 48, 3 times 64, example.net and the root: 255 octets, less one.
        #expect(scenario.ask("\(short).old.plant.internal", .cname)?.code == 0)
        let reply = try #require(scenario.ask("\(short)yy.old.plant.internal"))
        #expect(reply.code == 6)
        #expect(reply.counts == [1, 1, 0, 0])
        #expect(reply.records.map(\.type) == [.dname])
    }

    @Test func followsAnAliasIntoARedirection() throws {
        let reply = try #require(
            scenario(["www CNAME a.old", "old DNAME new", "a.new A 10.0.0.1"]).ask("www.plant.internal")
        )
        #expect(
            reply.records.map(\.owner) == ["www", "old", "a.old", "a.new"].map { "\($0).plant.internal" }
        )
        #expect(reply.counts == [1, 4, 0, 0])
    }

    @Test func endsALoop() throws {
        let reply = try #require(
            scenario(["a DNAME b", "b DNAME a"]).ask("x.a.plant.internal", edns: MessageText.opt())
        )
        #expect(reply.code == 2)
        #expect(reply.extendedError?.text == "the chain of aliases is too long")
        #expect(try scenario(["a DNAME b", "b DNAME a", "w CNAME x.a"]).ask("w.plant.internal")?.code == 0)
    }
}
