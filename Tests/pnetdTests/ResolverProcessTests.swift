// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import ProcessLink
import SystemIO
import Testing

@testable import pnetd

/// The resolver process and a stand-in for the agent, on one loop.
@Suite(.serialized)
struct ResolverProcessTests {
    private final class Agent {
        typealias Channel = MessageChannel<MessageToAgent, MessageFromAgent>

        let loop: EventLoop
        let path: String
        let udp: FileDescriptor
        let endpoint: SocketEndpoint
        var channel: Channel?
        var hellos: [[ListenerDescription]] = []
        var inForce: [UInt64] = []
        var samples: [MetricSample] = []
        var found: [UInt64: String] = [:]

        init() throws {
            loop = try EventLoop()
            path = "/tmp/pnetd-test-\(getpid())-\(UInt32.random(in: 0 ... .max)).sock"
            let any = try #require(SocketEndpoint("127.0.0.1", defaultPort: 0))
            udp = try NetworkSocket.listener(on: any, isStream: false)
            endpoint = try #require(NetworkSocket.boundEndpoint(of: udp.raw))
        }

        func take(_ connection: consuming FileDescriptor) throws {
            let channel = try Channel(connection, on: loop)
            channel.onMessage = { [unowned self] message, descriptors in
                for descriptor in descriptors { close(descriptor) }
                switch message {
                case .hello(let holding): greet(holding)
                case .inForce(let serial): inForce.append(serial)
                case .metrics(let values): samples = values
                case .found(let request, let addresses, _, let problem):
                    found[request] = problem.map(\.rawValue) ?? addresses.map(\.description).joined(separator: " ")
                default: Issue.record("an unexpected message")
                }
            }
            self.channel = channel
        }

        private func greet(_ holding: [ListenerDescription]) {
            hellos.append(holding)
            let listener = ListenerDescription(kind: .dnsUDP, endpoint: endpoint, index: 0)
            let isNew = !holding.contains(listener)
            channel?.send(.listeners([listener], attached: [isNew]), with: isNew ? [udp.raw] : [])
        }

