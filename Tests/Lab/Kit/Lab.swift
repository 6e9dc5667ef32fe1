// SPDX-License-Identifier: Apache-2.0

import CLinux
import SystemIO

/// A site and a cloud with three networks between them: two underlays for tunnels, and the "Internet" with the default
/// route. All addresses outside are those of RFC 5737 and RFC 3849.
///
///     site  eth0 192.0.2.2        ──── up-a 192.0.2.1       cloud   wg-a  10.99.0.1
///           eth1 2001:db8:b::2    ──── up-b 2001:db8:b::1           wg-b  10.98.0.1
///           eth2 203.0.113.2      ──── up-c 203.0.113.1             lo    10.20.0.4  10.20.0.53  203.0.113.53
///           lan0 10.1.0.1 (default route by eth2)                         fd00:20::4
///
/// The cloud answers each flow through the tunnel that it came by, unless it is to be another ``FarEnd``. Its private
/// addresses answer through tunnels only.
public final class Lab {
    /// The site that pnetd runs on.
    public let site: Host
    /// The far end: gateways, private and public DNS, targets.
    public let cloud: Host
    /// A machine behind the site, where a scenario asked for one.
    public private(set) var plant: Host?
    /// A router with NAT between the site and the first underlay, where a scenario asked for one.
    public private(set) var router: Host?
    /// The edge router of a carrier, where a scenario asked for its line.
    public private(set) var carrier: Host?
    /// Where the lab's files are.
    public let folder: String
    private let prefix: String
    /// What netem does to underlays now.
    var netem: [Tunnel: Netem] = [:]
    /// What delays packets in its place.
    var relays: [Tunnel: Background] = [:]

    /// Raises the hosts and the networks between them. What an earlier lab left behind is swept away first.
    public init(label: String, farEnd: FarEnd = .answering) throws {
        try Self.sweep()
        prefix = "\(Self.mark)-\(getpid())-\(label)"
        folder = "/tmp/\(prefix)"
        try Files.makeDirectory(folder)
        site = try Host(name: "site", namespace: "\(prefix)-site", folder: "\(folder)/site")
        cloud = try Host(name: "cloud", namespace: "\(prefix)-cloud", folder: "\(folder)/cloud")
        do {
            try join()
            try raiseCloud(farEnd)
        } catch {
            tearDown()
            throw error
        }
    }

    /// Puts a machine with 10.1.0.77 and fd00:1::77 on the site's own network; the site forwards for it.
    public func addPlant() throws -> Host {
        let host = try Host(name: "plant", namespace: "\(prefix)-plant", folder: "\(folder)/plant")
        plant = host
        try Program.must([
            "ip", "link", "add", "eth0", "netns", host.namespace, "type", "veth", "peer", "name", "port0", "netns",
            site.namespace,
        ])
        try site.run("ip", "link", "set", "port0", "master", "lan0", "up")
        try site.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        try host.ip(
            """
            link set eth0 up
            address add 10.1.0.77/24 dev eth0
            address add fd00:1::77/64 dev eth0
            route add default via 10.1.0.1
            route add default via fd00:1::1
            """
        )
        return host
    }

    /// Puts a router between the site's eth0 and up-a: to the cloud the site is the router's 192.0.2.2, each mapping
    /// has a port picked at random, and is forgotten two seconds after its last packet.
    public func addRouter() throws -> Host {
        let host = try Host(name: "router", namespace: "\(prefix)-router", folder: "\(folder)/router")
        router = host
        try cloud.run("ip", "link", "set", "up-a", "netns", host.namespace, "name", "inside")
        try Program.must([
            "ip", "link", "add", "outside", "netns", host.namespace, "type", "veth", "peer", "name", "up-a", "netns",
            cloud.namespace,
        ])
        try host.ip(
            """
            link set inside up
            link set outside up
            address add 10.64.0.1/24 dev inside
            address add 192.0.2.2/24 dev outside
            """
        )
        try cloud.ip(
            """
            link set up-a up
            address add 192.0.2.1/24 dev up-a
            """
        )
        try site.ip(
            """
            address flush dev eth0
            address add 10.64.0.2/24 dev eth0
            route add default via 10.64.0.1 dev eth0 metric 500
            """
        )
        try host.run(
            "nft",
            "-f",
            "-",
            input: """
                table ip nat {
                  chain leaving {
                    type nat hook postrouting priority srcnat;
                    oifname "outside" masquerade fully-random
                  }
                }
                """
        )
        // These are there once connections are tracked.
        try host.run(
            "sysctl",
            "-qw",
            "net.ipv4.ip_forward=1",
            "net.netfilter.nf_conntrack_udp_timeout=2",
            "net.netfilter.nf_conntrack_udp_timeout_stream=2"
        )
        return host
    }

