// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import PrivateDNS

/// What one client may cost the others, on a virtual clock.
struct LimitTests {
    private func scenario(_ limits: ClientLimits, _ tables: Resolution.Limits = .init()) throws -> Scenario {
        let scenario = Scenario(limits: tables)
        scenario.adopt(
            [
                try Scenario.zone(
                    "plant.internal",
                    records: ["h A 10.0.0.1", "i A 10.0.0.2"],
                    realm: Scenario.path("pn-a")
                ),
                try Scenario.zone("azure.test", realm: Scenario.path("pn-a")),
            ],
            clientLimits: limits,
            allow: ["0.0.0.0/0", "::/0"]
        )
        return scenario
    }

    private func limits(
        queries: Int = 100_000,
        inFlight: Int = 4096,
        responses: Int = 100_000,
        exempt: [String] = []
    ) -> ClientLimits {
        ClientLimits(
            queriesPerSecond: queries,
            inFlight: inFlight,
            responsesPerSecond: responses,
            exempt: exempt.compactMap { IPPrefix($0) }
        )
    }

    /// How many of so many queries are answered.
    private func answered(_ count: Int, _ scenario: Scenario, from address: String, isStream: Bool = false) -> Int {
        let query = MessageText.query("h.plant.internal").bytes
        guard let address = IPAddress(address) else { return -1 }
        return (0..<count).filter { _ in scenario.ask(query, from: address, isStream: isStream) != nil }.count
    }

    @Test func aClientHasASecondsWorthAtOnceAndThenItsRate() throws {
        let scenario = try scenario(limits(queries: 10))
        #expect(answered(50, scenario, from: "10.1.0.1") == 10)
        scenario.pass(.milliseconds(99))
        #expect(answered(50, scenario, from: "10.1.0.1") == 0)
        scenario.pass(.milliseconds(1))
        #expect(answered(50, scenario, from: "10.1.0.1") == 1)
        scenario.pass(.milliseconds(500))
        #expect(answered(50, scenario, from: "10.1.0.1") == 5)
        scenario.pass(.seconds(60))
        #expect(answered(50, scenario, from: "10.1.0.1") == 10)
        #expect(scenario.tally.limited(.queries) == 224)
    }

    @Test func anotherClientDoesNotPayForIt() throws {
        let scenario = try scenario(limits(queries: 10))
        #expect(answered(50, scenario, from: "10.1.0.1") == 10)
        #expect(answered(50, scenario, from: "10.1.0.2") == 10)
        // The same, as a dual-stack socket shows it.
        #expect(answered(50, scenario, from: "::ffff:10.1.0.2") == 0)
        // One site in IPv6 has 56 bits.
        #expect(answered(50, scenario, from: "2001:db8:1:100::1") == 10)
        #expect(answered(50, scenario, from: "2001:db8:1:1ff::2") == 0)
        #expect(answered(50, scenario, from: "2001:db8:1:200::1") == 10)
    }

    @Test func someAreExemptAndSoAreConnections() throws {
        let scenario = try scenario(limits(queries: 1, responses: 1, exempt: ["127.0.0.0/8"]))
        #expect(answered(50, scenario, from: "127.0.0.1") == 50)
        #expect(answered(50, scenario, from: "10.1.0.1", isStream: true) == 50)
        #expect(answered(50, scenario, from: "10.1.0.1") == 1)
    }

    @Test func malformedQueriesCountAsWell() throws {
        let scenario = try scenario(limits(queries: 3))
        let address = try #require(IPAddress("10.1.0.1"))
        var message = MessageText.query("h.plant.internal")
        message.questions = []
        let replies = (0..<9).compactMap { _ in scenario.ask(message.bytes, from: address) }
        #expect(replies.map { Reply($0).code } == [1, 1, 1])
    }

