// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import PrivateDNS

/// Whether this build is optimised: a debug build allocates for spans and typed throws, which says nothing.
private var isOptimised: Bool {
    #if DEBUG
        false
    #else
        true
    #endif
}

struct AllocationTests {
    @Test(.enabled(if: isOptimised, "a gate for release builds: swift test -c release"))
    func answersWithoutAllocating() throws {
        let scenario = Scenario()
        // Nobody is exempt, so that all limits are looked at.
        let limits = ClientLimits(queriesPerSecond: 1_000_000, inFlight: 9, responsesPerSecond: 1_000_000, exempt: [])
        let zones = [
            try Scenario.zone(
                "plant.internal",
                records: ["h A 10.0.0.1", "*.w A 10.0.0.2"],
                realm: Scenario.path("pn-a")
            ),
            try Scenario.zone("azure.test", realm: Scenario.path("pn-a")),
            try Scenario.zone("blocked.test", realm: .blocked("no path since 12:00")),
        ]
        scenario.adopt(zones, clientLimits: limits)
        scenario.ask("hub.azure.test")
        let asked = try #require(scenario.takeAsked().first)
        let record = MessageText.record("hub.azure.test", .a, ttl: 300, [10, 20, 0, 7])
        scenario.reply(MessageText.answer(to: asked.message, answers: [record]), to: asked)
        scenario.pass(.seconds(2))

        let names = [
            "h.plant.internal", "no.plant.internal", "a.b.w.plant.internal", "a.b.c.h.plant.internal", "x.localhost",
            "hub.azure.test", "x.blocked.test",
        ]
        var queries = names.map { MessageText.query($0, edns: MessageText.opt()).bytes }
        queries += names.map { MessageText.query($0).bytes }
        // A cookie, checked and given.
        let cookie: [UInt8] =
            [0, 10, 0, 24] + [UInt8](repeating: 7, count: 8) + [1, 0, 0, 0] + [UInt8](repeating: 0, count: 12)
        queries += names.map { MessageText.query($0, edns: MessageText.opt(options: cookie)).bytes }
        // Malformed ones are left out: swift-testing hooks every throw of its process, also a typed one, and boxes
        // the error for it. In the resolver nothing is boxed.
        // The first round makes what is made once.
        for query in queries { #expect(scenario.allocations(asking: query, times: 1) != nil) }
        for query in queries { #expect(scenario.allocations(asking: query, times: 1000) == 0) }
        #expect(scenario.tally.cacheHits == 3003)
    }

    @Test(.enabled(if: isOptimised, "a gate for release builds: swift test -c release"))
    func answersOfNameSetsWithoutAllocating() throws {
        let scenario = Scenario()
        let names = ["h.plant.internal", "www.example.test", "x.localhost"]
        let sets = try ["plant.internal", "example.test", "edge.test"].enumerated().map { number, domain in
            Policy.NameSet(
                name: try #require(NameSetName("set\(number)")),
                domains: [try #require(DomainName(domain))]
            )
        }
        let limits = ClientLimits(queriesPerSecond: 1_000_000, inFlight: 9, responsesPerSecond: 1_000_000, exempt: [])
        let zone = try Scenario.zone("plant.internal", records: ["h A 10.0.0.1"], realm: Scenario.path("pn-a"))
        scenario.adopt([zone], specialUseUpstream: ["test"], nameSets: sets, clientLimits: limits)
        // Held from here on, the second with the alias that leads there.
        for name in names.prefix(2) { scenario.ask(name) }
        let asked = try #require(scenario.takeAsked().first)
        let answers = [
            MessageText.record("www.example.test", .cname, ttl: 300, try #require(DomainName("a.edge.test")).wire),
            MessageText.record("a.edge.test", .a, ttl: 300, [203, 0, 113, 7]),
        ]
        scenario.reply(MessageText.answer(to: asked.message, answers: answers), to: asked)
        let tellings = scenario.takeLearned()
        #expect(tellings.map(\.addresses.count) == [1, 1])
        for telling in tellings { scenario.hear(telling.serial) }
        for name in names {
            let query = MessageText.query(name, edns: MessageText.opt()).bytes
            #expect(scenario.allocations(asking: query, times: 1) != nil, "\(name)")
            #expect(scenario.allocations(asking: query, times: 1000) == 0, "\(name)")
        }
    }
}
