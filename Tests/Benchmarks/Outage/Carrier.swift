// SPDX-License-Identifier: Apache-2.0

import CLinux
import ControlAPI
import Lab
import NetworkTypes
import SystemIO

/// What the loss of a carrier costs a network of many IPv4 prefixes, at a thousand packets a second.
enum CarrierLoss: String, CaseIterable {
    /// An underlay's: the agent sees it and moves the network.
    case underlay
    /// The active path's own, with no agent: the kernel takes the path's nexthop away and goes by the standby routes. A
    /// WireGuard interface has no carrier to lose, so the path is a plain wire in its place.
    case pathWithoutAgent = "path-no-agent"

    /// Gives the site's file that many prefixes in one network.
    private func widen(_ lab: Lab, _ daemon: Daemon, to count: Int) throws {
        let all = ["10.20.0.0/16"] + (1..<count).map { "10.\(32 + $0 / 256).\($0 % 256).0/24" }
        let text = String(decoding: try Files.read(daemon.file), as: UTF8.self)
        try lab.site.write("pnetd.yaml", text.replacing("[10.20.0.0/16,", with: "[\(all.joined(separator: ", ")),"))
    }

    /// Starts pnetd, loses the active path's carrier, and tells what that cost.
    func measure(_ lab: Lab, _ daemon: Daemon, prefixes: Int, compatibility: Int) throws -> Traffic.Result {
        try widen(lab, daemon, to: prefixes)
        try lab.site.run("sysctl", "-qw", "net.ipv4.nexthop_compat_mode=\(compatibility)")
        try daemon.start()
        try daemon.waitFor(path: .a, within: .seconds(30))
        try daemon.waitFor(.b, .up, within: .seconds(30))
        pause(.seconds(1))
        if self == .pathWithoutAgent {
            try daemon.killAgent()
            try layWire(lab)
            // A link's second change within a second comes late to the kernel's own ears (linkwatch).
            pause(.seconds(2))
        }
        let traffic = try Traffic(lab, every: .milliseconds(1))
        pause(.seconds(1))
        try expect(lab, .a)
        switch self {
        case .underlay: try lab.setCarrier(.a, false)
        case .pathWithoutAgent: try lab.cloud.run("ip", "link", "set", Self.wire, "down")
        }
        pause(.seconds(1))
        try expect(lab, .b)
        return try traffic.stop()
    }

    private static let wire = "wire"

    /// Puts a wire in the place of the first path's tunnel, under its name, with the routes as pnetd left them.
    private func layWire(_ lab: Lab) throws {
        let ends = [
            "netns", lab.site.namespace, "type", "veth", "peer", "name", Self.wire, "netns", lab.cloud.namespace,
        ]
        try Program.must(["ip", "link", "add", Self.wire] + ends)
        try lab.cloud.run("ip", "link", "set", Self.wire, "up")
        try lab.cloud.run("ip", "route", "prepend", "10.1.0.0/16", "dev", Self.wire)
        try lab.site.run("ip", "link", "set", Self.wire, "up")
        // 7002 is the first path's over IPv4, of which the network's group is made.
        try lab.site.run("ip", "nexthop", "replace", "id", "7002", "dev", Self.wire, "protocol", "112")
        try lab.site.run("ip", "link", "set", Tunnel.a.interface, "name", "tunnel")
        try lab.site.run("ip", "link", "set", Self.wire, "name", Tunnel.a.interface)
    }

    /// What did not take the way that it should have taken says nothing.
    private func expect(_ lab: Lab, _ tunnel: Tunnel) throws {
        let way = try lab.site.run("ip", "route", "get", Lab.target)
        guard way.contains("dev \(tunnel.interface) ") else { throw Unmoved(description: way) }
        try lab.site.run("ping", "-c", "1", "-W", "1", "-I", "10.1.0.1", Lab.target)
    }

    private struct Unmoved: Error, CustomStringConvertible {
        let description: String
    }
}
