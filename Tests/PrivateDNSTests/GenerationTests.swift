// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import PrivateDNS

/// What a decision does to answers: those in flight, those kept, those to come.
struct GenerationTests {
    private let name = "hub.azure.test"

    private func zone(_ realm: Policy.Realm, _ generation: UInt64) throws -> [Policy.Zone] {
        [try Scenario.zone("azure.test", realm: realm, generation: generation)]
    }

    private func answer(_ scenario: Scenario, _ asked: Resolution.Asking, _ last: UInt8) {
        let record = MessageText.record(name, .a, ttl: 300, [10, 20, 0, last])
        scenario.reply(MessageText.answer(to: asked.message, answers: [record]), to: asked)
    }

    @Test func asksAnewAtOnceByTheNewPath() throws {
        let scenario = Scenario()
        scenario.adopt(try zone(Scenario.path("pn-a"), 1))
        scenario.ask(name)
        let old = try #require(scenario.takeAsked().first)
        scenario.adopt(try zone(Scenario.path("pn-b"), 1))
        let new = try #require(scenario.takeAsked().first)
        #expect(new.interface == InterfaceName("pn-b"))
        #expect(scenario.closed == [old.attempt])
        answer(scenario, old, 66)
        #expect(scenario.takeAnswers().isEmpty)
        answer(scenario, new, 7)
        #expect(scenario.takeAnswers().first?.addresses == ["10.20.0.7"])
        #expect(scenario.tally.staleGenerationDrops == 0)
    }

