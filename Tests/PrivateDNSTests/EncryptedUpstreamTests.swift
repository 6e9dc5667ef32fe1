// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import PrivateDNS

/// Upstreams that are asked over TLS, as the core sees them.
struct EncryptedUpstreamTests {
    private static let first = SocketEndpoint(address: .v4(IPv4Address(bits: 0xc000_0235)), port: 853)
    private static let second = SocketEndpoint(address: .v4(IPv4Address(bits: 0xc000_0236)), port: 853)
    private let name = "www.example.net"

    private func scenario(
        _ zones: [Policy.Zone] = [],
        upstreams: [SocketEndpoint] = [first],
        over encryption: Upstream.Encryption = .tls
    ) -> Scenario {
        let scenario = Scenario()
        scenario.adopt(zones, upstreams: upstreams, over: encryption)
        return scenario
    }

    private var record: [UInt8] { MessageText.record(name, .a, ttl: 300, [203, 0, 113, 81]) }

    @Test(arguments: Upstream.Encryption.allCases)
    func areAskedInBlocksOf128Octets(encryption: Upstream.Encryption) throws {
        for name in ["a.example", "www.example.net", String(repeating: "long.", count: 20) + "example"] {
            let scenario = scenario(over: encryption)
            scenario.ask(name)
            let asked = try #require(scenario.takeAsked().first)
            #expect(asked.transport == .encrypted(encryption))
            let blocks = (12 + MessageText.wire(name).count + 4 + 11 + 4 + 127) / 128
            #expect(asked.message.count == 128 * blocks)
            let padding = 128 * blocks - 12 - MessageText.wire(name).count - 4 - 11 - 4
            let option: [UInt8] = [0, 12, 0, UInt8(padding)] + [UInt8](repeating: 0, count: padding)
            #expect(Array(asked.message.suffix(15 + padding)) == MessageText.opt(options: option))
        }
    }

    @Test func whatTheyAnswerIsAnswered() throws {
        let scenario = scenario()
        scenario.ask(name, id: 9)
        let asked = try #require(scenario.takeAsked().first)
        scenario.reply(MessageText.answer(to: asked.message, answers: [record]), to: asked)
        let reply = try #require(scenario.takeAnswers().first)
        #expect(reply.id == 9 && reply.addresses == ["203.0.113.81"])
    }

    /// What cannot be asked over TLS is asked of the next server over TLS, and of nobody otherwise.
    @Test func areNeverAskedInTheClear() throws {
        let scenario = scenario(upstreams: [Self.first, Self.second])
        scenario.ask(name)
        var transports: [UpstreamTransport] = []
        for _ in 0..<12 {
            for asked in scenario.takeAsked() {
                transports.append(asked.transport)
                scenario.fail(asked)
            }
            scenario.pass(.milliseconds(400))
        }
        #expect(Set(transports) == [.encrypted(.tls)] && transports.count >= 4)
        #expect(scenario.takeAnswers().map(\.code) == [2])
    }

    /// One that is asked in the clear is there for when the other cannot be asked, not for when it takes its time.
    @Test func waitForAHandshakeBeforeOthersAreAskedInTheClear() throws {
        let scenario = Scenario()
        scenario.adopt([], upstreams: [Self.first, Self.second], over: .tls, plain: [Scenario.upstream])
        scenario.ask(name)
        scenario.pass(.milliseconds(60))
        #expect(scenario.takeAsked().map(\.server) == [Self.first, Self.second])
        scenario.pass(.milliseconds(380))
        #expect(scenario.takeAsked().isEmpty)
        scenario.pass(.milliseconds(20))
        #expect(scenario.takeAsked().map(\.server) == [Scenario.upstream])
    }

    @Test func giveWayToThoseInTheClearThatTheFileNamesWhereTheyFail() throws {
        let scenario = Scenario()
        scenario.adopt([], upstreams: [Self.first], over: .tls, plain: [Scenario.upstream])
        scenario.ask(name)
        scenario.fail(try #require(scenario.takeAsked().first))
        let asked = try #require(scenario.takeAsked().first)
        #expect(asked.server == Scenario.upstream && asked.transport == .datagram)
    }

    /// A server that does not know EDNS, one that cuts its answer short, one that answers something else.
    @Test func staySoWhateverTheyAnswer() throws {
        let scenario = scenario()
        scenario.ask(name)
        let asked = try #require(scenario.takeAsked().first)
        scenario.reply(MessageText.answer(to: asked.message, code: 1), to: asked)
        let plain = try #require(scenario.takeAsked().first)
        #expect(plain.transport == .encrypted(.tls))
        #expect(plain.message.count == 12 + MessageText.wire(name).count + 4)
        var other = MessageText.answer(to: plain.message, answers: [record])
        other[13] ^= 0x01
        scenario.reply(other, to: plain)
        #expect(scenario.closed.contains(plain.attempt))
        scenario.pass(.milliseconds(800))
        let again = try #require(scenario.takeAsked().first)
        #expect(again.transport == .encrypted(.tls))
    }

    /// The names of a zone whose network is public go the same way.
    @Test func areAskedSoForPublishedZones() throws {
        let scenario = scenario([try Scenario.zone("azure.test", realm: .public)])
        scenario.ask("hub.azure.test")
        #expect(try #require(scenario.takeAsked().first).transport == .encrypted(.tls))
    }

    /// What was learned in the clear is not what a server says over TLS.
    @Test func areOtherServersThanThoseInTheClear() throws {
        let scenario = Scenario()
        scenario.adopt([], upstreams: [Self.first])
        scenario.ask(name)
        let asked = try #require(scenario.takeAsked().first)
        scenario.reply(MessageText.answer(to: asked.message, answers: [record]), to: asked)
        #expect(scenario.ask(name)?.addresses == ["203.0.113.81"])
        scenario.adopt([], upstreams: [Self.first], over: .tls)
        #expect(scenario.ask(name) == nil)
        #expect(try #require(scenario.takeAsked().last).transport == .encrypted(.tls))
    }
}
