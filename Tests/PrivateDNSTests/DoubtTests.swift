// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO
import Testing

@testable import PrivateDNS

/// What an answer must repeat, and what becomes of one that does not.
struct DoubtTests {
    // Forty letters: that none is drawn as a capital happens once in a thousand billion times.
    private let name = "abcdefghijklmnopqrst.uvwxyzabcdef.azure.test"

    private func scenario() throws -> Scenario {
        let scenario = Scenario()
        scenario.adopt([try Scenario.zone("azure.test", realm: Scenario.path("pn-a"))])
        return scenario
    }

    private func question(_ scenario: Scenario) throws -> Resolution.Asking {
        scenario.ask(name)
        return try #require(scenario.takeAsked().first)
    }

    private func name(in message: [UInt8]) -> [UInt8] { Array(message[12..<12 + MessageText.wire(name).count]) }

    /// An answer for no longer than the test takes to ask again.
    private func answer(_ asking: Resolution.Asking, cookie: [UInt8]? = nil, code: UInt16 = 0) -> [UInt8] {
        let options = cookie.map { [0, 10, 0, UInt8($0.count)] + $0 } ?? []
        var opt = MessageText.opt(options: options)
        opt[5] = UInt8(code >> 4)
        return MessageText.answer(
            to: asking.message,
            code: code & 15,
            answers: code == 0 ? [MessageText.record(name, .a, ttl: 0, [10, 20, 0, 7])] : [],
            additional: [opt]
        )
    }

    /// The same as a server gives it that writes names its own way.
    private func folded(_ message: [UInt8]) -> [UInt8] {
        var message = message
        for index in 12..<12 + MessageText.wire(name).count { message[index] = message[index].asciiLowered }
        return message
    }

    /// What the COOKIE option of a question has.
    private func cookie(in asking: Resolution.Asking) -> [UInt8] {
        guard let opt = Reply(asking.message).records.first(where: { $0.type == .opt }), opt.data.count >= 4 else {
            return []
        }
        return Array(opt.data[4...])
    }

    // MARK: - Letters

    @Test func drawsTheCaseOfEachQuestion() throws {
        let scenario = try scenario()
        let first = try question(scenario)
        #expect(name(in: first.message) != MessageText.wire(name))
        #expect(name(in: folded(first.message)) == MessageText.wire(name))
        scenario.reply(answer(first), to: first)
        #expect(scenario.takeAnswers().first?.addresses == ["10.20.0.7"])
        #expect(name(in: try question(scenario).message) != name(in: first.message))
    }

    @Test func changesLettersAndNothingElse() {
        var source = SystemRandomNumberGenerator()
        let wire = MessageText.wire("a-1.z_9@[`{.xn--q")
        for _ in 0..<100 {
            let mixed = Challenge.mixed(wire, using: &source)
            #expect(mixed.map(\.asciiLowered) == wire)
            for (before, after) in zip(wire, mixed) where !(97...122).contains(before) { #expect(before == after) }
        }
    }

    @Test func asksOverTCPWhereTheLettersAreOthers() throws {
        let scenario = try scenario()
        let first = try question(scenario)
        scenario.reply(folded(answer(first)), to: first)
        #expect(scenario.takeAnswers().isEmpty)
        let stream = try #require(scenario.takeAsked().first)
        #expect(stream.transport == .stream)
        #expect(stream.server == first.server)
        #expect(name(in: stream.message) == MessageText.wire(name))
        scenario.reply(answer(stream), to: stream)
        #expect(scenario.takeAnswers().first?.addresses == ["10.20.0.7"])
        #expect(scenario.tally.doubts[.letters] == [0, 1])
    }

    /// A server that neither keeps letters nor takes TCP is asked as all were asked before.
    @Test func asksWithoutCapitalsWhereThereIsNoTCP() throws {
        let scenario = try scenario()
        let first = try question(scenario)
        scenario.reply(folded(answer(first)), to: first)
        _ = scenario.takeAsked()
        scenario.pass(.milliseconds(400))
        let next = try #require(scenario.takeAsked().first)
        #expect(next.transport == .datagram)
        #expect(name(in: next.message) == MessageText.wire(name))
        scenario.reply(folded(answer(next)), to: next)
        #expect(scenario.takeAnswers().first?.addresses == ["10.20.0.7"])
    }

    @Test func believesAfterThreeThatAServerKeepsNoLettersForAnHour() throws {
        let scenario = try scenario()
        for _ in 0..<3 {
            let asked = try question(scenario)
            scenario.reply(folded(answer(asked)), to: asked)
            let stream = try #require(scenario.takeAsked().first)
            scenario.reply(answer(stream), to: stream)
        }
        _ = scenario.takeAnswers()
        let plain = try question(scenario)
        #expect(plain.transport == .datagram)
        #expect(name(in: plain.message) == MessageText.wire(name))
        scenario.reply(answer(plain), to: plain)
        #expect(scenario.takeAnswers().first?.addresses == ["10.20.0.7"])
        scenario.pass(.seconds(3600))
        #expect(name(in: try question(scenario).message) != MessageText.wire(name))
        #expect(scenario.tally.doubts[.letters] == [0, 3])
    }

    /// One answer that keeps them says that others were forged.
    @Test func countsOnlyLossesInARow() throws {
        let key = ServerHealth.Key(server: Scenario.cloud, interface: nil)
        var habits = ServerHabits()
        let now = Instant(nanoseconds: 0)
        for isKept in [false, false, true, false, false] { habits.repeated(key, letterByLetter: isKept, now: now) }
        #expect(habits.keepsLetters(key, now: now))
        habits.repeated(key, letterByLetter: false, now: now)
        #expect(!habits.keepsLetters(key, now: now))
    }

    // MARK: - Cookies

    private let given: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8, 9]

