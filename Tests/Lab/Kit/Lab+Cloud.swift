// SPDX-License-Identifier: Apache-2.0

import CLinux
import SystemIO

/// The two tunnels of the lab.
public enum Tunnel: String, CaseIterable, Sendable {
    case a
    case b

    /// The path's name in the site's file.
    public var path: String { "vpn-\(rawValue)" }
    /// Its interface at the site.
    public var interface: String { "pn-\(rawValue)" }
    /// The interface at the cloud's end.
    public var gatewayLink: String { "wg-\(rawValue)" }
    /// The cloud's interface on the underlay.
    public var uplink: String { "up-\(rawValue)" }
    /// The site's interface on the underlay.
    public var underlay: String { self == .a ? "eth0" : "eth1" }
    /// Where the gateway listens: over IPv4 on a, over IPv6 on b.
    public var endpoint: String { self == .a ? "192.0.2.1:51820" : "[2001:db8:b::1]:51821" }
    /// The address of the underlay's resolver, where a scenario starts one.
    public var resolver: String { self == .a ? "192.0.2.53" : "2001:db8:b::53" }
    /// Where a relay in front of the gateway listens.
    var relayEndpoint: String { self == .a ? "192.0.2.1:52820" : "[2001:db8:b::1]:52821" }
    /// Where the site finds the gateway if packets are delayed: a kernel does it on the link, else a relay does.
    var delayedEndpoint: String { Stage.here.hasNetem ? endpoint : relayEndpoint }
    var port: Int { self == .a ? 51820 : 51821 }
    var mark: Int { self == .a ? 1 : 2 }
    var net: String { self == .a ? "10.99.0" : "10.98.0" }
    /// The site's address on it, over IPv4.
    public var siteAddress: String { "\(net).2" }
    var net6: String { self == .a ? "fd00:99:" : "fd00:98:" }
}

/// What the cloud's end of the tunnels is.
public enum FarEnd: Sendable {
    /// Gateways, each of which answers by the tunnel that it was asked by.
    case answering
    /// Gateways without a way back: whoever routes there lays it.
    case routed
    /// Keys and nothing else: another pnetd raises the tunnels.
    case agent
}

extension Lab {
    /// What is protected: reached through tunnels only.
    public static let prefixes = ["10.20.0.0/16", "fd00:20::/48"]
    /// A host in the cloud that answers pings, through tunnels only.
    public static let target = "10.20.0.4"
    /// The same over IPv6.
    public static let target6 = "fd00:20::4"

    func raiseCloud(_ farEnd: FarEnd) throws {
        let own = ["10.20.0.4/32", "10.20.0.5/32", "10.20.0.53/32", "203.0.113.53/32", "\(Lab.target6)/128"]
        try cloud.ip(own.map { "address add \($0) dev lo" }.joined(separator: "\n"))
        for tunnel in Tunnel.allCases {
            try makeKey(cloud, "gw-\(tunnel.rawValue)")
            try makeKey(site, tunnel.path)
            try makeKey(site, "\(tunnel.path)-psk")
            if farEnd != .agent { try raiseGateway(tunnel) }
        }
        if farEnd == .answering { try answerByTunnel() }
        try cloud.run("nft", "-f", "-", input: Self.cloudRules)
        try startNameServers()
    }

    /// Raises the gateway of a tunnel, anew after its wireguard-go was killed.
    public func raiseGateway(_ tunnel: Tunnel) throws {
        try raise(
            tunnel.gatewayLink,
            on: cloud,
            [
                "listen-port", "\(tunnel.port)", "private-key", "\(cloud.folder)/keys/gw-\(tunnel.rawValue).key",
                "peer",
                try publicKey(site, tunnel.path), "preshared-key", "\(site.folder)/keys/\(tunnel.path)-psk.key",
                "allowed-ips", "\(tunnel.net).2/32,\(tunnel.net6):2/128,10.1.0.0/16,fd00:1::/64",
            ],
            addresses: ["\(tunnel.net).1/30", "\(tunnel.net6):1/126"]
        )
    }

    /// Raises a tunnel at the site, where another than pnetd routes; with the endpoint of a site's file.
    public func raiseTunnel(_ tunnel: Tunnel, _ options: SiteFile) throws {
        for (delayed, delay) in options.delayed where delayed == tunnel { try self.delay(tunnel, delay) }
        let allowed = Lab.prefixes + ["\(tunnel.gatewayAddress)/32", "\(tunnel.net6):1/128"]
        try raise(
            tunnel.interface,
            on: site,
            [
                "private-key", "\(site.folder)/keys/\(tunnel.path).key", "peer",
                try publicKey(cloud, "gw-\(tunnel.rawValue)"), "preshared-key",
                "\(site.folder)/keys/\(tunnel.path)-psk.key", "endpoint", options.endpoint(tunnel),
                "persistent-keepalive", "15", "allowed-ips", allowed.joined(separator: ","),
            ],
            addresses: ["\(tunnel.siteAddress)/30", "\(tunnel.net6):2/126"]
        )
    }

