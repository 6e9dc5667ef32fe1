// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import PrivateDNS

struct ForwardingTests {
    private let name = "hub.azure.test"

    private func scenario(
        servers: [SocketEndpoint] = [Scenario.cloud],
        interface: String = "pn-a",
        limits: Resolution.Limits = Resolution.Limits()
    ) throws -> Scenario {
        let scenario = Scenario(limits: limits)
        scenario.adopt([try Scenario.zone("azure.test", forward: servers, realm: Scenario.path(interface))])
        return scenario
    }

    private func address(_ last: UInt8, ttl: UInt32 = 300) -> [UInt8] {
        MessageText.record(name, .a, ttl: ttl, [10, 20, 0, last])
    }

    @Test func asksTheZonesServerThroughThePath() throws {
        let scenario = try scenario()
        #expect(scenario.ask(name, id: 7) == nil)
        let asked = try #require(scenario.takeAsked().first)
        #expect(asked.server == Scenario.cloud)
        #expect(asked.interface == InterfaceName("pn-a"))
        #expect(asked.transport == .datagram)
        let expected: [UInt8] =
            [1, 0, 0, 1, 0, 0, 0, 0, 0, 1]  // RD, one question, OPT
            + MessageText.wire(name) + [0, 1, 0, 1]
            + [0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 12, 0, 10, 0, 8]
        #expect(asked.message[2..<asked.message.count - 8].map(\.asciiLowered) == expected)
        scenario.reply(MessageText.answer(to: asked.message, answers: [address(7)]), to: asked)
        let reply = try #require(scenario.takeAnswers().first)
        #expect(reply.id == 7)
        #expect(reply.addresses == ["10.20.0.7"])
        #expect(scenario.closed == [asked.attempt])
    }

