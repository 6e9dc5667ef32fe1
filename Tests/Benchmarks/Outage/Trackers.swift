// SPDX-License-Identifier: Apache-2.0

import Lab

/// keepalived at both ends: a BFD session of 300 ms by three over the first tunnel, and a VRRP instance that tracks it
/// and holds the better route. The other route stands by.
struct Trackers: Contender {
    static let farEnd = FarEnd.routed
    private let lab: Lab
    private let ends: [End]

    private struct End {
        let host: Host
        let own: String
        let peer: String
        /// The links of both tunnels, best first.
        let links: [String]
        /// The peer's network, and the address that packets to it are from.
        let route: (network: String, source: String)
        /// What VRRP runs on, with nobody else there.
        let stage: String

        var configuration: String {
            """
            global_defs {
              router_id \(host.name)
              script_user root
            }
            bfd_instance first {
              neighbor_ip \(peer)
              source_ip \(own)
              min_rx 300
              min_tx 300
              multiplier 3
            }
            vrrp_instance first {
              state MASTER
              interface \(stage)
              virtual_router_id 7
              priority 200
              version 3
              advert_int 0.1
              dont_track_primary
              track_bfd {
                first
              }
              virtual_ipaddress {
                192.0.0.8/32 dev \(stage)
              }
              virtual_routes {
                src \(route.source) to \(route.network) dev \(links[0]) metric 10 no_track
              }
            }

            """
        }

        func start() throws {
            try host.ip("route add \(route.network) dev \(links[1]) metric 20 src \(route.source)")
            let file = try host.write("keepalived.conf", configuration)
            let records = ["-p", "parent", "-r", "vrrp", "-b", "bfd"].map { word in
                word.hasPrefix("-") ? word : "\(host.folder)/\(word).pid"
            }
            _ = try host.start("keepalived", ["keepalived", "-n", "-l", "-D", "-f", file] + records)
        }
    }

    init(_ lab: Lab, _ options: SiteFile) throws {
        self.lab = lab
        for tunnel in Tunnel.allCases { try lab.raiseTunnel(tunnel, options) }
        try lab.cloud.ip("link add stage type bridge\nlink set stage up\naddress add 10.20.0.6/32 dev stage")
        ends = [
            End(
                host: lab.site,
                own: Tunnel.a.siteAddress,
                peer: Tunnel.a.gatewayAddress,
                links: Tunnel.allCases.map(\.interface),
                route: ("10.20.0.0/16", "10.1.0.1"),
                stage: "lan0"
            ),
            End(
                host: lab.cloud,
                own: Tunnel.a.gatewayAddress,
                peer: Tunnel.a.siteAddress,
                links: Tunnel.allCases.map(\.gatewayLink),
                route: ("10.1.0.0/16", Lab.target),
                stage: "stage"
            ),
        ]
    }

    func start() throws { for end in ends { try end.start() } }
    func isReady() throws -> Bool { try lab.isOnFirst() }
    func killGateway() throws { try lab.killGateway(.a) }
    func reviveGateway() throws { try lab.raiseGateway(.a) }
}
