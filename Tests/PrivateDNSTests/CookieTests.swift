// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import PrivateDNS

/// Server cookies: the numbers of RFC 9018, and what clients get for what they show.
struct CookieTests {
    private static let client: [UInt8] = [0x24, 0x64, 0xc4, 0xab, 0xcf, 0x10, 0xc9, 0x57]

    private static func number(_ octets: [UInt8]) -> UInt64 { octets.reduce(0) { $0 << 8 | UInt64($1) } }

    /// Appendix A of RFC 9018: address, client cookie, time, secret (in two words, octets in order), server cookie.
    static let vectors: [(String, UInt64, UInt32, (UInt64, UInt64), UInt64)] = [
        (
            "198.51.100.100", 0x2464_c4ab_cf10_c957, 1_559_731_985,
            (0xe5e9_73e5_a6b2_a43f, 0x48e7_dc84_9e37_bfcf), 0x1f81_30c3_eee2_9480
        ),
        (
            "198.51.100.100", 0x2464_c4ab_cf10_c957, 1_559_734_385,
            (0xe5e9_73e5_a6b2_a43f, 0x48e7_dc84_9e37_bfcf), 0xd4a5_64a1_442a_ca77
        ),
        (
            "203.0.113.203", 0xfc93_fc62_807d_db86, 1_559_734_700,
            (0xe5e9_73e5_a6b2_a43f, 0x48e7_dc84_9e37_bfcf), 0xf73a_7810_aca2_381e
        ),
        (
            "2001:db8:220:1:59de:d0f4:8769:82b8", 0x2268_1ab9_7d52_c298, 1_559_741_817,
            (0xdd3b_df93_44b6_78b1, 0x85a6_f5cb_60fc_a715), 0x2655_6bd0_934c_72f8
        ),
        (
            "2001:db8:220:1:59de:d0f4:8769:82b8", 0x2268_1ab9_7d52_c298, 1_559_741_961,
            (0x4455_36bc_d251_3298, 0x075a_5d37_9663_c962), 0xa6bb_79d1_6625_507a
        ),
    ]

    @Test(arguments: vectors) func makesTheCookiesOfTheRFC(
        address: String,
        client: UInt64,
        time: UInt32,
        secret: (UInt64, UInt64),
        hash: UInt64
    ) throws {
        let address = try #require(IPAddress(address))
        let key = SipHash.Key(low: secret.0.byteSwapped, high: secret.1.byteSwapped)
        let cookie = ServerCookie(for: client, at: address, time: time, by: key)
        #expect(cookie.head == 0x0100_0000_0000_0000 | UInt64(time))
        #expect(cookie.hash == hash)
        #expect(cookie.isMade(for: client, at: address, by: key))
        #expect(!cookie.isMade(for: client ^ 1, at: address, by: key))
    }

    /// Appendix A.3: another server may have set the reserved octets.
    @Test func hashesReservedOctetsAsTheyCame() throws {
        let key = SipHash.Key(
            low: (0xe5e9_73e5_a6b2_a43f as UInt64).byteSwapped,
            high: (0x48e7_dc84_9e37_bfcf as UInt64).byteSwapped
        )
        let cookie = ServerCookie(head: 0x01ab_cdef_5cf7_8f71, hash: 0xa314_227b_6679_ebf5)
        let address = try #require(IPAddress("203.0.113.203"))
        #expect(cookie.isMade(for: 0xfc93_fc62_807d_db86, at: address, by: key))
    }

    /// Octets 0, 1, 2, … with the key 00 01 … 0f, as the authors of SipHash print them.
    @Test func hashesAsItsAuthorsDo() {
        let key = SipHash.Key(low: 0x0706_0504_0302_0100, high: 0x0f0e_0d0c_0b0a_0908)
        #expect(SipHash(key).hash() == 0x726f_db47_dd0e_0e31)
        var hash = SipHash(key)
        hash.add(0x0706_0504_0302_0100)
        #expect(hash.hash(rest: 0x0e_0d0c_0b0a_0908, count: 7) == 0xa129_ca61_49be_45e5)
    }

