// SPDX-License-Identifier: Apache-2.0

import CLinux
import Configuration
import ControlAPI
import Logging
import NetworkTypes
import PathHealth
import SystemIO
import Telemetry
import Tunnel

/// This host's own TCP connections through the paths: as evidence, in status, in `explain` and in metrics.
extension Agent {
    /// Where there are none, as on most routers, it is soon enough to find the first one: the kernel goes through the table
    /// of all connections, however empty it is.
    private static let connectionInterval = (some: Duration.seconds(1), none: Duration.seconds(5))

    /// Looks at the connections for as long as the agent runs.
    func watchConnections() {
        let areSome = flows.ways.values.contains { $0.count > 0 }
        loop.schedule(inStepEvery: areSome ? Self.connectionInterval.some : Self.connectionInterval.none) {
            [weak self] in
            self?.lookAtConnections()
            self?.watchConnections()
        }
    }

    private var ways: [FlowWatch.Way] {
        site.networks.flatMap { network in network.paths.map { FlowWatch.Way(to: network.name, by: $0) } }
    }

    private func lookAtConnections() {
        let before = waysInVain
        do throws(NetlinkError) {
            let look = try connections.look(at: site.networks.flatMap(\.prefixes))
            // Most routers have none, and all that follows is for nothing then.
            let ways = look.connections.isEmpty ? nil : connectionWays
            flows.look(at: look, self.ways, { ways?.way(of: $0) }, now: loop.now)
            flowsProblem = nil
        } catch {
            flows.lose()
            note(error)
        }
        let now = loop.now
        for way in ways { observe(.flows(way.network, way.path, flows.status(of: way, now: now))) }
        for way in waysInVain where !before.contains(way) { log.warning("\(warning(of: way))") }
    }

    private var connectionWays: ConnectionWays {
        ConnectionWays(desired, interfaces: paths.compactMapValues { $0.link?.index }, asked: asked)
    }

    /// Whom pnetd itself asks over TCP.
    private var asked: [NetworkName: Set<SocketEndpoint>] {
        let lists = site.policies.map { ($0.network, Set($0.targets.compactMap(\.connection))) }
        return Dictionary(lists) { first, _ in first }
    }

    private func note(_ error: NetlinkError) {
        guard flowsProblem != error else { return }
        flowsProblem = error
        if error.code == ENOENT {
            log.notice("this kernel does not list TCP connections (INET_TCP_DIAG): those of this host say nothing")
        } else {
            log.error("\(error)")
        }
    }

    // MARK: - Status

    /// The ways that are up, and on which connections with more than one host wait in vain.
    private var waysInVain: [FlowWatch.Way] {
        let now = loop.now
        let inVain = flows.ways.filter { $0.value.isInVain(now: now) }
        guard !inVain.isEmpty else { return [] }
        return core.report.flatMap { network in
            network.paths.filter { $0.verdict == .up }.map {
                FlowWatch.Way(to: network.decision.network, by: $0.path)
            }
        }
        .filter { inVain[$0] != nil }
    }

    /// What is odd of this host's connections while the targets answer.
    var connectionWarnings: [String] {
        let tooMany =
            "this host has more than \(TCPConnections.limit) TCP connections: they are not looked at, and say nothing of paths"
        let tooLittle = "this kernel tells too little of \(flows.unreadable) TCP connections: they say nothing of paths"
        return waysInVain.map(warning) + (flows.isOverwhelmed ? [tooMany] : [])
            + (flows.unreadable > 0 ? [tooLittle] : [])
    }

    private func warning(of way: FlowWatch.Way) -> String {
        let seen = flows.ways[way]
        let (waiting, hosts) = (seen?.witnesses.count ?? 0, seen?.hosts ?? 0)
        return
            "\(way.path): \(waiting) of \(seen?.count ?? 0) TCP connections of this host to \(way.network), with \(hosts) hosts, "
            + "wait for acknowledgements in vain, though its targets answer: a firewall on the way or at those hosts drops "
            + "them, or packets of their size are lost (pnetctl explain \(way.network) names them; to try a size: "
            + "ping -M do -s 1300 -I \(interface(of: way.path)) \(seen?.witnesses.first.map { "\($0.remote.address)" } ?? "HOST"))"
    }

    private func interface(of path: PathName) -> String {
        site.paths.first { $0.name == path }?.interface.text ?? "INTERFACE"
    }

    /// How many connections are named at most.
    private static let named = 5

    /// The connections of a network by a path, for `explain`; nothing where there are none.
    func connectionFacts(of network: NetworkName, by path: PathName) -> [Explanation] {
        guard let seen = flows.ways[FlowWatch.Way(to: network, by: path)], seen.count > 0 else { return [] }
        let names = seen.stalled.prefix(Self.named).map { connection in
            Explanation(
                "\(connection.local) to \(connection.remote): \(connection.timeouts) timeouts in a row, "
                    + "\(connection.retransmissions) segments sent once more"
            )
        }
        let more = seen.stalled.count - names.count
        return [
            Explanation(
                "\(seen.count) TCP connections of this host go by it, \(seen.stalled.count) of them wait for "
                    + "acknowledgements in vain; \(seen.retransmissions) segments were sent once more since pnetd runs",
                because: names + (more > 0 ? [Explanation("and \(more) more")] : [])
            )
        ]
    }

    // MARK: - Metrics

    func addConnections(to page: inout Exposition) {
        func samples(_ value: (FlowWatch.Flows) -> Double) -> [Exposition.Sample] {
            ways.map { way in
                let seen = flows.ways[way] ?? FlowWatch.Flows()
                return .init(value(seen), ("network", way.network.text), ("path", way.path.text))
            }
        }
        page.add(
            "pnetd_tcp_connections",
            .gauge,
            "TCP connections of this host itself that go to a network by a path.",
            samples { Double($0.count) }
        )
        page.add(
            "pnetd_tcp_stalled_connections",
            .gauge,
            "Those of them that wait for acknowledgements in vain: two timeouts in a row, and nothing came since.",
            samples { Double($0.stalled.count) }
        )
        page.add(
            "pnetd_tcp_retransmits_total",
            .counter,
            "Segments that they sent once more, as far as looks once a second show.",
            samples { Double($0.retransmissions) }
        )
    }
}
