// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import PrivateDNS

/// Zones whose zone files are not whole: nobody can tell which names there are, so none is answered otherwise.
struct UnreadyZoneTests {
    private let reason = "zone plant.test: plant.zone is missing or has mistakes"

    private func zone(_ realm: Policy.Realm) throws -> Policy.Zone {
        var zone = try Scenario.zone("plant.test", records: [], realm: realm)
        zone.content = .unready(reason)
        return zone
    }

    static let realms: [@Sendable () throws -> Policy.Realm] = [
        { try Scenario.path("pn-a") }, { .blocked("no path") }, { .public },
    ]

    /// Neither the public nor what `when-blocked` says is asked.
    @Test(arguments: 0..<3, [Policy.BlockedAnswer.servfail, .nxdomain])
    func answersNothingInAnyRealm(realm: Int, whenBlocked: Policy.BlockedAnswer) throws {
        let scenario = Scenario()
        scenario.adopt([try zone(try Self.realms[realm]())], whenBlocked: whenBlocked)
        for name in ["plant.test", "historian.plant.test", "a.b.plant.test"] {
            let reply = try #require(scenario.ask(name, edns: MessageText.opt()))
            #expect(reply.code == 2)
            #expect(reply.counts == [1, 0, 0, 1])
            #expect(reply.extendedError?.code == 24)
            #expect(reply.extendedError?.text == reason)
        }
        #expect(scenario.takeAsked().isEmpty)
        // Its path may be well.
        #expect(scenario.tally.blockedAnswers == [0])
    }

    @Test func answersNothingBehindAnAlias() throws {
        let scenario = Scenario()
        scenario.adopt([try zone(Scenario.path("pn-a"))])
        scenario.ask("www.example.net", edns: MessageText.opt())
        let asked = try #require(scenario.takeAsked().first)
        let name = "historian.plant.test"
        let records = [
            MessageText.record("www.example.net", .cname, ttl: 60, MessageText.wire(name)),
            MessageText.record(name, .a, ttl: 60, [20, 1, 2, 3]),
        ]
        scenario.reply(MessageText.answer(to: asked.message, answers: records), to: asked)
        let reply = try #require(scenario.takeAnswers().first)
        #expect(reply.code == 2)
        #expect(reply.addresses.isEmpty)
        #expect(reply.extendedError?.code == 24)
    }
}
