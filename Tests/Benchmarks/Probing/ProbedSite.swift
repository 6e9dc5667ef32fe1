// SPDX-License-Identifier: Apache-2.0

import CLinux
import ControlAPI
import Lab
import NetworkTypes
import SystemIO

/// A site with four tunnels to the lab's cloud, and targets that answer through each of them.
final class ProbedSite {
    static let tunnels = 4
    let lab: Lab
    let targets: [String]
    private let configuration: String

    init(_ lab: Lab, targets count: Int) throws {
        self.lab = lab
        targets = (0..<count).map { "10.20.\(8 + $0 / 250).\(1 + $0 % 250)" }
        try lab.cloud.ip("route add local 10.20.8.0/21 dev lo")
        for tunnel in 0..<Self.tunnels { try Self.raiseGateway(tunnel, lab) }
        configuration = try lab.site.write("probed.yaml", try Self.text(lab, targets))
        try Program.must(["chmod", "755", lab.folder, lab.site.folder, "\(lab.site.folder)/run"])
    }

    private static func raiseGateway(_ tunnel: Int, _ lab: Lab) throws {
        let (own, site) = (try lab.makeKey(lab.cloud, "gw-\(tunnel)"), try lab.makeKey(lab.site, "vpn-\(tunnel)"))
        let link = "wg-\(tunnel)"
        _ = try lab.cloud.start("wireguard-\(tunnel)", "wireguard-go", "--foreground", link)
        try waitUntil("the gateway's interface is there") { try lab.cloud.attempt(["wg", "show", link]).status == 0 }
        try lab.cloud.run(
            "wg",
            "set",
            link,
            "listen-port",
            "\(51_900 + tunnel)",
            "private-key",
            own.file,
            "peer",
            site.publicKey,
            "allowed-ips",
            "10.9\(tunnel).0.2/32"
        )
        try lab.cloud.ip("link set \(link) up\naddress add 10.9\(tunnel).0.1/30 dev \(link)")
    }

    private static func text(_ lab: Lab, _ targets: [String]) throws -> String {
        let paths = try (0..<tunnels).map { tunnel in
            """
              vpn-\(tunnel):
                kind: wireguard
                interface: pn-\(tunnel)
                addresses: [10.9\(tunnel).0.2/30]
                private-key-file: keys/vpn-\(tunnel).key
                underlay: {interface: eth\(tunnel % 2)}
                peers:
                  - public-key: \(try lab.publicKey(lab.cloud, "gw-\(tunnel)"))
                    endpoint: "\(tunnel % 2 == 0 ? "192.0.2.1" : "198.51.100.1"):\(51_900 + tunnel)"
                    persistent-keepalive: 15s
            """
        }
        let list = targets.map { "{icmp: \($0)}" }.joined(separator: ", ")
        return """
            version: 1
            site: bench
            paths:
            \(paths.joined(separator: "\n"))
            networks:
              azure:
                prefixes: [10.20.0.0/16]
                paths: [\((0..<tunnels).map { "vpn-\($0)" }.joined(separator: ", "))]
                targets: {need: any, list: [\(list)]}
            control: {socket: \(lab.site.folder)/run/control.sock}
            state: {directory: \(lab.site.folder)/state, runtime-directory: \(lab.site.folder)/run}

            """
    }

    /// Starts the agent; waits until all is up and the pace of the questions has settled.
    func start() throws {
        _ = try lab.site.start("pnetd", "\(try Daemon.programs)/pnetd", "run", "--config", configuration)
        try waitUntil("all paths are up", within: .seconds(30)) {
            let report = try? StatusReport.ask("\(lab.site.folder)/run/control.sock")
            return report?.paths.allSatisfy { $0.verdict == .up } ?? false
        }
        pause(.seconds(20))
    }

    /// Starts what asks the same targets by the same ways as often, and does nothing else: one fping(8) a tunnel.
    func startPeers(every interval: Duration) throws {
        for tunnel in 0..<Self.tunnels {
            let milliseconds = "\(Int(interval / .milliseconds(1)))"
            _ = try lab.site.start(
                "fping-\(tunnel)",
                ["fping", "-q", "-l", "-i", "1", "-p", milliseconds, "-I", "pn-\(tunnel)"] + targets
            )
        }
    }

    /// Seconds of processor time that the processes with this in their command line have had (schedstat, proc(5)).
    func processorTime(of command: String) throws -> Double {
        try lab.site.processes(running: command).reduce(0) { sum, pid in
            let tasks = try Program.must(["ls", "/proc/\(pid)/task"]).split(separator: "\n")
            return try tasks.reduce(sum) { sum, task in
                let text = String(decoding: try Files.read("/proc/\(pid)/task/\(task)/schedstat"), as: UTF8.self)
                return sum + (text.split(separator: " ").first.flatMap { Double($0) } ?? 0) / 1e9
            }
        }
    }

    /// Probes that the agent has sent.
    func probesSent() throws -> Double {
        let links = try (0..<Self.tunnels).map { tunnel in
            let text = try lab.site.run("cat", "/sys/class/net/pn-\(tunnel)/statistics/tx_packets")
            return Double(text.prefix { !$0.isNewline }) ?? 0
        }
        return links.reduce(0, +)
    }
}