    /// Raises a WireGuard interface that wg(8) sets up with these words.
    func raise(_ link: String, on host: Host, _ words: [String], addresses: [String]) throws {
        if Stage.here.hasWireGuard {
            try host.run("ip", "link", "add", link, "type", "wireguard")
        } else {
            _ = try host.start("wireguard-\(link)", "wireguard-go", "--foreground", link)
            // wg(8) unlinks a socket that is bound and does not listen yet: it is asked once it does.
            try waitUntil("wireguard-go listens for \(link)") {
                try host.attempt(["ss", "-xlH"]).output.contains("/\(link).sock")
            }
        }
        try host.run(["wg", "set", link] + words)
        let lines = ["link set \(link) up"] + addresses.map { "address add \($0) dev \(link)" }
        try host.ip(lines.joined(separator: "\n"))
    }

    /// Answers go back by the tunnel that the question came by, as a cloud gateway does with a policy.
    private func answerByTunnel() throws {
        for tunnel in Tunnel.allCases {
            for family in ["-4", "-6"] {
                try cloud.ip(
                    """
                    rule add fwmark \(tunnel.mark) lookup \(100 + tunnel.mark)
                    route add default dev \(tunnel.gatewayLink) table \(100 + tunnel.mark)
                    """,
                    options: family
                )
            }
        }
        // Some way back must stand before the mark of the flow can choose another.
        try cloud.ip(["10.1.0.0/16", "fd00:1::/64"].map { "route add \($0) dev wg-a" }.joined(separator: "\n"))
        try cloud.run("nft", "-f", "-", input: Self.answeringRules)
    }

    /// Flows that the cloud is asked for by a link it answers by it, whatever the tunnels are for.
    ///
    /// - Parameters:
    ///   - mark: theirs, and that of their table behind 100.
    ///   - ways: where their answers go, as ip-route(8) has it, over IPv4 and IPv6.
    func answer(by link: String, mark: Int, ways: (four: String, six: String)) throws {
        for (family, way) in [("-4", ways.four), ("-6", ways.six)] {
            try cloud.ip(
                """
                rule add fwmark \(mark) lookup \(100 + mark)
                route add default \(way) table \(100 + mark)
                """,
                options: family
            )
        }
        try cloud.run(
            "nft",
            "-f",
            "-",
            input: """
                table inet answering-\(mark) {
                  chain arriving {
                    type filter hook prerouting priority -149;
                    iifname "\(link)" ct mark set \(mark)
                  }
                  chain answering {
                    type route hook output priority -149;
                    ct mark \(mark) meta mark set \(mark)
                  }
                }
                """
        )
    }

    /// A key pair made by wg(8): the private key in a file on the host, the public one at hand.
    @discardableResult
    public func makeKey(_ host: Host, _ name: String) throws -> (file: String, publicKey: String) {
        let secret = try Program.must(["wg", name.hasSuffix("psk") ? "genpsk" : "genkey"])
        let file = try host.write("keys/\(name).key", secret, mode: 0o600)
        let isPair = !name.hasSuffix("psk")
        let publicKey = isPair ? try Program.must(["wg", "pubkey"], input: secret) : ""
        let trimmed = String(publicKey.prefix { !$0.isNewline })
        if isPair { try host.write("keys/\(name).pub", trimmed) }
        return (file, trimmed)
    }

    /// The public key that ``makeKey(_:_:)`` left on a host.
    public func publicKey(_ host: Host, _ name: String) throws -> String {
        String(decoding: try Files.read("\(host.folder)/keys/\(name).pub"), as: UTF8.self)
    }

    /// Drops what is private on the underlays: a target that also answered in the open would make every test pass
    /// without a tunnel.
    private static let cloudRules = """
        table inet cloud {
          chain inward {
            type filter hook input priority 0;
            iifname { "up-a", "up-b", "up-c" } ip daddr { 10.20.0.0/16, 10.97.0.0-10.99.255.255 } drop
            iifname { "up-a", "up-b", "up-c" } ip6 daddr { fd00:20::/48, fd00:97::-fd00:99:ffff:ffff:ffff:ffff:ffff:ffff } drop
          }
        }
        """

