// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO
import Testing

@testable import PrivateDNS

@Suite struct ExplanationTests {
    private let name = "hub.azure.test"

    private func scenario(forward: [SocketEndpoint] = [Scenario.cloud]) throws -> Scenario {
        let scenario = Scenario()
        let zone = try Scenario.zone("azure.test", forward: forward, realm: Scenario.path("pn-a"), generation: 7)
        scenario.adopt([zone])
        return scenario
    }

    private func address(_ last: UInt8) -> [UInt8] { MessageText.record(name, .a, ttl: 10, [10, 20, 0, last]) }

    private func name(_ text: String) throws -> DomainName { try #require(DomainName(text)) }

    /// A public name that leads into a zone: each hop, server and path, and what the answer is.
    @Test func tellsOfEachHop() throws {
        let scenario = try scenario()
        scenario.explain("hub.example.net")
        let first = try #require(scenario.takeAsked().first)
        scenario.pass(.milliseconds(12))
        let alias = MessageText.record("hub.example.net", .cname, ttl: 60, MessageText.wire(name))
        scenario.reply(MessageText.answer(to: first.message, answers: [alias]), to: first)
        let second = try #require(scenario.takeAsked().first)
        scenario.pass(.milliseconds(30))
        scenario.reply(MessageText.answer(to: second.message, answers: [address(7)]), to: second)
        let (message, steps) = try #require(scenario.takeExplanation())
        let (hub, zone) = (try name("hub.example.net"), try name("azure.test"))
        let target = try name(name)
        let (upstream, cloud) = (Scenario.upstream, Scenario.cloud)
        #expect(
            steps == [
                ResolutionStep(hop: 0, name: hub, event: .noZone(hasUpstreams: true)),
                ResolutionStep(hop: 0, name: hub, event: .asked(upstream, path: nil, .datagram)),
                ResolutionStep(
                    hop: 0,
                    name: hub,
                    event: .answered(upstream, path: nil, .noError, answers: 1, microseconds: 12_000)
                ),
                ResolutionStep(hop: 0, name: hub, event: .alias(target)),
                ResolutionStep(
                    hop: 1,
                    name: target,
                    event: .zone(zone, network: "azure", generation: 7, .servers([cloud], paths: ["pn-a"]))
                ),
                ResolutionStep(hop: 1, name: target, event: .asked(cloud, path: "pn-a", .datagram)),
                ResolutionStep(
                    hop: 1,
                    name: target,
                    event: .answered(cloud, path: "pn-a", .noError, answers: 1, microseconds: 30_000)
                ),
                ResolutionStep(hop: 1, name: target, event: .answer(.noError)),
            ]
        )
        let answer = try #require(AnswerText(message))
        #expect(
            answer.records == ["hub.example.net. 60 IN CNAME hub.azure.test.", "hub.azure.test. 10 IN A 10.20.0.7"]
        )
        #expect(answer.code == .noError)
        #expect(answer.remark == nil)
        // From then on the cache holds it, for clients as well.
        scenario.explain(name, id: 2)
        #expect(
            scenario.takeExplanation(2)?.steps.map(\.event) == [
                .zone(zone, network: "azure", generation: 7, .servers([cloud], paths: ["pn-a"])),
                .cached(.noError, secondsLeft: 10, isStale: false), .answer(.noError),
            ]
        )
        #expect(scenario.ask(name)?.addresses == ["10.20.0.7"])
    }

    @Test func tellsWhoMayNotAsk() throws {
        let scenario = try scenario()
        scenario.explain(name, for: NameAsker(address: IPAddress("192.0.2.77")))
        let (message, steps) = try #require(scenario.takeExplanation())
        #expect(steps.map(\.event) == [.clientRefused, .answer(.refused)])
        #expect(AnswerText(message)?.code == .refused)
        #expect(AnswerText(message)?.remark == "18")
    }

    /// By address, by interface, or by name; what is not known is in no view that asks for it.
    @Test func goesByTheClientsView() throws {
        let scenario = Scenario()
        func zone(_ address: String) throws -> Policy.Zone {
            try Scenario.zone("azure.test", records: ["hub A \(address)"], realm: Scenario.path("pn-a"))
        }
        let clients = AddressSet(["127.0.0.0/24"].compactMap { IPPrefix($0) })
        scenario.adopt(
            [try zone("10.20.0.1")],
            views: [
                Policy.View(name: "cell", clients: clients, interfaces: [7], zones: [try zone("10.20.0.2")]),
                Policy.View(name: "ot", clients: nil, interfaces: [7], zones: [try zone("10.20.0.3")]),
                Policy.View(name: "office", clients: clients, interfaces: nil, zones: [try zone("10.20.0.4")]),
            ]
        )
        func seen(_ asker: NameAsker) throws -> String {
            scenario.explain(name, for: asker)
            let (message, steps) = try #require(scenario.takeExplanation())
            let view = steps.compactMap { if case .view(let name) = $0.event { name } else { nil } }.first
            let record = try #require(AnswerText(message)?.records.first)
            return "\(view ?? "none") \(record.split(separator: " ").last ?? "")"
        }
        let (near, far) = (IPAddress("127.0.0.1"), IPAddress("127.0.1.1"))
        #expect(try seen(NameAsker()) == "none 10.20.0.1")
        #expect(try seen(NameAsker(address: near, interface: 7)) == "cell 10.20.0.2")
        #expect(try seen(NameAsker(interface: 7)) == "ot 10.20.0.3")
        #expect(try seen(NameAsker(address: far, interface: 7)) == "ot 10.20.0.3")
        #expect(try seen(NameAsker(address: near, interface: 8)) == "office 10.20.0.4")
        #expect(try seen(NameAsker(address: far, interface: 8)) == "none 10.20.0.1")
        #expect(try seen(NameAsker(address: far, view: "cell")) == "cell 10.20.0.2")
    }

    @Test func tellsWhoIsSilent() throws {
        let scenario = try scenario(forward: [Scenario.cloud, Scenario.secondCloud])
        scenario.explain(name)
        scenario.fail(try #require(scenario.takeAsked().first))
        scenario.pass(.seconds(4))
        let (message, steps) = try #require(scenario.takeExplanation())
        #expect(steps.contains { $0.event == .unreachable(Scenario.cloud, path: "pn-a") })
        #expect(steps.contains { $0.event == .silent(Scenario.secondCloud, path: "pn-a") })
        #expect(steps.last?.event == .answer(.servFail))
        #expect(AnswerText(message)?.remark == "23 10.20.0.53, 10.20.0.54: no answer through pn-a for 3s")
    }

    @Test func tellsWhatIsBlocked() throws {
        let scenario = Scenario()
        scenario.adopt([try Scenario.zone("azure.test", realm: .blocked("no path since noon"), generation: 3)])
        scenario.explain(name)
        let zone = try name("azure.test")
        #expect(
            scenario.takeExplanation()?.steps.map(\.event) == [
                .zone(zone, network: "azure", generation: 3, .blocked("no path since noon")), .answer(.servFail),
            ]
        )
    }

    @Test func twoManyAtOnceGetNone() throws {
        let scenario = try scenario()
        for id in 1...UInt64(Resolution.explanationLimit) + 1 { scenario.explain("n\(id).azure.test", id: id) }
        #expect(scenario.takeExplanation(UInt64(Resolution.explanationLimit) + 1)?.message.isEmpty == true)
        scenario.pass(.seconds(4))
        #expect(scenario.takeExplanation(1)?.message.isEmpty == false)
    }

    @Test func forgetsWhatLiesBelowAName() throws {
        let scenario = try scenario()
        for label in ["a", "b", "c.b"] {
            scenario.ask("\(label).azure.test")
            let asked = try #require(scenario.takeAsked().first)
            let record = MessageText.record("\(label).azure.test", .a, ttl: 10, [10, 20, 0, 1])
            scenario.reply(MessageText.answer(to: asked.message, answers: [record]), to: asked)
        }
        #expect(scenario.kept().map(\.name.withoutRootDot) == ["a.azure.test", "b.azure.test", "c.b.azure.test"])
        #expect(scenario.kept().map(\.secondsLeft) == [10, 10, 10])
        #expect(scenario.flush("b.azure.test") == 2)
        #expect(scenario.kept().map(\.name.withoutRootDot) == ["a.azure.test"])
        #expect(scenario.ask("a.azure.test") != nil)
        #expect(scenario.ask("c.b.azure.test") == nil)
    }

    /// The last known good is kept when its time is over, and under a decision that is over; a flush ends it.
    @Test func showsWhatIsOver() throws {
        let scenario = try scenario()
        scenario.ask(name)
        let asked = try #require(scenario.takeAsked().first)
        scenario.reply(MessageText.answer(to: asked.message, answers: [address(1)]), to: asked)
        scenario.pass(.seconds(15))
        #expect(scenario.kept().map(\.secondsLeft) == [-5])
        #expect(scenario.kept().map(\.zone) == ["here"])
        scenario.adopt([try Scenario.zone("azure.test", realm: Scenario.path("pn-a"), generation: 8)])
        #expect(scenario.kept().map(\.zone) == [nil])
        #expect(scenario.flush("azure.test") == 1)
        #expect(scenario.kept().isEmpty)
    }
}