    /// RFC 9715 section 3.2: what would come in fragments is not asked for.
    @Test(arguments: [
        (nil, "10.20.0.53", 1232), (1500, "10.20.0.53", 1232), (1280, "10.20.0.53", 1232), (1260, "10.20.0.53", 1232),
        (1259, "10.20.0.53", 1231), (1280, "fd00:20::53", 1232), (1279, "fd00:20::53", 1231), (576, "10.20.0.53", 548),
        (68, "10.20.0.53", 512),
    ]) func asksForNoMoreThanThePathCarriesWhole(mtu: Int?, server: String, size: Int) throws {
        let scenario = Scenario()
        let server = SocketEndpoint(address: try #require(IPAddress(server)), port: 53)
        var way = try Scenario.way("pn-a")
        way.mtu = mtu
        scenario.adopt([try Scenario.zone("azure.test", forward: [server], realm: .private([way]))])
        scenario.ask(name)
        let asked = try #require(scenario.takeAsked().first)
        let opt = Reply(asked.message).questionEnd
        #expect(asked.message[opt..<opt + 5] == [0, 0, 41, UInt8(size >> 8), UInt8(size & 255)])
    }

    /// What was asked goes on when another size is known, and what is asked next asks for that.
    @Test func aSizeThatChangesClosesNothing() throws {
        let scenario = Scenario()
        var way = try Scenario.way("pn-a")
        scenario.adopt([try Scenario.zone("azure.test", realm: .private([way]))])
        scenario.ask(name)
        let asked = try #require(scenario.takeAsked().first)
        way.mtu = 700
        scenario.adopt([try Scenario.zone("azure.test", realm: .private([way]))])
        #expect(scenario.closed.isEmpty)
        #expect(scenario.takeAsked().isEmpty)
        scenario.reply(MessageText.answer(to: asked.message, answers: [address(7)]), to: asked)
        #expect(scenario.takeAnswers().first?.addresses == ["10.20.0.7"])
    }

    @Test func sendsOtherNamesToTheUpstreamsByNoInterface() throws {
        let scenario = try scenario()
        scenario.ask("example.net")
        let asked = try #require(scenario.takeAsked().first)
        #expect(asked.server == Scenario.upstream)
        #expect(asked.interface == nil)
    }

    @Test func neverRelaysTheClientsOptions() throws {
        let scenario = try scenario()
        // A client subnet option (RFC 7871).
        let options: [UInt8] = [0, 8, 0, 7, 0, 1, 24, 0, 192, 0, 2]
        scenario.ask(name, edns: MessageText.opt(options: options))
        let asked = try #require(scenario.takeAsked().first)
        let own = Array(asked.message.suffix(8))
        #expect(Array(asked.message.suffix(23)) == MessageText.opt(options: [0, 10, 0, 8] + own))
    }

    @Test func keepsAnswersAndLowersTheirTTL() throws {
        let scenario = try scenario()
        scenario.ask(name)
        let asked = try #require(scenario.takeAsked().first)
        scenario.reply(MessageText.answer(to: asked.message, answers: [address(7)]), to: asked)
        // Path-bound answers are told for ten seconds at most.
        #expect(scenario.takeAnswers().first?.records.first?.ttl == 10)
        scenario.pass(.seconds(4))
        let reply = try #require(scenario.ask("HUB.azure.test", id: 9))
        #expect(reply.id == 9)
        #expect(reply.records.first?.ttl == 6)
        #expect(Array(reply.bytes[12..<17]) == [3] + Array("HUB".utf8) + [5])
        #expect(scenario.tally.cacheHits == 1)
        scenario.pass(.seconds(6))
        #expect(scenario.ask(name) == nil)
    }

    @Test func keepsVariantsApart() throws {
        let scenario = try scenario()
        scenario.ask(name)
        scenario.ask(name, edns: MessageText.opt(dnssecOK: true))
        scenario.ask(name, .aaaa)
        #expect(scenario.takeAsked().count == 3)
    }

    @Test func asksOnceForManyClients() throws {
        let scenario = try scenario()
        for id in 1...5 { scenario.ask(name, id: UInt16(id)) }
        let asked = scenario.takeAsked()
        #expect(asked.count == 1)
        scenario.reply(MessageText.answer(to: asked[0].message, answers: [address(7)]), to: asked[0])
        #expect(scenario.takeAnswers().map(\.id) == [1, 2, 3, 4, 5])
    }

    @Test func remembersWhatIsNotThere() throws {
        let scenario = try scenario()
        scenario.ask("no.example.net")
        let asked = try #require(scenario.takeAsked().first)
        // The smaller of TTL and MINIMUM counts (RFC 2308 section 5).
        let soa = MessageText.soa("example.net", ttl: 900, minimum: 120)
        scenario.reply(MessageText.answer(to: asked.message, code: 3, authority: [soa]), to: asked)
        let first = try #require(scenario.takeAnswers().first)
        #expect(first.code == 3)
        #expect(first.counts == [1, 0, 1, 0])
        scenario.pass(.seconds(100))
        #expect(scenario.ask("no.example.net")?.code == 3)
        scenario.pass(.seconds(20))
        #expect(scenario.ask("no.example.net") == nil)
    }

    @Test func doesNotKeepANegativeAnswerWithoutSOA() throws {
        let scenario = try scenario()
        scenario.ask("no.example.net")
        let asked = try #require(scenario.takeAsked().first)
        scenario.reply(MessageText.answer(to: asked.message, code: 3), to: asked)
        #expect(scenario.takeAnswers().first?.code == 3)
        #expect(scenario.ask("no.example.net") == nil)
        #expect(scenario.takeAsked().count == 1)
    }

    @Test func ignoresForgeries() throws {
        let scenario = try scenario()
        scenario.ask(name)
        let asked = try #require(scenario.takeAsked().first)
        let honest = MessageText.answer(to: asked.message, answers: [address(7)])
        var wrongID = honest
        wrongID[0] ^= 1
        var wrongName = honest
        wrongName[13] ^= 1
        var query = honest
        query[2] &= 0x7f
        for forged in [wrongID, wrongName, query, Array(honest.dropLast()), honest + [0], []] {
            scenario.reply(forged, to: asked)
        }
        #expect(scenario.takeAnswers().isEmpty)
        scenario.reply(honest, to: asked)
        #expect(scenario.takeAnswers().count == 1)
    }

    @Test func takesOnlyWhatBelongsToTheQuestion() throws {
        let scenario = try scenario()
        scenario.ask("www.example.net")
        let asked = try #require(scenario.takeAsked().first)
        let records = [
            MessageText.record("www.example.net", .cname, ttl: 60, MessageText.wire("web.example.net")),
            MessageText.record("web.example.net", .a, ttl: 60, [192, 0, 2, 1]),
            MessageText.record("bank.example.com", .a, ttl: 60, [192, 0, 2, 66]),
        ]
        scenario.reply(MessageText.answer(to: asked.message, answers: records), to: asked)
        #expect(scenario.takeAnswers().first?.records.map(\.owner) == ["www.example.net", "web.example.net"])
    }

    /// Invariant: a public address is never answered for a private name, also not behind a public alias.
    @Test func asksAnewWhereAnAliasEntersAZone() throws {
        let scenario = try scenario()
        scenario.ask("hub.example.net")
        let asked = try #require(scenario.takeAsked().first)
        let records = [
            MessageText.record("hub.example.net", .cname, ttl: 60, MessageText.wire(name)),
            MessageText.record(name, .a, ttl: 60, [20, 1, 2, 3]),
        ]
        scenario.reply(MessageText.answer(to: asked.message, answers: records), to: asked)
        #expect(scenario.takeAnswers().isEmpty)
        let hop = try #require(scenario.takeAsked().first)
        #expect(hop.server == Scenario.cloud)
        #expect(hop.interface == InterfaceName("pn-a"))
        scenario.reply(MessageText.answer(to: hop.message, answers: [address(7)]), to: hop)
        let reply = try #require(scenario.takeAnswers().first)
        #expect(reply.records.map(\.owner) == ["hub.example.net", name])
        #expect(reply.addresses == ["10.20.0.7"])
        #expect(scenario.ask("hub.example.net")?.addresses == ["10.20.0.7"])
    }

    @Test func asksOverAStreamWhatWasTruncated() throws {
        let scenario = try scenario()
        scenario.ask(name)
        let asked = try #require(scenario.takeAsked().first)
        scenario.reply(MessageText.answer(to: asked.message, flags: 0x8380), to: asked)
        let stream = try #require(scenario.takeAsked().first)
        #expect(stream.transport == .stream)
        #expect(stream.server == asked.server)
        scenario.reply(MessageText.answer(to: stream.message, answers: [address(7)]), to: stream)
        #expect(scenario.takeAnswers().first?.addresses == ["10.20.0.7"])
    }

    @Test func asksTheNextServerAfterAWhileAndTakesALateAnswer() throws {
        let scenario = try scenario(servers: [Scenario.cloud, Scenario.secondCloud])
        scenario.ask(name)
        let first = try #require(scenario.takeAsked().first)
        scenario.pass(.milliseconds(49))
        #expect(scenario.takeAsked().isEmpty)
        scenario.pass(.milliseconds(1))
        #expect(scenario.takeAsked().map(\.server) == [Scenario.secondCloud])
        scenario.reply(MessageText.answer(to: first.message, answers: [address(7)]), to: first)
        #expect(scenario.takeAnswers().first?.addresses == ["10.20.0.7"])
    }

    @Test func givesUpAfterThreeSecondsAndRemembersForOne() throws {
        let scenario = try scenario()
        scenario.ask(name, edns: MessageText.opt())
        scenario.pass(.milliseconds(2999))
        #expect(scenario.takeAnswers().isEmpty)
        scenario.pass(.milliseconds(1))
        let reply = try #require(scenario.takeAnswers().first)
        #expect(reply.code == 2)
        #expect(reply.extendedError?.code == 23)
        let sent = scenario.takeAsked().count
        #expect((2...5).contains(sent))
        #expect(scenario.ask(name, edns: MessageText.opt())?.extendedError?.code == 23)
        #expect(scenario.takeAsked().isEmpty)
        scenario.pass(.seconds(1))
        #expect(scenario.ask(name) == nil)
    }

    @Test func asksTheNextServerAtOnceAfterARefusal() throws {
        let scenario = try scenario(servers: [Scenario.cloud, Scenario.secondCloud])
        scenario.ask(name)
        let first = try #require(scenario.takeAsked().first)
        scenario.reply(MessageText.answer(to: first.message, code: 5), to: first)
        let second = try #require(scenario.takeAsked().first)
        #expect(second.server == Scenario.secondCloud)
        scenario.reply(MessageText.answer(to: second.message, code: 2), to: second)
        #expect(scenario.takeAnswers().first?.code == 2)
    }

    @Test func asksWithoutEDNSWhereItIsNotUnderstood() throws {
        let scenario = try scenario()
        scenario.ask(name)
        let first = try #require(scenario.takeAsked().first)
        scenario.reply(MessageText.answer(to: first.message, code: 1), to: first)
        let plain = try #require(scenario.takeAsked().first)
        #expect(Reply(plain.message).counts == [1, 0, 0, 0])
        scenario.reply(MessageText.answer(to: plain.message, answers: [address(7)]), to: plain)
        #expect(scenario.takeAnswers().count == 1)
    }

    /// What goes is drawn: whatever the draw is, it is so.
    @Test(arguments: 0..<64) func boundsWhatIsInFlight(draw: Int) throws {
        let scenario = try scenario(limits: Resolution.Limits(exchanges: 2, waiters: 3))
        scenario.ask("a.azure.test", id: 1)
        scenario.ask("b.azure.test", id: 2)
        #expect(scenario.takeAnswers().isEmpty)
        // There is no room for a third question: one of the others goes for it.
        #expect(scenario.ask("c.azure.test", id: 3, edns: MessageText.opt()).map { [1, 2].contains($0.id) } == true)
        #expect(scenario.ask("c.azure.test", id: 4) == nil)
        // And none for a fourth that waits.
        let dropped = try #require(scenario.ask("c.azure.test", id: 5))
        #expect(dropped.code == 2)
        #expect([1, 2, 3].contains(dropped.id))
        #expect(scenario.tally.limitReached == 2)
    }

    @Test func answersANYMinimally() throws {
        let scenario = try scenario()
        let reply = try #require(scenario.ask(name, .any))
        #expect(reply.records.map(\.type) == [.hinfo])
        #expect(scenario.takeAsked().isEmpty)
    }
}