    private func scenario(_ limits: ClientLimits = .standard) throws -> Scenario {
        let scenario = Scenario()
        scenario.adopt(
            [try Scenario.zone("plant.internal", records: ["h A 10.0.0.1"], realm: Scenario.path("pn-a"))],
            clientLimits: limits,
            allow: ["0.0.0.0/0", "::/0"]
        )
        return scenario
    }

    private static func option(_ cookie: [UInt8]) -> [UInt8] { [0, 10, 0, UInt8(cookie.count)] + cookie }

    private func ask(_ scenario: Scenario, _ cookie: [UInt8], from address: IPAddress = Scenario.client) throws -> Reply
    {
        let query = MessageText.query("h.plant.internal", edns: MessageText.opt(options: Self.option(cookie)))
        return Reply(try #require(scenario.ask(query.bytes, from: address)))
    }

    @Test func givesAndKnowsItsCookie() throws {
        let scenario = try scenario()
        let first = try ask(scenario, Self.client)
        #expect(first.addresses == ["10.0.0.1"])
        let given = try #require(first.cookie)
        #expect(given.count == 24)
        #expect(Array(given.prefix(8)) == Self.client)
        // Version 1, three octets of zero.
        #expect(Array(given[8..<12]) == [1, 0, 0, 0])
        scenario.pass(.seconds(1799))
        #expect(try ask(scenario, given).cookie == given)
        // It is renewed after half an hour (RFC 9018 section 4.3).
        scenario.pass(.seconds(1))
        #expect(try ask(scenario, given).cookie != given)
    }

    static let lengths = Array(0...48)

    @Test(arguments: lengths) func saysFORMERRForALengthThatNoCookieHas(length: Int) throws {
        let reply = try ask(try scenario(), [UInt8](repeating: 7, count: length))
        let isRight = length == 8 || length >= 16 && length <= 40
        #expect(reply.code == (isRight ? 0 : 1))
        #expect(reply.bytes.count == 12 || isRight)
    }

    @Test func theFirstOfTwoCounts() throws {
        let two = Self.option(Self.client) + Self.option([UInt8](repeating: 9, count: 8))
        let query = MessageText.query("h.plant.internal", edns: MessageText.opt(options: two))
        let reply = Reply(try #require(try scenario().ask(query.bytes)))
        #expect(reply.cookie.map { Array($0.prefix(8)) } == Self.client)
    }

    /// RFC 7873 section 5.4.
    @Test func answersAQueryForNothingButACookie() throws {
        let scenario = try scenario()
        func ask(_ cookie: [UInt8]) throws -> Reply {
            var message = MessageText()
            message.additional = [MessageText.opt(options: Self.option(cookie))]
            return Reply(try #require(scenario.ask(message.bytes)))
        }
        let reply = try ask(Self.client)
        #expect(reply.code == 0)
        #expect(reply.counts == [0, 0, 0, 1])
        let given = try #require(reply.cookie)
        #expect(try ask(given).code == 0)
        // 23 is 7 in the header and 1 in OPT.
        let wrong = try ask(Self.client + [UInt8](repeating: 1, count: 16))
        #expect(wrong.code == 7)
        #expect(wrong.records.first.map { $0.ttl >> 24 } == 1)
        #expect(wrong.cookie != nil)
    }

    @Test func aGoodCookiePassesTheRate() throws {
        let limits = ClientLimits(queriesPerSecond: 2, inFlight: 9, responsesPerSecond: 1000, exempt: [])
        let scenario = try scenario(limits)
        let given = try #require(try ask(scenario, Self.client).cookie)
        #expect(try ask(scenario, Self.client).code == 0)
        // The bucket is empty: whoever knows no cookies gets nothing, whoever does learns the right one.
        #expect(scenario.ask("h.plant.internal") == nil)
        let bad = try ask(scenario, Self.client)
        #expect(bad.code == 7)
        #expect(bad.addresses.isEmpty)
        #expect(bad.cookie == given)
        #expect(try ask(scenario, given).addresses == ["10.0.0.1"])
        #expect(scenario.tally.limited(.queries) == 2)
        #expect(scenario.tally.answers(.badCookie) == 1)
    }

    @Test func aCookieIsGoodForItsAddressAndAnHour() throws {
        let cookies = ServerCookies(wallSeconds: 1_000_000)
        let address = try #require(IPAddress("10.0.0.1"))
        let other = try #require(IPAddress("10.0.0.2"))
        let now = Instant(nanoseconds: 5_000_000_000)
        let given = cookies.cookie(for: 7, at: address, now: now)
        #expect(given.time == 1_000_005)
        let shown = ClientCookie(client: 7, hasServerPart: true, server: given)
        #expect(cookies.accepts(shown, at: address, now: now))
        #expect(!cookies.accepts(shown, at: other, now: now))
        #expect(cookies.accepts(shown, at: address, now: now + .seconds(3600)))
        #expect(!cookies.accepts(shown, at: address, now: now + .seconds(3601)))
        #expect(!ServerCookies(wallSeconds: 1_000_000).accepts(shown, at: address, now: now))
        // From a clock that is ahead: five minutes are forgiven.
        let ahead = ClientCookie(
            client: 7,
            hasServerPart: true,
            server: cookies.cookie(for: 7, at: address, now: now + .seconds(300))
        )
        #expect(cookies.accepts(ahead, at: address, now: now))
        let far = ClientCookie(
            client: 7,
            hasServerPart: true,
            server: cookies.cookie(for: 7, at: address, now: now + .seconds(301))
        )
        #expect(!cookies.accepts(far, at: address, now: now))
    }

    @Test func aCookieOutlivesTheChangeOfTheKey() throws {
        let cookies = ServerCookies()
        let address = try #require(IPAddress("10.0.0.1"))
        let evening = Instant(nanoseconds: 86_399_000_000_000)
        let before = cookies.cookie(for: 7, at: address, now: evening)
        let shown = ClientCookie(client: 7, hasServerPart: true, server: before)
        #expect(cookies.accepts(shown, at: address, now: evening + .seconds(60)))
        // The day's key is part of it: an old cookie with a new time is nobody's.
        let forged = ServerCookie(head: before.head + 60, hash: before.hash)
        let lie = ClientCookie(client: 7, hasServerPart: true, server: forged)
        #expect(!cookies.accepts(lie, at: address, now: evening + .seconds(60)))
    }

    /// RFC 7828: over TCP only, and where it is asked for; 10 s are 100 units.
    @Test func saysHowLongAConnectionMayBeIdle() throws {
        let scenario = try scenario()
        let asking = MessageText.query("h.plant.internal", edns: MessageText.opt(options: [0, 11, 0, 0])).bytes
        let silent = MessageText.query("h.plant.internal", edns: MessageText.opt()).bytes
        let stream = Reply(try #require(scenario.ask(asking, isStream: true)))
        #expect(stream.options == [0, 11, 0, 2, 0, 100])
        #expect(Reply(try #require(scenario.ask(silent, isStream: true))).options == [])
        #expect(Reply(try #require(scenario.ask(asking))).options == [])
    }

    /// A cookie stays where the text of an error has to go.
    @Test func aCookieIsNotCrowdedOut() throws {
        let scenario = Scenario()
        scenario.adopt([
            try Scenario.zone("blocked.test", realm: .blocked(String(repeating: "no path ", count: 20)))
        ])
        let name = String(repeating: "a123456789.", count: 21) + "blocked.test"
        let options = Self.option(Self.client)
        let query = MessageText.query(name, edns: MessageText.opt(size: 0, options: options)).bytes
        let reply = Reply(try #require(scenario.ask(query)))
        #expect(reply.bytes.count <= 512)
        #expect(reply.cookie != nil)
    }
}

extension Reply {
    /// The options of OPT as they stand; nil without OPT.
    var options: [UInt8]? { records.first { $0.type == .opt }?.data }

    /// The content of the first COOKIE option.
    var cookie: [UInt8]? {
        guard let options, options.count >= 4, options[0] == 0, options[1] == 10 else { return nil }
        return Array(options[4..<4 + Int(options[3])])
    }
}
