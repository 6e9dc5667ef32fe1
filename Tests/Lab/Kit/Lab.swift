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
/// The cloud answers each flow through the tunnel that it came by. Its private addresses answer through tunnels only.
public final class Lab {
    /// The site that pnetd runs on.
    public let site: Host
    /// The far end: gateways, private and public DNS, targets.
    public let cloud: Host
    /// A machine behind the site, where a scenario asked for one.
    public private(set) var plant: Host?
    /// Where the lab's files are.
    public let folder: String
    private let prefix: String
    /// What netem does to underlays now.
    var netem: [Tunnel: Netem] = [:]

    /// Raises the hosts and the networks between them. What an earlier lab left behind is swept away first.
    public init(label: String) throws {
        try Self.sweep()
        prefix = "\(Self.mark)-\(getpid())-\(label)"
        folder = "/tmp/\(prefix)"
        try Files.makeDirectory(folder)
        site = try Host(name: "site", namespace: "\(prefix)-site", folder: "\(folder)/site")
        cloud = try Host(name: "cloud", namespace: "\(prefix)-cloud", folder: "\(folder)/cloud")
        do {
            try join()
            try raiseCloud()
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
        try host.run("ip", "link", "set", "eth0", "up")
        try host.run("ip", "address", "add", "10.1.0.77/24", "dev", "eth0")
        try host.run("ip", "-6", "address", "add", "fd00:1::77/64", "dev", "eth0")
        try host.run("ip", "route", "add", "default", "via", "10.1.0.1")
        try host.run("ip", "-6", "route", "add", "default", "via", "fd00:1::1")
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
        for host in [site, cloud, plant] { host?.tearDown() }
        if !keepingFiles { _ = try? Program.run(["rm", "-rf", folder]) }
    }

    private func join() throws {
        for (index, letter) in ["a", "b", "c"].enumerated() {
            try Program.must([
                "ip", "link", "add", "eth\(index)", "netns", site.namespace, "type", "veth", "peer", "name",
                "up-\(letter)",
                "netns", cloud.namespace,
            ])
            try site.run("ip", "link", "set", "eth\(index)", "up")
            try cloud.run("ip", "link", "set", "up-\(letter)", "up")
        }
        let links = [
            ("eth0", "192.0.2.2/24", "up-a", "192.0.2.1/24"), ("eth1", "198.51.100.2/24", "up-b", "198.51.100.1/24"),
            ("eth1", "2001:db8:b::2/64", "up-b", "2001:db8:b::1/64"),
            ("eth2", "203.0.113.2/24", "up-c", "203.0.113.1/24"),
            ("eth2", "2001:db8:c::2/64", "up-c", "2001:db8:c::1/64"),
        ]
        for (ours, own, theirs, far) in links {
            try site.run("ip", "address", "add", own, "dev", ours)
            try cloud.run("ip", "address", "add", far, "dev", theirs)
        }
        try site.run("ip", "route", "add", "default", "via", "203.0.113.1")
        try site.run("ip", "-6", "route", "add", "default", "via", "2001:db8:c::1")
        // The site's own network: a host address is enough to have traffic with an address of the site.
        try site.run("ip", "link", "add", "lan0", "type", "bridge")
        try site.run("ip", "link", "set", "lan0", "up")
        try site.run("ip", "address", "add", "10.1.0.1/24", "dev", "lan0")
        try site.run("ip", "-6", "address", "add", "fd00:1::1/64", "dev", "lan0")
    }
}