    @Test func keepsTheCacheBetweenPrivatePaths() throws {
        let scenario = Scenario()
        scenario.adopt(try zone(Scenario.path("pn-a"), 1))
        scenario.ask(name)
        answer(scenario, try #require(scenario.takeAsked().first), 7)
        scenario.adopt(try zone(Scenario.path("pn-b"), 1))
        #expect(scenario.ask(name)?.addresses == ["10.20.0.7"])
    }

    @Test func forgetsFailuresOfTheDeadPath() throws {
        let scenario = Scenario()
        scenario.adopt(try zone(Scenario.path("pn-a"), 1))
        scenario.ask(name)
        scenario.pass(.seconds(3))
        #expect(scenario.takeAnswers().first?.code == 2)
        #expect(scenario.ask(name)?.code == 2)
        scenario.adopt(try zone(Scenario.path("pn-b"), 1))
        _ = scenario.takeAsked()
        #expect(scenario.ask(name) == nil)
        #expect(scenario.takeAsked().count == 1)
    }

    @Test func answersWaitingClientsByTheNewGeneration() throws {
        let scenario = Scenario()
        scenario.adopt(try zone(Scenario.path("pn-a"), 1))
        scenario.ask(name, edns: MessageText.opt())
        let old = try #require(scenario.takeAsked().first)
        scenario.adopt(try zone(.blocked("no path since 12:00"), 2))
        let reply = try #require(scenario.takeAnswers().first)
        #expect(reply.code == 2)
        #expect(reply.extendedError?.code == 23)
        #expect(reply.extendedError?.text == "no path since 12:00")
        #expect(scenario.closed == [old.attempt])
        #expect(scenario.tally.staleGenerationDrops == 1)
        answer(scenario, old, 66)
        #expect(scenario.takeAnswers().isEmpty)
    }

    @Test func neverAnswersFromAnEarlierGeneration() throws {
        let scenario = Scenario()
        scenario.adopt(try zone(Scenario.path("pn-a"), 1))
        scenario.ask(name)
        answer(scenario, try #require(scenario.takeAsked().first), 7)
        scenario.adopt(try zone(.public, 2))
        #expect(scenario.ask(name) == nil)
        let asked = try #require(scenario.takeAsked().first)
        #expect(asked.server == Scenario.upstream)
        #expect(asked.interface == nil)
        answer(scenario, asked, 8)
        _ = scenario.takeAnswers()
        scenario.adopt(try zone(Scenario.path("pn-a"), 3))
        #expect(scenario.ask(name) == nil)
    }

    /// An agent that starts anew counts generations from one again.
    @Test func keepsRealmsApartThatShareAGenerationNumber() throws {
        let scenario = Scenario()
        scenario.adopt(try zone(.public, 1))
        scenario.ask(name)
        answer(scenario, try #require(scenario.takeAsked().first), 8)
        scenario.adopt(try zone(Scenario.path("pn-a"), 1))
        #expect(scenario.ask(name) == nil)
    }

    @Test func putsEveryWaitingQuestionAnewWhenAZoneAppears() throws {
        let scenario = Scenario()
        scenario.adopt([])
        scenario.ask(name)
        #expect(scenario.takeAsked().map(\.server) == [Scenario.upstream])
        scenario.adopt(try zone(Scenario.path("pn-a"), 1))
        #expect(scenario.takeAsked().map(\.server) == [Scenario.cloud])
        #expect(scenario.tally.staleGenerationDrops == 1)
    }

    @Test func leavesTheRestInFlightAlone() throws {
        let scenario = Scenario()
        scenario.adopt(try zone(Scenario.path("pn-a"), 1))
        scenario.ask("example.net", id: 5)
        let asked = try #require(scenario.takeAsked().first)
        scenario.adopt(try zone(.blocked("x"), 2))
        #expect(scenario.takeAsked().isEmpty)
        #expect(scenario.closed.isEmpty)
        scenario.reply(MessageText.answer(to: asked.message, code: 3), to: asked)
        #expect(scenario.takeAnswers().map(\.id) == [5])
    }

    @Test(arguments: [(Policy.BlockedAnswer.servfail, 2, 0), (.nxdomain, 3, 1), (.nodata, 0, 1)])
    func answersABlockedZoneAsTheFileSays(answer: Policy.BlockedAnswer, code: Int, authority: Int) throws {
        let scenario = Scenario()
        scenario.adopt(try zone(.blocked("leased down since 12:00"), 1), whenBlocked: answer)
        let reply = try #require(scenario.ask(name, edns: MessageText.opt()))
        #expect(reply.code == code)
        #expect(reply.counts == [1, 0, authority, 1])
        #expect(reply.extendedError?.code == 23)
        #expect(reply.extendedError?.text == "leased down since 12:00")
        #expect(scenario.tally.blockedAnswers == [1])
        if authority == 1 { #expect(reply.records.first?.owner == "azure.test") }
        // Without EDNS the code alone has to do.
        #expect(scenario.ask(name)?.counts == [1, 0, authority, 0])
    }

    @Test func blocksBehindAnAliasAsWell() throws {
        let scenario = Scenario()
        scenario.adopt(try zone(.blocked("x"), 1))
        scenario.ask("www.example.net", edns: MessageText.opt())
        let asked = try #require(scenario.takeAsked().first)
        let records = [
            MessageText.record("www.example.net", .cname, ttl: 60, MessageText.wire(name)),
            MessageText.record(name, .a, ttl: 60, [20, 1, 2, 3]),
        ]
        scenario.reply(MessageText.answer(to: asked.message, answers: records), to: asked)
        let reply = try #require(scenario.takeAnswers().first)
        #expect(reply.code == 2)
        #expect(reply.addresses.isEmpty)
        #expect(reply.extendedError?.code == 23)
    }

    @Test func matchesTheLongestZone() throws {
        let scenario = Scenario()
        scenario.adopt([
            try Scenario.zone("test", records: ["x A 10.0.0.1"], realm: Scenario.path("pn-a")),
            try Scenario.zone("azure.test", realm: .blocked("x")),
        ])
        #expect(scenario.ask("x.test")?.addresses == ["10.0.0.1"])
        #expect(scenario.ask("x.azure.test")?.code == 2)
        #expect(scenario.ask("xazure.test")?.code == 3)
        #expect(scenario.ask("azure.test")?.code == 2)
    }
}

/// What a client may be told is looked at anew with each policy.
@Suite struct AdoptionTests {
    private let name = "hub.azure.test"

    private func zone() throws -> Policy.Zone { try Scenario.zone("azure.test", realm: Scenario.path("pn-a")) }

    @Test func whoMayNotAskAnyMoreIsRefusedWhileItWaits() throws {
        let scenario = Scenario()
        scenario.adopt([try zone()])
        scenario.ask(name)
        scenario.adopt([try zone()], allow: ["10.0.0.0/8"])
        #expect(scenario.takeAnswers().map(\.code) == [5])
    }

    /// However often the path changes under a question, its client has an answer before it asks again.
    @Test func aFlappingPathEndsAQuestionAllTheSame() throws {
        let scenario = Scenario()
        scenario.adopt([try zone()])
        scenario.ask(name)
        for round in 0..<20 {
            scenario.pass(.milliseconds(500))
            let path = round % 2 == 0 ? "pn-b" : "pn-a"
            scenario.adopt([try Scenario.zone("azure.test", realm: Scenario.path(path))])
        }
        #expect(scenario.takeAnswers().map(\.code) == [2])
    }

    /// A question that came before the kernel was asked to tell by which interface it comes.
    @Test func nobodyOnAnInterfaceThatIsNotKnownSeesTheCommonView() throws {
        let scenario = Scenario()
        let view = Policy.View(name: "ot", clients: nil, interfaces: [7], zones: [])
        scenario.adopt(
            [try Scenario.zone("azure.test", records: ["hub A 10.20.0.1"], realm: Scenario.path("pn-a"))],
            views: [view]
        )
        let query = MessageText.query(name, .a).bytes
        #expect(scenario.ask(query, on: 0) == nil)
        #expect(scenario.ask(query, on: 8) != nil)
    }

    @Test func negativeAnswersHoldNoLongerThanTheFileSays() throws {
        let zone = try Scenario.zone("azure.test", records: ["hub A 10.20.0.1"], realm: Scenario.path("pn-a"))
        let scenario = Scenario()
        scenario.adopt([zone], pathBoundTTL: 2)
        let reply = try #require(scenario.ask("none.azure.test"))
        #expect(reply.code == 3 && reply.records.first?.ttl == 2)
    }
}
