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
    private static let names = [
        "h.plant.internal", "no.plant.internal", "a.b.w.plant.internal", "a.b.c.h.plant.internal", "x.localhost",
        "hub.azure.test", "x.blocked.test",
    ]

    /// With views and limits. Nobody is exempt, so that all limits are looked at.
    private func scenario(queries: Int = 1_000_000, responses: Int = 1_000_000) throws -> Scenario {
        let scenario = Scenario()
        let limits = ClientLimits(
            queriesPerSecond: queries,
            inFlight: 9,
            responsesPerSecond: responses,
            exempt: []
        )
        func plant(_ address: String) throws -> Policy.Zone {
            try Scenario.zone(
                "plant.internal",
                records: ["h A \(address)", "*.w A 10.0.0.2"],
                realm: Scenario.path("pn-a")
            )
        }
        let zones = [
            try plant("10.0.0.1"), try Scenario.zone("azure.test", realm: Scenario.path("pn-a")),
            try Scenario.zone("blocked.test", realm: .blocked("no path since 12:00")),
        ]
        let clients = AddressSet(try ["10.1.0.0/16", "127.0.0.0/8"].map { try #require(IPPrefix($0)) })
        let others = AddressSet([try #require(IPPrefix("10.2.0.0/16"))])
        let views = try [("elsewhere", others, Set<UInt32>?.none), ("cell", clients, [7])].map {
            Policy.View(name: $0.0, clients: $0.1, interfaces: $0.2, zones: [try plant("10.0.0.7")])
        }
        scenario.adopt(zones, views: views, clientLimits: limits)
        // Interface 7 has a view, others have none; what is learned of zones that it has not is learned for all.
        scenario.ask(MessageText.query("hub.azure.test").bytes, on: 7)
        let asked = try #require(scenario.takeAsked().first)
        let record = MessageText.record("hub.azure.test", .a, ttl: 300, [10, 20, 0, 7])
        scenario.reply(MessageText.answer(to: asked.message, answers: [record]), to: asked)
        scenario.pass(.seconds(2))
        return scenario
    }

    private var queries: [[UInt8]] {
        // A cookie, checked and given.
        let cookie: [UInt8] =
            [0, 10, 0, 24] + [UInt8](repeating: 7, count: 8) + [1, 0, 0, 0] + [UInt8](repeating: 0, count: 12)
        // Malformed ones are left out: swift-testing hooks every throw of its process, also a typed one, and boxes
        // the error for it. In the resolver nothing is boxed.
        return Self.names.flatMap { name in
            [MessageText.opt(), nil, MessageText.opt(options: cookie)].map { MessageText.query(name, edns: $0).bytes }
        }
    }

    @Test(.enabled(if: isOptimised, "a gate for release builds: swift test -c release"), arguments: [UInt32(7), 8])
    func answersWithoutAllocating(interface: UInt32) throws {
        let scenario = try scenario()
        // The first round makes what is made once.
        for query in queries { #expect(scenario.allocations(asking: query, on: interface, times: 1).answers == 1) }
        for query in queries {
            #expect(scenario.allocations(asking: query, on: interface, times: 1_000) == (count: 0, answers: 1_000))
        }
        #expect(scenario.tally.cacheHits == 3_003)
    }

    /// A flood is what is cut: that must cost least of all.
    @Test(.enabled(if: isOptimised, "a gate for release builds: swift test -c release"), arguments: [UInt32(7), 8])
    func cutsWithoutAllocating(interface: UInt32) throws {
        for scenario in [try scenario(queries: 1), try scenario(responses: 1)] {
            for query in queries { _ = scenario.allocations(asking: query, on: interface, times: 2) }
            for query in queries {
                #expect(scenario.allocations(asking: query, on: interface, times: 1_000).count == 0)
            }
            let cut = scenario.tally.limited(.queries) + scenario.tally.limited(.responses)
            #expect(cut > 20_000, "of 21,000, but for the first of each")
        }
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
            #expect(scenario.allocations(asking: query, on: 0, times: 1).answers == 1, "\(name)")
            #expect(scenario.allocations(asking: query, on: 0, times: 1_000) == (count: 0, answers: 1_000), "\(name)")
        }
    }
}
