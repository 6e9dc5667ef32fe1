// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO
import Testing

@testable import PrivateDNS

/// What is remembered of private names, by a process that another one follows.
struct AnswerCopyTests {
    /// Each process has a monotonic clock that says something else.
    private struct Clock: TimeSource {
        var now: Instant
        var wallNanoseconds: Int64

        init(seconds: Int64, sinceBoot: Int64) {
            now = Instant(nanoseconds: sinceBoot * 1_000_000_000)
            wallNanoseconds = seconds * 1_000_000_000
        }
    }

    private static let name = "hub.azure.test"
    private static let time: Int64 = 1_800_000_000

    private func zone(
        _ name: String = "azure.test",
        servers: [SocketEndpoint] = [Scenario.cloud],
        realm: Policy.Realm? = nil,
        within prefix: String = "10.20.0.0/16",
        types: Set<UInt16>? = nil
    ) throws -> Policy.Zone {
        var zone = try Scenario.zone(name, forward: servers, realm: try realm ?? Scenario.path("pn-a"), generation: 7)
        zone.lastKnownGood = LastKnownGood(port: 443, age: 3_600)
        zone.addresses = AddressSet([try #require(IPPrefix(prefix))])
        zone.types = types
        return zone
    }

    /// What a process remembers whose servers have just told an address, a thousand seconds after its host's start.
    private func copy() throws -> [UInt8] {
        let commons = WorkerCommons()
        let scenario = Scenario(commons: commons)
        scenario.adopt([try zone()])
        scenario.pass(.seconds(999))
        scenario.ask(Self.name)
        let asked = try #require(scenario.takeAsked().first)
        let record = MessageText.record(Self.name, .a, ttl: 300, [10, 20, 0, 7])
        scenario.reply(MessageText.answer(to: asked.message, answers: [record]), to: asked)
        return commons.memory.copy(clock: Clock(seconds: Self.time, sinceBoot: 1_000))
    }

    /// What the next process takes of it, at some time.
    private func taken(_ copy: [UInt8], _ zones: [Policy.Zone], views: [Policy.View] = [], after seconds: Int64 = 60)
        throws -> (taken: Int, left: Int)
    {
        let scenario = Scenario()
        scenario.adopt(zones, views: views)
        let ways = try #require(scenario.policy).remembered
        return try AnswerMemory().learn(
            copy: copy,
            by: ways,
            clock: Clock(seconds: Self.time + seconds, sinceBoot: 30)
        )
    }

    @Test func whatItHoldsIsAsItIsDocumented() throws {
        let copy = try copy()
        #expect(Array(copy[..<5]) == Array("pnam".utf8) + [1])
        let record = MessageText.record(Self.name, .a, ttl: 10, [10, 20, 0, 7])
        #expect(Array(copy[13..<21]) == [0, 0, 0, 0, 0x6b, 0x49, 0xd2, 0x00])  // 1,800,000,000 s
        #expect(Array(copy[21..<30]) == [0, 1, 0, 0, 0, 1, 16, 0, UInt8(record.count)])  // A, no variant, one record
        #expect(Array(copy[30...]) == MessageText.wire(Self.name) + record)
        #expect(try AnswerCopy.octets(of: AnswerCopy.entries(of: copy)) == copy)
    }

    /// The servers are gone when the next process begins: what they said last is given once its host has shown to be there.
    @Test func outlivesTheProcess() throws {
        let copy = try copy()
        let commons = WorkerCommons()
        let scenario = Scenario(commons: commons)
        // At boot no path is up yet, and the decision is another.
        scenario.adopt([try zone(realm: .blocked("no path yet"))])
        let ways = try #require(scenario.policy).remembered
        let clock = Clock(seconds: Self.time + 60, sinceBoot: 1)
        #expect(try commons.memory.learn(copy: copy, by: ways, clock: clock) == (1, 0))
        scenario.adopt([try zone()])
        scenario.ask(Self.name, edns: MessageText.opt())
        scenario.fail(try #require(scenario.takeAsked().first))
        let proof = try #require(scenario.takeProofs().first)
        #expect(proof.host == SocketEndpoint("10.20.0.7:443"))
        #expect(scenario.takeAnswers().isEmpty)
        scenario.prove(proof.attempt)
        let answer = try #require(scenario.takeAnswers().first)
        #expect(answer.addresses == ["10.20.0.7"])
        #expect(answer.extendedError?.code == 3)
    }

    /// It may have been learned where the file said otherwise, or be anybody's.
    @Test func holdsForNoLongerThanAnyAnswer() throws {
        var entry = try #require(try AnswerCopy.entries(of: copy()).first)
        entry.records = MessageText.record(Self.name, .a, ttl: 0x7fff_ffff, [10, 20, 0, 7])
        let commons = WorkerCommons()
        let scenario = Scenario(commons: commons)
        scenario.adopt([try zone()])
        let ways = try #require(scenario.policy).remembered
        let clock = Clock(seconds: Self.time + 60, sinceBoot: 1)
        #expect(try commons.memory.learn(copy: AnswerCopy.octets(of: [entry]), by: ways, clock: clock) == (1, 0))
        scenario.ask(Self.name)
        scenario.fail(try #require(scenario.takeAsked().first))
        scenario.prove(try #require(scenario.takeProofs().first).attempt)
        #expect(scenario.takeAnswers().first?.records.map(\.ttl) == [10])
    }

    /// It is as old as it is, whatever the monotonic clock begins with.
    @Test func isOverWhenItIsTooOld() throws {
        let copy = try copy()
        #expect(try taken(copy, [zone()], after: 3_600) == (1, 0))
        #expect(try taken(copy, [zone()], after: 3_601) == (0, 1))
        let commons = WorkerCommons()
        let scenario = Scenario(commons: commons)
        scenario.adopt([try zone()])
        let ways = try #require(scenario.policy).remembered
        _ = try commons.memory.learn(copy: copy, by: ways, clock: Clock(seconds: Self.time + 3_000, sinceBoot: 1))
        scenario.pass(.seconds(601))
        scenario.ask(Self.name)
        scenario.fail(try #require(scenario.takeAsked().first))
        scenario.pass(.seconds(10))
        #expect(scenario.takeProofs().isEmpty)
        #expect(scenario.takeAnswers().map(\.code) == [2])
    }

    /// By a clock that a file has set, it may come from a future that is near; how old it is by a wrong one, nobody knows.
    @Test func isNotOfTheFuture() throws {
        let copy = try copy()
        #expect(try taken(copy, [zone()], after: -3_900) == (1, 0))
        #expect(try taken(copy, [zone()], after: -3_901) == (0, 1))
        #expect(try taken(copy, [zone()], after: -Self.time) == (0, 1))
    }

    @Test func isTheWordOfTheSameServersAboutTheSameZone() throws {
        let copy = try copy()
        let other = try Scenario.zone("other.test", realm: Scenario.path("pn-a"))
        #expect(try taken(copy, []) == (0, 1))
        #expect(try taken(copy, [zone(servers: [Scenario.secondCloud])]) == (0, 1))
        #expect(try taken(copy, [zone(within: "10.20.0.0/24")]) == (0, 1))
        #expect(try taken(copy, [zone(types: [1])]) == (0, 1))
        #expect(try taken(copy, [zone(types: [])]) == (0, 1))
        // An answer may hold a chain through what is a zone now.
        #expect(try taken(copy, [zone(), other]) == (0, 1))
        var silent = try zone()
        silent.lastKnownGood = nil
        #expect(try taken(copy, [silent]) == (0, 1))
        // Nor does a view's own zone of that name inherit what all others were told.
        let view = Policy.View(name: "cell", clients: nil, interfaces: nil, zones: [try zone()])
        #expect(try taken(copy, [], views: [view]) == (0, 1))
        #expect(try taken(copy, [zone()]) == (1, 0))
    }

    @Test func isRefusedWhereItIsBroken() throws {
        let copy = try copy()
        for length in 0..<copy.count where length != 5 {
            #expect(throws: length < 5 ? AnswerCopyFault.foreign : .malformed(5)) {
                try AnswerCopy.entries(of: Array(copy[..<length]))
            }
        }
        #expect(try AnswerCopy.entries(of: Array(copy[..<5])).isEmpty)
        var later = copy
        later[4] = 2
        #expect(throws: AnswerCopyFault.version(2)) { try AnswerCopy.entries(of: later) }
        let long = copy + [UInt8](repeating: 0, count: AnswerCopy.limit)
        #expect(throws: AnswerCopyFault.tooLong) { try AnswerCopy.entries(of: long) }
        for (offset, octet) in [(23, UInt8(4)), (24, 2)] {
            var odd = copy
            odd[offset] = octet
            #expect(throws: AnswerCopyFault.malformed(5)) { try AnswerCopy.entries(of: odd) }
        }
    }

    /// Whoever has written it, no name leads by it where no server may lead, nor without a proof.
    @Test func isWorthNoMoreThanAServersWord() throws {
        let entry = try #require(try AnswerCopy.entries(of: copy()).first)
        func isTaken(_ change: (inout AnswerCopy.Entry) -> Void) throws -> Bool {
            var changed = entry
            change(&changed)
            return try taken(AnswerCopy.octets(of: [changed]), [zone()]).taken == 1
        }
        func record(_ type: RecordType, _ data: [UInt8]) -> [UInt8] {
            MessageText.record(Self.name, type, ttl: 10, data)
        }
        #expect(try isTaken { $0.records = record(.a, [10, 20, 0, 8]) })
        #expect(try !isTaken { $0.records = record(.a, [203, 0, 113, 8]) }, "an address outside of the network")
        #expect(try !isTaken { $0.records = record(.aaaa, [UInt8](repeating: 1, count: 16)) }, "another type")
        #expect(try !isTaken { $0.records = record(.a, [10, 20, 0]) }, "half an address")
        #expect(try !isTaken { $0.records = Array($0.records.dropLast()) }, "half a record")
        #expect(try !isTaken { $0.answers = 2 }, "a record less than there are said to be")
        #expect(
            try !isTaken { $0.records = MessageText.record("www.example.net", .a, ttl: 10, [10, 20, 0, 8]) },
            "another name's address"
        )
        let chain = record(.cname, MessageText.wire("b.azure.test"))
        func chained(_ owner: String) -> [UInt8] { chain + MessageText.record(owner, .a, ttl: 10, [10, 20, 0, 8]) }
        for (owner, isGood) in [("b.azure.test", true), (Self.name, false), ("c.azure.test", false)] {
            let isFound = try isTaken { ($0.records, $0.answers) = (chained(owner), 2) }
            #expect(isFound == isGood, "\(owner) at the end of the chain")
        }
        #expect(try !isTaken { $0.leaves = true }, "an address that is followed without a proof")
        #expect(
            try !isTaken {
                $0.leaves = true
                $0.records = []
                $0.answers = 0
            },
            "an alias that is none"
        )
        let alias = record(.cname, MessageText.wire("www.example.net"))
        #expect(
            try isTaken {
                $0.leaves = true
                $0.records = alias
            }
        )
        #expect(
            try !isTaken {
                $0.leaves = true
                $0.records = record(.cname, [3, 119, 119, 119, 0xc0, 12])
            },
            "a pointer"
        )
        var odd = entry
        odd.key = AnswerMemory.Key(
            name: Array(entry.key.name.dropLast()),
            type: .a,
            variant: [],
            origin: entry.key.origin
        )
        #expect(try taken(AnswerCopy.octets(of: [odd]), [zone()]) == (0, 1), "half a name")
    }

    /// What was learned last has precedence, and what is learned again in other words is no news.
    @Test func holdsAsMuchAsThereIsRoomFor() throws {
        let memory = AnswerMemory()
        let records = [UInt8](repeating: 7, count: 200)
        func key(_ number: Int) -> AnswerMemory.Key {
            AnswerMemory.Key(
                name: MessageText.wire("n\(number).test"),
                type: .a,
                variant: [],
                origin: AnswerOrigin(rawValue: 1)
            )
        }
        func answer(_ seconds: Int) -> LastAnswer {
            LastAnswer(
                records: records,
                answers: 1,
                learned: Instant(nanoseconds: Int64(seconds) * 1_000_000_000),
                leaves: false
            )
        }
        for number in 0..<3_000 { memory.learn(answer(number), of: key(number)) }
        #expect(memory.standing.news == 3_000)
        memory.learn(answer(3_000), of: key(2_999))
        #expect(memory.standing.news == 3_000 && memory.standing.lessons == 3_001)
        let copy = memory.copy(clock: Clock(seconds: Self.time, sinceBoot: 5_000))
        let entries = try AnswerCopy.entries(of: copy)
        #expect(copy.count <= AnswerCopy.limit && copy.count > AnswerCopy.limit - 300)
        #expect(entries.map(\.key) == (0..<entries.count).map { key(2_999 - $0) })
        memory.learn(nil, of: key(2_999))
        memory.flush(below: try #require(DomainName("n1.test")))
        #expect(memory.standing.news == 3_002)
        memory.learn(nil, of: key(2_999))
        memory.flush(below: try #require(DomainName("n1.test")))
        #expect(memory.standing.news == 3_002)
    }
}