    func raiseCarrier() throws -> Host {
        let host = try Host(name: "carrier", namespace: "\(prefix)-carrier", folder: "\(folder)/carrier")
        carrier = host
        return host
    }

    private static let mark = "pnlab"

    /// Removes what is left of labs whose process is gone.
    public static func sweep() throws {
        let names = try Program.must(["ip", "netns", "list"]).split(separator: "\n").map { $0.prefix { $0 != " " } }
        for name in names where name.hasPrefix("\(mark)-") {
            let owner = name.split(separator: "-").dropFirst().first.flatMap { pid_t($0) }
            guard let owner, kill(owner, 0) != 0 else { continue }
            for line in try Program.run(["ip", "netns", "pids", String(name)]).output.split(separator: "\n") {
                if let pid = pid_t(line) { kill(pid, SIGKILL) }
            }
            _ = try Program.run(["ip", "netns", "delete", String(name)])
            let label = name.split(separator: "-").dropLast().joined(separator: "-")
            _ = try Program.run(["rm", "-rf", "/etc/netns/\(name)", "/tmp/\(label)"])
        }
    }

    /// Ends everything on the hosts and removes them; with `keepingFiles` the logs stay.
    public func tearDown(keepingFiles: Bool = false) {
        for host in [site, cloud, plant, router, carrier] { host?.tearDown() }
        if !keepingFiles { _ = try? Program.run(["rm", "-rf", folder]) }
    }

    /// Gives the site another interface by the name of an underlay's that is gone, as a modem does that dials anew.
    public func redial(_ tunnel: Tunnel, address: String, gateway: String) throws {
        try Program.must([
            "ip", "link", "add", tunnel.underlay, "netns", site.namespace, "type", "veth", "peer", "name",
            tunnel.uplink, "netns", cloud.namespace,
        ])
        try cloud.ip("link set \(tunnel.uplink) up\naddress add \(gateway) dev \(tunnel.uplink)")
        try site.ip("link set \(tunnel.underlay) up\naddress add \(address) dev \(tunnel.underlay)")
    }

    private func join() throws {
        let links = ["a", "b", "c"].enumerated().map { index, letter in
            "link add eth\(index) netns \(site.namespace) type veth peer name up-\(letter) netns \(cloud.namespace)"
        }
        try Program.must(["ip", "-batch", "-"], input: links.joined(separator: "\n") + "\n")
        try cloud.ip(
            """
            link set up-a up
            link set up-b up
            link set up-c up
            address add 192.0.2.1/24 dev up-a
            address add 198.51.100.1/24 dev up-b
            address add 2001:db8:b::1/64 dev up-b
            address add 203.0.113.1/24 dev up-c
            address add 2001:db8:c::1/64 dev up-c
            """
        )
        // lan0 is the site's own network: a host address is enough to have traffic with an address of the site.
        try site.ip(
            """
            link set eth0 up
            link set eth1 up
            link set eth2 up
            address add 192.0.2.2/24 dev eth0
            address add 198.51.100.2/24 dev eth1
            address add 2001:db8:b::2/64 dev eth1
            address add 203.0.113.2/24 dev eth2
            address add 2001:db8:c::2/64 dev eth2
            route add default via 203.0.113.1
            route add default via 2001:db8:c::1
            link add lan0 type bridge
            link set lan0 up
            address add 10.1.0.1/24 dev lan0
            address add fd00:1::1/64 dev lan0
            """
        )
    }
}
