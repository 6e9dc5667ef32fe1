// SPDX-License-Identifier: Apache-2.0

import Lab

/// FRR at both ends: BGP over both tunnels, the first one preferred, each neighbour with BFD as FRR has it, 300 ms by
/// three. Static routes with BFD are not in FRR 8.4.
struct Routers: Contender {
    static let farEnd = FarEnd.routed
    private let lab: Lab
    private let ends: [End]

    private struct End {
        let host: Host
        let system: Int
        let peerSystem: Int
        /// Its own network, which it tells of.
        let network: String
        /// The peer's addresses on both tunnels, best first.
        let peers: [String]

        var folder: String { "\(host.folder)/frr" }

        var configuration: String {
            let neighbours = peers.map { peer in
                """
                 neighbor \(peer) remote-as \(peerSystem)
                 neighbor \(peer) bfd
                 neighbor \(peer) timers connect 1
                 neighbor \(peer) advertisement-interval 0
                """
            }
            return """
                route-map first permit 10
                 set local-preference 200
                exit
                router bgp \(system)
                 bgp router-id 10.0.0.\(system - 65_000)
                 no bgp ebgp-requires-policy
                 no bgp network import-check
                \(neighbours.joined(separator: "\n"))
                 address-family ipv4 unicast
                  network \(network)
                  neighbor \(peers[0]) route-map first in
                 exit-address-family
                exit

                """
        }

        func ask(_ daemon: String, _ command: String) throws -> Program.Result {
            try host.attempt(["vtysh", "--vty_socket", folder, "-d", daemon, "-c", command])
        }

        func start() throws {
            // FRR gives up root for its own user, who has to write here.
            try host.run("install", "-d", "-o", "frr", "-g", "frr", folder)
            for (name, text) in [("zebra", ""), ("bfdd", ""), ("bgpd", configuration), ("vtysh", "")] {
                try host.write("frr/\(name).conf", text)
            }
            for name in ["zebra", "bfdd", "bgpd"] {
                let files = [
                    "-f", "\(folder)/\(name).conf", "-z", "\(folder)/zserv.api", "-i", "\(folder)/\(name).pid",
                ]
                let command = ["/usr/lib/frr/\(name)"] + files + ["--vty_socket", folder, "-A", "127.0.0.1"]
                _ = try host.start(name, command)
                try waitUntil("\(name) answers") { try ask(name, "show version").status == 0 }
            }
        }

        /// Both sessions are up at their own pace, and routes came by both.
        func isReady() throws -> Bool {
            let sessions = try ask("bfdd", "show bfd peers brief").output.split(separator: "\n")
            let routes = try ask("bgpd", "show bgp summary").output
            return peers.allSatisfy { peer in
                sessions.contains { line in line.contains(" \(peer) ") && line.contains(" up") }
                    && routes.split(separator: "\n").contains { line in
                        let words = line.split { $0.isWhitespace }
                        return words.first ?? "" == peer && words.dropFirst(9).first.flatMap { Int($0) } == 1
                    }
            }
        }
    }

    init(_ lab: Lab, _ options: SiteFile) throws {
        self.lab = lab
        for tunnel in Tunnel.allCases { try lab.raiseTunnel(tunnel, options) }
        ends = [
            End(
                host: lab.site,
                system: 65_001,
                peerSystem: 65_002,
                network: "10.1.0.0/16",
                peers: Tunnel.allCases.map(\.gatewayAddress)
            ),
            End(
                host: lab.cloud,
                system: 65_002,
                peerSystem: 65_001,
                network: "10.20.0.0/16",
                peers: Tunnel.allCases.map(\.siteAddress)
            ),
        ]
    }

    func start() throws {
        try Program.must(["chmod", "755", lab.folder, lab.site.folder, lab.cloud.folder])
        for end in ends { try end.start() }
    }

    func isReady() throws -> Bool {
        try lab.isOnFirst() && ends.allSatisfy { try $0.isReady() }
    }

    func killGateway() throws { try lab.killGateway(.a) }
    func reviveGateway() throws { try lab.raiseGateway(.a) }
}

extension Lab {
    /// Whether packets leave by the first tunnel at both ends.
    func isOnFirst() throws -> Bool { try isOn(.a) }

    /// Whether packets leave by a tunnel at both ends.
    func isOn(_ tunnel: Tunnel) throws -> Bool {
        try site.leads(to: Lab.target, by: tunnel.interface) && cloud.leads(to: "10.1.0.1", by: tunnel.gatewayLink)
    }
}