    /// Marks flows by their tunnel, for their answers.
    private static let answeringRules = """
        table inet answering {
          chain arriving {
            type filter hook prerouting priority -150;
            iifname "wg-a" ct mark set 1
            iifname "wg-b" ct mark set 2
          }
          chain answering {
            type route hook output priority -150;
            ct mark 1 meta mark set 1
            ct mark 2 meta mark set 2
          }
        }
        """

    private func startNameServers() throws {
        let servers = [
            try startUnbound(
                "private-dns",
                listen: ["10.20.0.53"],
                data: [
                    "hub1.privatelink.azure-devices.net. 10 IN A 10.20.0.4",
                    "hub1.privatelink.azure-devices.net. 10 IN AAAA fd00:20::4",
                    "hub2.privatelink.azure-devices.net. 10 IN A 10.20.0.5",
                    "stray.privatelink.azure-devices.net. 10 IN A 203.0.113.83",
                    "stray.privatelink.azure-devices.net. 10 IN AAAA 2001:db8:ffff::83",
                    "stray.privatelink.azure-devices.net. 10 IN AAAA fd00:20::4",
                    "stray.privatelink.azure-devices.net. 10 IN HTTPS 1 . ipv4hint=203.0.113.83",
                ]
            ),
            try startPublicServer(knowing: [
                // The whole chain to the public address comes in one answer.
                "hub.azure-devices.net. 60 IN CNAME hub1.privatelink.azure-devices.net.",
                "hub1.privatelink.azure-devices.net. 60 IN A 203.0.113.80",
                "hub1.privatelink.azure-devices.net. 60 IN AAAA 2001:db8:ffff::80",
                "hub1.privatelink.azure-devices.net. 60 IN HTTPS 1 . ipv4hint=203.0.113.80 ipv6hint=2001:db8:ffff::80",
                "hub1.privatelink.azure-devices.net. 60 IN SVCB 1 . ipv4hint=203.0.113.80",
                "gone.privatelink.azure-devices.net. 60 IN A 203.0.113.84",
                "www.example.net. 60 IN A 203.0.113.81", "historian.plant.internal. 60 IN A 203.0.113.82",
                "evil.example.net. 60 IN A 10.20.0.4", "evil.example.net. 60 IN A 192.168.1.1",
            ]),
        ]
        for server in servers {
            try waitUntil("\(server.label) answers") { server.output.contains("start of service") }
        }
    }

    /// Starts the resolver of an underlay, which knows these records and no others.
    public func startResolver(_ tunnel: Tunnel, knowing data: [String]) throws -> Background {
        let prefix = tunnel == .a ? "24" : "64"
        try cloud.run("ip", "address", "replace", "\(tunnel.resolver)/\(prefix)", "dev", tunnel.uplink, "nodad")
        let server = try startUnbound("resolver-\(tunnel)-\(data.hashValue)", listen: [tunnel.resolver], data: data)
        try waitUntil("\(server.label) answers") { server.output.contains("start of service") }
        return server
    }

    /// Starts the server of all public names: a root that knows these.
    private func startPublicServer(knowing records: [String]) throws -> Background {
        let lines = [". 60 IN SOA ns.invalid. nobody.invalid. 1 3600 600 86400 60", ". 60 IN NS ns.invalid."] + records
        let zone = try cloud.write("public.zone", lines.joined(separator: "\n") + "\n")
        return try startUnbound("public-dns", listen: ["203.0.113.53"], data: [], root: zone)
    }

    func startUnbound(
        _ label: String,
        listen: [String],
        data: [String],
        root: String? = nil,
        more: [String] = []
    ) throws -> Background {
        let lines =
            [
                "server:", "  directory: \"\(cloud.folder)\"", "  pidfile: \"\"", "  username: \"\"", "  chroot: \"\"",
                "  use-syslog: no", "  do-daemonize: no", "  num-threads: 1", "  access-control: 0.0.0.0/0 allow",
                "  access-control: ::/0 allow", "  module-config: \"iterator\"",
            ] + (root == nil ? ["  local-zone: \".\" static"] : [])
            + (listen.map { "interface: \($0)" } + more).map { "  \($0)" }
            + data.map { "  local-data: \"\($0)\"" }
            + ["remote-control:", "  control-enable: no"]
            + (root.map { ["auth-zone:", "  name: \".\"", "  zonefile: \"\($0)\"", "  fallback-enabled: no"] } ?? [])
        let file = try cloud.write("\(label).conf", lines.joined(separator: "\n") + "\n")
        return try cloud.start(label, "unbound", "-d", "-c", file)
    }
}
