// SPDX-License-Identifier: Apache-2.0

import SystemIO

extension SiteFile {
    /// The file of the agent at the far end: the same paths from their other ends, and the site as its network.
    func textOfFarEnd(_ lab: Lab) throws -> String {
        let folder = lab.cloud.folder
        let paths = try paths.map { tunnel in
            let session = bfd[tunnel]?.replacing(tunnel.gatewayAddress, with: tunnel.siteAddress)
            try lab.cloud.write(
                "keys/\(tunnel.path)-psk.key",
                String(decoding: try Files.read("\(lab.site.folder)/keys/\(tunnel.path)-psk.key"), as: UTF8.self),
                mode: 0o600
            )
            return """
                  \(tunnel.path):
                    kind: wireguard
                    interface: \(tunnel.gatewayLink)
                    addresses: [\(tunnel.gatewayAddress)/30, "\(tunnel.net6):1/126"]
                    private-key-file: keys/gw-\(tunnel.rawValue).key
                    listen-port: \(tunnel.port)
                    underlay: {interface: \(tunnel.uplink)}
                    \(session.map { "bfd: \($0)" } ?? "")
                    peers:
                      - public-key: \(try lab.publicKey(lab.site, tunnel.path))
                        preshared-key-file: keys/\(tunnel.path)-psk.key
                        allowed-ips: auto
                """
        }
        return """
            version: 1
            site: cloud
            paths:
            \(paths.joined(separator: "\n"))
            networks:
              site:
                prefixes: [10.1.0.0/16, "fd00:1::/64"]
                paths: [\(self.paths.map(\.path).joined(separator: ", "))]
                targets: {need: any, list: [{icmp: 10.1.0.1}]}
                detect: \(Self.detect)
                degraded: \(degraded)
                failback: {mode: auto, after: \(failback), damping: \(damping ? "on" : "off")}
            control: {socket: \(folder)/run/control.sock}
            state: {directory: \(folder)/state, runtime-directory: \(folder)/run}

            """
    }
}
