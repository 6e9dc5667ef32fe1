// SPDX-License-Identifier: Apache-2.0

/// The file of the lab's site, with what scenarios vary.
public struct SiteFile: Sendable {
    /// What happens when no path is up.
    public var whenDown = "block"
    /// The hold before traffic returns to a better path.
    public var failback = "3s"
    /// How spare paths are tried out, in braces.
    public var drill = "{}"
    /// From where on a path is bad, in braces.
    public var degraded = "{}"
    /// Whether a path that goes down again and again is kept off for a while.
    public var damping = true
    /// Who is asked, in braces.
    public var targets = "{need: any, list: [{icmp: \(Lab.target)}]}"
    /// How the site's own names go to its resolver, in braces; empty where they do not.
    public var hostNames = ""
    /// Who is asked for public names, as a YAML list.
    public var upstreams = "[{address: 203.0.113.53}]"
    /// How clients are served over TLS, in braces; empty where they are not.
    public var service = ""
    /// Further top-level sections.
    public var more = ""
    /// Further networks, two spaces in.
    public var moreNetworks = ""
    /// Where alerts go, as a YAML list; empty for nowhere.
    public var alerts = ""
    /// The paths, best first.
    public var paths: [Tunnel] = Tunnel.allCases

    /// The leased line, before all tunnels, as a YAML mapping; nil for none.
    public var line: String?
    /// The path by IPsec, before all tunnels of WireGuard; nil for none.
    public var ipsec: IPsecPath?
    /// The same by the gateway's other tunnel, behind it; nil for none.
    public var secondIPsec: IPsecPath?
    /// The names of the network's paths, best first, where it is another order than the usual one.
    public var order: [String] = []
    /// Prefixes of the network, beside its usual ones.
    public var morePrefixes: [String] = []

    /// What probes and the site itself send from by each path, in YAML; empty for the paths' own addresses.
    public var source = ""
    /// Sources that leave each path with its address, as a YAML list; empty for none.
    public var natSources = ""
    /// Tunnels whose outer packets are on their way for longer.
    public var delayed: [Tunnel: Delay] = [:]

    /// BFD sessions with the gateways, as YAML mappings.
    public var bfd: [Tunnel: String] = [:]
    /// STAMP sessions with the gateways, as YAML mappings.
    public var stamp: [Tunnel: String] = [:]
    /// STAMP reflectors, as YAML mappings.
    public var reflectors: [Tunnel: String] = [:]

    /// Tunnels whose gateway is given by name, to be found by the resolver of its underlay.
    public var hosts: [Tunnel: String] = [:]
    /// Tunnels whose underlay's resolver is not in the file, but to be found as well.
    public var discovered: Set<Tunnel> = []

    /// What is promised of a cut. An emulated machine stands still for a second or two where much begins at once.
    public static let detect = Stage.here.patience == 1 ? "{within: 1s}" : "{within: 3s}"

    /// The usual file.
    public init() {}

    private func resolvers(_ tunnel: Tunnel) -> String {
        discovered.contains(tunnel) ? "auto" : "[\"\(tunnel.resolver)\"]"
    }

    func endpoint(_ tunnel: Tunnel) -> String {
        if let host = hosts[tunnel] { return "\(host):\(tunnel.port)" }
        return delayed[tunnel] == nil ? tunnel.endpoint : tunnel.delayedEndpoint
    }

    func text(_ lab: Lab) throws -> String {
        let folder = lab.site.folder
        let paths = try paths.map { tunnel in
            """
              \(tunnel.path):
                kind: wireguard
                interface: \(tunnel.interface)
                addresses: [\(tunnel.net).2/30, "\(tunnel.net6):2/126"]
                private-key-file: keys/\(tunnel.path).key
                underlay: {interface: \(tunnel.underlay), resolvers: \(resolvers(tunnel))}
                \(bfd[tunnel].map { "bfd: \($0)" } ?? "")
                \(stamp[tunnel].map { "stamp: \($0)" } ?? "")
                \(reflectors[tunnel].map { "stamp-reflector: \($0)" } ?? "")
                \(source.isEmpty ? "" : "source: \(source)")
                \(natSources.isEmpty ? "" : "nat: {source: \(natSources)}")
                peers:
                  - public-key: \(try lab.publicKey(lab.cloud, "gw-\(tunnel.rawValue)"))
                    preshared-key-file: keys/\(tunnel.path)-psk.key
                    endpoint: "\(endpoint(tunnel))"
                    persistent-keepalive: 15s
                    allowed-ips: auto
            """
        }
        let line = line.map { "  \(Line.path): \($0)\n" } ?? ""
        let tunnels = [self.ipsec, secondIPsec].compactMap(\.self)
        let ipsec = tunnels.map { "\($0.text)\n" }.joined()
        let others = (self.line == nil ? [] : [Line.path]) + tunnels.map(\.name)
        let order = self.order.isEmpty ? others + self.paths.map(\.path) : self.order
        let prefixes = ["10.20.0.0/16", "\"fd00:20::/48\""] + morePrefixes
        return """
            version: 1
            site: lab
            paths:
            \(line)\(ipsec)\(paths.joined(separator: "\n"))
            networks:
              azure:
                prefixes: [\(prefixes.joined(separator: ", "))]
                paths: [\(order.joined(separator: ", "))]
                targets: \(targets)
                detect: \(Self.detect)
                degraded: \(degraded)
                failback: {mode: auto, after: \(failback), damping: \(damping ? "on" : "off")}
                drill: \(drill)
                when-down: \(whenDown)
                zones:
                  - name: privatelink.azure-devices.net
                    forward: [10.20.0.53]
                  - name: plant.internal
                    records: ["historian A 10.20.0.10", "gateway AAAA fd00:20::1"]
            \(moreNetworks)
            resolver:
              listen: ["10.1.0.1:53"]
              allow: [127.0.0.0/8, 10.1.0.0/16]
              upstreams: \(upstreams)
              \(service.isEmpty ? "" : "tls: \(service)")
              \(hostNames.isEmpty ? "" : "host: \(hostNames)")
            metrics: {listen: ["127.0.0.1:9731"]}
            control: {socket: \(folder)/run/control.sock}
            state: {directory: \(folder)/state, runtime-directory: \(folder)/run}
            \(self.ipsec == nil ? "" : "ipsec: {socket: \(StrongSwan.socket(on: lab.site))}")
            \(alerts.isEmpty ? "" : "alerts: \(alerts)")
            \(more)

            """
    }
}
