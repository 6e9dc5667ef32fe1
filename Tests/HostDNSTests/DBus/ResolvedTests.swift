// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO
import Testing

@testable import HostDNS

/// A clock that moves when it is told to.
private final class Clock: TimeSource, @unchecked Sendable {
    // Only the test's own thread asks.
    var now = Instant(nanoseconds: 1_000_000_000)
    var wallNanoseconds: Int64 { now.nanoseconds }
}

struct ResolvedTests {
    private static let telling = [
        "SetLinkDNSSEC", "SetLinkDNSOverTLS", "SetLinkLLMNR", "SetLinkMulticastDNS", "SetLinkDomains",
        "SetLinkDefaultRoute", "SetLinkDNSEx", "FlushCaches",
    ]

    private static func wish(_ link: Int32 = 7) throws -> Resolved.Wish {
        Resolved.Wish(
            link: link,
            servers: [try #require(SocketEndpoint("127.0.0.1:53"))],
            domains: [try #require(DomainName("plant.internal"))]
        )
    }

    private func turn(_ loop: EventLoop, until condition: () -> Bool) throws {
        for _ in 0..<2_000 where !condition() { try loop.turn(waiting: .milliseconds(1)) }
        #expect(condition())
    }

    /// Turns until nothing happens any more.
    private func settle(_ loop: EventLoop) throws {
        for _ in 0..<50 { try loop.turn(waiting: .milliseconds(1)) }
    }

    private func connected(_ bus: FakeBus, _ loop: EventLoop, owner: String = ":1.5") throws -> Resolved {
        bus.answers["GetNameOwner"] = .success([.string(owner)])
        let resolved = Resolved(on: loop, bus: bus.path)
        resolved.connect()
        try turn(loop) { resolved.state == .running }
        #expect(bus.takeCalls() == ["Hello", "AddMatch", "GetNameOwner"])
        return resolved
    }

    @Test func isToldDomainsBeforeServersAndOnce() throws {
        let loop = try EventLoop()
        let bus = try FakeBus(on: loop)
        let resolved = try connected(bus, loop)
        let wish = try Self.wish()
        resolved.follow(wish)
        try turn(loop) { resolved.has(wish) }
        #expect(bus.takeCalls() == Self.telling)
        resolved.follow(wish)
        try settle(loop)
        #expect(bus.takeCalls() == [])
    }

    @Test func anotherOneIsToldAgain() throws {
        let loop = try EventLoop()
        let bus = try FakeBus(on: loop)
        let resolved = try connected(bus, loop)
        let wish = try Self.wish()
        resolved.onChange = { resolved.follow(wish) }
        resolved.follow(wish)
        try turn(loop) { resolved.has(wish) }
        _ = bus.takeCalls()
        try bus.owns(Resolved.name, "")
        try turn(loop) { resolved.state == .absent }
        #expect(!resolved.has(wish))
        try bus.owns(Resolved.name, ":1.9")
        try turn(loop) { resolved.has(wish) }
        #expect(bus.takeCalls() == Self.telling)
        // Somebody else's name is none of our business.
        try bus.owns("org.example", ":1.10")
        try settle(loop)
        #expect(resolved.has(wish))
    }

    /// Whoever is told of each refusal, and follows at once, asks no more than once for it.
    @Test func oneThatRefusesIsNotToldAgainAndAgain() throws {
        let loop = try EventLoop()
        let bus = try FakeBus(on: loop)
        let resolved = try connected(bus, loop)
        let wish = try Self.wish()
        bus.answers["SetLinkDomains"] = .failure(.refused("org.freedesktop.resolve1.LinkBusy", "Link x is managed."))
        resolved.onChange = { resolved.follow(wish) }
        resolved.follow(wish)
        try turn(loop) { resolved.problem != nil }
        try settle(loop)
        #expect(bus.takeCalls() == Self.telling + Self.telling)
        #expect(!resolved.has(wish))
        #expect(
            resolved.problem
                == "SetLinkDomains: Link x is managed. (org.freedesktop.resolve1.LinkBusy); a .network file of "
                + "systemd-networkd's matches the interface (exclude it there, or set Unmanaged=yes)"
        )
    }

    /// Builds that lack what need not be there take the rest.
    @Test func whatCannotBeTurnedOffIsNoProblem() throws {
        let loop = try EventLoop()
        let bus = try FakeBus(on: loop)
        let resolved = try connected(bus, loop)
        bus.answers["SetLinkDNSOverTLS"] = .failure(.refused("org.freedesktop.DBus.Error.NotSupported", "no"))
        let wish = try Self.wish()
        resolved.follow(wish)
        try turn(loop) { resolved.has(wish) }
        #expect(resolved.problem == nil)
    }

    @Test func withoutABusItIsAbsent() throws {
        let loop = try EventLoop()
        let resolved = Resolved(on: loop, bus: "/nowhere/bus")
        resolved.connect()
        #expect(resolved.state == .absent)
    }

    @Test func aBusThatGoesIsConnectedToAgain() throws {
        let loop = try EventLoop()
        let bus = try FakeBus(on: loop)
        let resolved = try connected(bus, loop)
        bus.hangUp()
        try turn(loop) { resolved.state == .absent }
        resolved.connect()
        try turn(loop) { resolved.state == .running }
    }

    @Test(arguments: [
        "REJECTED EXTERNAL\r\n", String(repeating: "x", count: 600), "OK 1\r\nl\u{1}\u{0}\u{2}garbage of a bus",
    ])
    func aBusThatIsNoneIsLeft(welcome: String) throws {
        let loop = try EventLoop()
        let bus = try FakeBus(on: loop)
        bus.welcome = welcome
        let resolved = Resolved(on: loop, bus: bus.path)
        resolved.connect()
        try turn(loop) { resolved.state == .absent }
    }

    @Test func silenceIsAnAnswerAfterAWhile() throws {
        let clock = Clock()
        let loop = try EventLoop(clock: clock)
        let bus = try FakeBus(on: loop)
        bus.isSilent = true
        let resolved = Resolved(on: loop, bus: bus.path)
        resolved.connect()
        try settle(loop)
        #expect(resolved.state == .unknown)
        clock.now = clock.now + .seconds(6)
        try turn(loop) { resolved.state == .absent }
    }

    @Test func aDomainOfAllIsTheDefaultRoute() throws {
        let domains = [DomainName.root, try #require(DomainName("plant.internal"))]
        let server = try #require(SocketEndpoint("127.0.0.1:53"))
        let wish = Resolved.Wish(link: 7, servers: [server], domains: domains)
        #expect(wish.isDefault)
        let facts = ResolvedFacts(
            servers: [ResolvedFacts.Server(link: 7, endpoint: server)],
            domains: domains.map { ResolvedFacts.Domain(link: 7, name: $0, isForRouting: true) }
        )
        #expect(wish.holds(in: facts))
        #expect(!(try Self.wish()).holds(in: facts))
    }

    /// As systemd-resolved has it: a server at a loopback address is told of as `lo`'s, and the link has it by itself.
    @Test func serversAreTheirLinks() throws {
        let loop = try EventLoop()
        let bus = try FakeBus(on: loop)
        var facts: ResolvedFacts?
        let local = [DBusValue.int32(2), .bytes([127, 0, 0, 1]), .uint16(0), .string("")]
        let others = [DBusValue.int32(2), .bytes([192, 0, 2, 53]), .uint16(5353), .string("")]
        func property(_ signature: String, _ structures: [[DBusValue]]) -> Result<[DBusValue], DBusError> {
            .success([.variant(.array(of: signature, structures.map { .structure($0) }))])
        }
        let manager = "/org/freedesktop/resolve1"
        bus.answers["DNSEx of \(manager)"] = property("(iiayqs)", [[.int32(1)] + local, [.int32(0)] + others])
        bus.answers["Domains of \(manager)"] = property(
            "(isb)",
            [[.int32(12), .string("plant.internal"), .boolean(true)], [.int32(0), .string("."), .boolean(true)]]
        )
        bus.answers["DNSEx of \(manager)/link/_312"] = property("(iayqs)", [local])
        let connection = try DBusConnection(to: bus.path, on: loop, onSignal: { _ in }, onLoss: { _ in })
        ResolvedFacts.fetch(over: connection) { facts = try? $0.get() }
        try turn(loop) { facts != nil }
        let servers = try ["192.0.2.53:5353", "127.0.0.1:53"].map { try #require(SocketEndpoint($0)) }
        #expect(
            facts
                == ResolvedFacts(
                    servers: [
                        ResolvedFacts.Server(link: 0, endpoint: servers[0]),
                        ResolvedFacts.Server(link: 12, endpoint: servers[1]),
                    ],
                    domains: [
                        ResolvedFacts.Domain(
                            link: 12,
                            name: try #require(DomainName("plant.internal")),
                            isForRouting: true
                        ),
                        ResolvedFacts.Domain(link: 0, name: .root, isForRouting: true),
                    ]
                )
        )
    }
}