        func snapshot(_ serial: UInt64, _ realm: ResolverSnapshot.Zone.Realm, generation: UInt64) throws {
            let zone = ResolverSnapshot.Zone(
                name: try #require(DomainName("plant.internal")),
                network: try #require(NetworkName("azure")),
                source: .records(["historian A 10.20.0.10"]),
                realm: realm,
                generation: generation
            )
            let snapshot = ResolverSnapshot(
                serial: serial,
                workers: 1,
                allow: [try #require(IPPrefix("127.0.0.0/8"))],
                whenBlocked: .servfail,
                limits: .init(queriesPerSecond: 2000, inFlight: 256, responsesPerSecond: 500, exempt: []),
                upstreams: [],
                networks: [],
                trusted: [],
                zones: [zone]
            )
            channel?.send(.resolver(snapshot))
        }

        /// A snapshot with one zone of this source and the reverse names of 10.20.0.0/16.
        func snapshot(_ serial: UInt64, _ source: ResolverSnapshot.Zone.Source) throws {
            let network = try #require(NetworkName("azure"))
            let path = try #require(PathName("vpn-a"))
            let realm = ResolverSnapshot.Zone.Realm.private([
                .init(path: path, interface: try #require(InterfaceName("lo")))
            ])
            let zones = try [("plant.internal", source), ("20.10.in-addr.arpa", .pointers)].map { name, source in
                ResolverSnapshot.Zone(
                    name: try #require(DomainName(name)),
                    network: network,
                    source: source,
                    realm: realm,
                    generation: 1
                )
            }
            let snapshot = ResolverSnapshot(
                serial: serial,
                workers: 1,
                allow: [try #require(IPPrefix("127.0.0.0/8"))],
                whenBlocked: .servfail,
                limits: .init(queriesPerSecond: 2000, inFlight: 256, responsesPerSecond: 500, exempt: []),
                upstreams: [],
                networks: [],
                trusted: [],
                zones: zones
            )
            channel?.send(.resolver(snapshot))
        }

        /// Has the resolver find what it serves itself.
        func find(_ host: String, _ request: UInt64) throws {
            channel?.send(
                .find(
                    request: request,
                    host: try #require(DomainName(host)),
                    servers: [endpoint],
                    interface: try #require(InterfaceName("lo"))
                )
            )
        }

        func turn(until done: () -> Bool) throws {
            for _ in 0..<1000 where !done() { try loop.turn(waiting: .milliseconds(10)) }
            #expect(done())
        }

        func ask(_ name: String = "historian.plant.internal", _ type: UInt8 = 1) throws -> [UInt8]? {
            let query: [UInt8] =
                [0, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0] + (try #require(DomainName(name))).wire + [0, type, 0, 1]
            let socket = try NetworkSocket.datagram(to: endpoint, through: nil)
            _ = try socket.write(query.span)
            var poller = pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&poller, 1, 2000) == 1 else { return nil }
            return try socket.read(upTo: 1500)
        }
    }

    /// Hands whoever connects to the agent.
    private func accept(from listener: Int32, for agent: Agent) throws {
        try agent.loop.watch(listener) { _ in
            let accepted = pn_accept(listener)
            guard accepted >= 0 else { return }
            do {
                try agent.take(FileDescriptor(owning: accepted))
            } catch {
                Issue.record(error)
            }
        }
    }

    @Test func servesAcknowledgesAndOutlivesTheAgent() throws {
        let agent = try Agent()
        let listener = try UnixListener(path: agent.path, mode: 0o600, group: nil)
        let raw = listener.raw
        try accept(from: raw, for: agent)
        let process = try ResolverProcess(socketPath: agent.path, loop: agent.loop)
        try process.start()
        defer { process.stop() }

        try agent.turn { agent.hellos.count == 1 }
        #expect(agent.hellos[0].isEmpty)
        let path = try #require(PathName("vpn-a"))
        let interface = try #require(InterfaceName("lo"))
        try agent.snapshot(1, .private([.init(path: path, interface: interface)]), generation: 1)
        try agent.turn { agent.inForce == [1] }
        #expect(try #require(try agent.ask()).suffix(4) == [10, 20, 0, 10])

        try agent.find("historian.plant.internal", 7)
        try agent.find("nobody.plant.internal", 8)
        try agent.turn { agent.found == [7: "10.20.0.10", 8: "noSuchName"] }

        try agent.snapshot(2, .blocked("no path"), generation: 2)
        try agent.turn { agent.inForce == [1, 2] }
        #expect(try #require(try agent.ask())[3] & 15 == 2)
        try agent.turn { agent.samples.contains { $0.name == "pnetd_dns_blocked_answers_total" && $0.value == 1 } }

        // The agent dies and comes back: the resolver answers on, and says what it holds.
        agent.channel?.close()
        agent.channel = nil
        #expect(try #require(try agent.ask())[3] & 15 == 2)
        try agent.turn { agent.hellos.count == 2 }
        #expect(agent.hellos[1].map(\.endpoint) == [agent.endpoint])
        try agent.snapshot(1, .private([.init(path: path, interface: interface)]), generation: 1)
        try agent.turn { agent.inForce == [1, 2, 1] }
        #expect(try #require(try agent.ask()).suffix(4) == [10, 20, 0, 10])
        agent.loop.unwatch(raw)
    }

    @Test func keepsAZoneFileForAsLongAsSnapshotsNameIt() throws {
        let agent = try Agent()
        let listener = try UnixListener(path: agent.path, mode: 0o600, group: nil)
        let raw = listener.raw
        try accept(from: raw, for: agent)
        let process = try ResolverProcess(socketPath: agent.path, loop: agent.loop)
        try process.start()
        defer { process.stop() }
        try agent.turn { agent.hellos.count == 1 }

        var text = "$TTL 300\n@ SOA ns hostmaster 1 3600 900 604800 60\n"
        for number in 0..<10_000 { text += "host\(number) A 10.20.\(number / 256).\(number % 256)\n" }
        agent.channel?.send(.zoneFile(number: 4, text: text))
        try agent.snapshot(1, .file(4))
        try agent.turn { agent.inForce == [1] }
        #expect(try #require(try agent.ask("host9999.plant.internal")).suffix(4) == [10, 20, 39, 15])
        let reverse = try #require(try agent.ask("15.39.20.10.in-addr.arpa", 12))
        #expect(reverse.suffix(25) == (try #require(DomainName("host9999.plant.internal"))).wire[...])

        // The number is enough the second time, and names nothing once a snapshot went without it.
        try agent.snapshot(2, .file(4))
        try agent.turn { agent.inForce == [1, 2] }
        try agent.snapshot(3, .records(["historian A 10.20.0.10"]))
        try agent.turn { agent.inForce == [1, 2, 3] }
        try agent.snapshot(4, .file(4))
        try agent.snapshot(5, .records(["historian A 10.20.0.11"]))
        try agent.turn { agent.inForce == [1, 2, 3, 5] }
        #expect(try #require(try agent.ask()).suffix(4) == [10, 20, 0, 11])

        // A file that is not whole: SERVFAIL for its names, and for the addresses that they might have.
        try agent.snapshot(6, .unready("plant.zone has mistakes"))
        try agent.turn { agent.inForce == [1, 2, 3, 5, 6] }
        #expect(try #require(try agent.ask())[3] & 15 == 2)
        #expect(try #require(try agent.ask("11.0.20.10.in-addr.arpa", 12))[3] & 15 == 2)
        agent.loop.unwatch(raw)
    }
}