    @Test func showsTheCookieThatTheServerGave() throws {
        let scenario = try scenario()
        let first = try question(scenario)
        let own = cookie(in: first)
        #expect(own.count == 8)
        scenario.reply(answer(first, cookie: own + given), to: first)
        let second = try question(scenario)
        #expect(cookie(in: second) == own + given)
    }

    @Test func eachServerAndInterfaceHasACookieOfItsOwn() throws {
        let habits = ServerHabits()
        let keys = [
            ServerHealth.Key(server: Scenario.cloud, interface: nil),
            ServerHealth.Key(server: Scenario.secondCloud, interface: nil),
            ServerHealth.Key(server: SocketEndpoint(address: Scenario.cloud.address, port: 54), interface: nil),
            ServerHealth.Key(server: Scenario.cloud, interface: InterfaceName("pn-a")),
            ServerHealth.Key(server: Scenario.cloud, interface: InterfaceName("pn-b")),
        ]
        #expect(Set(keys.map(habits.clientCookie)).count == 5)
        #expect(habits.clientCookie(keys[0]) == habits.clientCookie(keys[0]))
        #expect(ServerHabits().clientCookie(keys[0]) != habits.clientCookie(keys[0]))
    }

    /// RFC 7873 section 5.3.
    @Test func dropsAnAnswerWithAnotherCookie() throws {
        let scenario = try scenario()
        let first = try question(scenario)
        let own = cookie(in: first)
        var wrong = own
        wrong[7] ^= 1
        for forged in [wrong + given, wrong, own + [1], own + given + [UInt8](repeating: 0, count: 24), []] {
            scenario.reply(answer(first, cookie: forged), to: first)
        }
        #expect(scenario.takeAnswers().isEmpty)
        #expect(scenario.closed.isEmpty)
        scenario.reply(answer(first, cookie: own + given), to: first)
        #expect(scenario.takeAnswers().count == 1)
    }

    @Test func asksOverTCPWhereACookieIsMissing() throws {
        let scenario = try scenario()
        let first = try question(scenario)
        scenario.reply(answer(first, cookie: cookie(in: first) + given), to: first)
        _ = scenario.takeAnswers()
        let second = try question(scenario)
        scenario.reply(answer(second), to: second)
        #expect(scenario.takeAnswers().isEmpty)
        let stream = try #require(scenario.takeAsked().first)
        #expect(stream.transport == .stream)
        scenario.reply(answer(stream), to: stream)
        #expect(scenario.takeAnswers().count == 1)
        #expect(scenario.tally.doubts[.cookie] == [0, 1])
        // By TCP it was the server: it has none any more.
        let third = try question(scenario)
        #expect(cookie(in: third).count == 8)
        scenario.reply(answer(third), to: third)
        #expect(scenario.takeAnswers().count == 1)
    }

    /// BADCOOKIE (RFC 7873 section 5.3): with the new cookie, and then over TCP.
    @Test func asksAgainWithANewCookie() throws {
        let scenario = try scenario()
        let first = try question(scenario)
        let own = cookie(in: first)
        scenario.reply(answer(first, cookie: own + given, code: 23), to: first)
        let second = try #require(scenario.takeAsked().first)
        #expect(second.transport == .datagram)
        #expect(cookie(in: second) == own + given)
        scenario.reply(answer(second, cookie: own + given.reversed(), code: 23), to: second)
        let third = try #require(scenario.takeAsked().first)
        #expect(third.transport == .stream)
        #expect(cookie(in: third) == own + given.reversed())
        scenario.reply(answer(third, cookie: own + given, code: 0), to: third)
        #expect(scenario.takeAnswers().first?.addresses == ["10.20.0.7"])
    }

    /// What is silent may have dropped the option that it does not know.
    @Test func showsNoCookieInTheSecondRound() throws {
        let scenario = try scenario()
        #expect(cookie(in: try question(scenario)).count == 8)
        scenario.pass(.milliseconds(400))
        #expect(cookie(in: try #require(scenario.takeAsked().first)).isEmpty)
    }

    @Test func aCookieLeavesNoTableWithoutBound() {
        var habits = ServerHabits()
        for port in 1...2000 {
            let server = SocketEndpoint(address: Scenario.cloud.address, port: UInt16(port))
            habits.gave(ServerHealth.Key(server: server, interface: nil), cookie: given)
        }
        let known = (1...2000).filter { port in
            let server = SocketEndpoint(address: Scenario.cloud.address, port: UInt16(port))
            return !habits.serverCookie(ServerHealth.Key(server: server, interface: nil)).isEmpty
        }
        #expect(known == Array(1...1024))
    }
}
