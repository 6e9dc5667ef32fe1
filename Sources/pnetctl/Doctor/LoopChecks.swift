// SPDX-License-Identifier: Apache-2.0
// Questions of pnetd's that would come back to pnetd.

import ControlAPI
import HostDNS
import NetworkTypes

extension Diagnosis {
    /// Upstreams and servers of zones that are pnetd itself, or ask it.
    var loops: [Finding] {
        guard let report else { return [] }
        let upstreams = report.upstreams.compactMap { loop($0, "upstream \($0)", "names in no zone") }
        var seen: Set<SocketEndpoint> = []
        let zones = report.zones.flatMap { zone in
            zone.servers.filter { seen.insert($0).inserted }.compactMap { server in
                loop(server, "server \(server) of zone \(zone.name.withoutRootDot)", "the zone's names")
            }
        }
        return upstreams + zones
    }

    private func loop(_ server: SocketEndpoint, _ what: String, _ names: String) -> Finding? {
        if listens(at: server) {
            return Finding(
                .error,
                "loop",
                "\(what) is pnetd itself",
                why: "questions for \(names) go round until they time out",
                remedy: "name the server that knows them"
            )
        }
        guard isStub(server.address) else { return neighbour(server, what, names) }
        guard host.resolved?.servers.contains(where: { listens(at: $0.endpoint) }) == true else { return nil }
        return Finding(
            .error,
            "loop",
            "\(what) is systemd-resolved, which asks pnetd",
            why: "questions for \(names) may go round between the two until they time out",
            remedy: "name the servers that systemd-resolved asks (resolvectl dns)"
        )
    }

    /// Another server on this host, which most often asks whom /etc/resolv.conf names.
    private func neighbour(_ server: SocketEndpoint, _ what: String, _ names: String) -> Finding? {
        guard isAsked, host.isOwn(server.address) else { return nil }
        return Finding(
            .warning,
            "loop",
            "\(what) is another server on this host, where /etc/resolv.conf leads to pnetd",
            why: "one that asks whom /etc/resolv.conf names, as dnsmasq does, sends questions for \(names) back",
            remedy: "see that it has servers of its own (dnsmasq: no-resolv and server=)"
        )
    }
}