    @Test func ofTooManyAnswersEverySecondOneSaysTCP() throws {
        let scenario = try scenario(limits(responses: 2))
        let query = MessageText.query("h.plant.internal", edns: MessageText.opt()).bytes
        // Hosts of one /24 share it.
        let replies = try (1...6).map { host in
            scenario.ask(query, from: try #require(IPAddress("10.1.0.\(host)"))).map { Reply($0) }
        }
        #expect(replies[0]?.addresses == ["10.0.0.1"])
        #expect(replies[1]?.addresses == ["10.0.0.1"])
        #expect(replies[2]?.isTruncated == true)
        #expect(replies[2]?.counts == [1, 0, 0, 1])
        #expect(replies[2]?.bytes.count == query.count)
        #expect(replies[3] == nil)
        #expect(replies[4]?.isTruncated == true)
        #expect(replies[5] == nil)
        #expect(scenario.tally.limited(.responses) == 4)
        // Another name, another prefix, another second.
        #expect(
            scenario.ask(MessageText.query("i.plant.internal").bytes, from: try #require(IPAddress("10.1.0.1"))) != nil
        )
        #expect(scenario.ask(query, from: try #require(IPAddress("10.1.1.1"))).map { Reply($0).isTruncated } == false)
        scenario.pass(.milliseconds(500))
        #expect(scenario.ask(query, from: try #require(IPAddress("10.1.0.1"))).map { Reply($0).isTruncated } == false)
    }

    /// Anybody can think of any number of names that are not there: what is above them counts.
    @Test func namesThatAreNotThereCountTogether() throws {
        let scenario = try scenario(limits(responses: 3))
        let address = try #require(IPAddress("10.1.0.1"))
        let replies = (0..<9).map { number in
            scenario.ask(MessageText.query("no\(number).plant.internal").bytes, from: address).map { Reply($0) }
        }
        #expect(replies.prefix(3).map { $0?.code } == [3, 3, 3])
        #expect(replies.dropFirst(3).map { $0?.isTruncated } == [true, nil, true, nil, true, nil])
    }

    @Test func aClientHasOnlySoManyQuestionsInFlight() throws {
        let scenario = try scenario(limits(inFlight: 2))
        let first = try #require(IPAddress("10.1.0.1"))
        let second = try #require(IPAddress("10.1.0.2"))
        func ask(_ name: String, _ address: IPAddress) -> Int? {
            scenario.ask(MessageText.query("\(name).azure.test", edns: MessageText.opt()).bytes, from: address)
                .map { Reply($0).code }
        }
        #expect(ask("a", first) == nil)
        #expect(ask("a", first) == nil)
        #expect(ask("b", first) == 2)
        #expect(ask("b", second) == nil)
        #expect(scenario.tally.limited(.inFlight) == 1)
        // Both are over when the answer comes.
        let asked = try #require(scenario.takeAsked().first)
        let record = MessageText.record("a.azure.test", .a, ttl: 300, [10, 20, 0, 7])
        scenario.reply(MessageText.answer(to: asked.message, answers: [record]), to: asked)
        #expect(scenario.takeAnswers().count == 2)
        #expect(ask("c", first) == nil)
        #expect(ask("d", first) == nil)
        #expect(ask("e", first) == 2)
        // And when nothing comes.
        scenario.pass(.seconds(3))
        #expect(ask("f", first) == nil)
    }

    @Test func aChangeOfPolicyKeepsTheCount() throws {
        let scenario = try scenario(limits(inFlight: 2))
        let address = try #require(IPAddress("10.1.0.1"))
        func ask(_ name: String) -> Int? {
            scenario.ask(MessageText.query("\(name).azure.test").bytes, from: address).map { Reply($0).code }
        }
        #expect(ask("a") == nil)
        #expect(ask("b") == nil)
        let zone = try Scenario.zone("azure.test", realm: Scenario.path("pn-b"), generation: 2)
        scenario.adopt([zone], clientLimits: limits(inFlight: 3), allow: ["0.0.0.0/0"])
        #expect(scenario.takeAnswers().isEmpty)
        #expect(ask("c") == nil)
        #expect(ask("d") == 2)
    }

    @Test func whereTheTableIsFullAnOldQuestionGoes() throws {
        let scenario = try scenario(limits(), Resolution.Limits(exchanges: 16, waiters: 4096))
        for number in 0..<16 { scenario.ask("n\(number).azure.test", id: UInt16(number)) }
        #expect(scenario.takeAnswers().isEmpty)
        var dropped: [Int] = []
        for number in 16..<64 {
            let reply = try #require(scenario.ask("n\(number).azure.test", id: UInt16(number)))
            #expect(reply.code == 2)
            dropped.append(reply.id)
        }
        // The newest always finds a place, so each of them drove out another one, and no question twice.
        #expect(scenario.tally.limitReached == 48)
        #expect(Set(dropped).count == 48 && zip(dropped, 16...).allSatisfy { $0 < $1 })
        #expect(Set(scenario.asked.map(\.attempt.exchange)).count == 64)
        #expect(scenario.closed.count == 48)
        // It is one of the oldest: most of the first are gone, and most of the last are there.
        #expect(dropped.filter { $0 < 24 }.count > 16 && dropped.filter { $0 >= 56 }.count < 6)
    }

    @Test func aFloodFromForgedAddressesDoesNotHideWhoAsksMost() {
        var table = RateTable(capacity: 1024)
        let now = Instant(nanoseconds: 0)
        let heavy = (0..<64 as Range<UInt64>).map { $0 &* 0x9e37_79b9_7f4a_7c15 | 1 }
        for key in heavy { for _ in 0..<10 { _ = table.take(key, perSecond: 10, now: now) } }
        // A flood from forged addresses, one query each.
        for key in 0..<100_000 as Range<UInt64> {
            _ = table.take((key &* 0xbf58_476d_1ce4_e5b9) ^ 0x55, perSecond: 10, now: now)
        }
        let forgotten = heavy.filter { table.take($0, perSecond: 10, now: now) }
        #expect(forgotten.count <= 1)
    }
}
