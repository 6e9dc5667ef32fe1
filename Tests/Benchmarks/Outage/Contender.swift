// SPDX-License-Identifier: Apache-2.0

import CLinux
import ControlAPI
import Lab
import NetworkTypes
import SystemIO

/// What moves traffic between the two tunnels, at both ends.
protocol Contender {
    /// What the cloud has for it to begin with.
    static var farEnd: FarEnd { get }
    init(_ lab: Lab, _ options: SiteFile) throws
    func start() throws
    /// Whether traffic is on the first path, with the second one to go to, at both ends.
    func isReady() throws -> Bool
    /// Ends what carries the first tunnel in the cloud, for good.
    func killGateway() throws
    /// Starts that again.
    func reviveGateway() throws
}

/// pnetd as it is without further words, at both ends.
struct Agents: Contender {
    static let farEnd = FarEnd.agent
    private let lab: Lab
    private let site: Daemon
    private let cloud: Daemon

    init(_ lab: Lab, _ options: SiteFile) throws {
        self.lab = lab
        site = try Daemon(lab, options)
        cloud = try Daemon(lab, farEndOf: options)
    }

    func start() throws {
        try cloud.start()
        try site.start()
    }

    func isReady() throws -> Bool {
        try [site, cloud].allSatisfy { end in
            let network = try end.network()
            return network.path?.text == Tunnel.a.path && network.paths.allSatisfy { $0.verdict == .up }
        }
    }

    /// The agent first: it would start the other one again.
    func killGateway() throws {
        try cloud.killAgent()
        try lab.killGateway(.a)
    }

    func reviveGateway() throws { try cloud.start() }
}

extension Lab {
    func killGateway(_ tunnel: Tunnel) throws {
        for pid in cloud.processes(running: "wireguard-go") where cloud.isCarrying(tunnel.gatewayLink, pid) {
            kill(pid, SIGKILL)
        }
        try waitUntil("\(tunnel.gatewayLink) is gone") {
            try cloud.attempt(["ip", "link", "show", tunnel.gatewayLink]).status != 0
        }
    }
}

extension Host {
    fileprivate func isCarrying(_ link: String, _ pid: pid_t) -> Bool {
        let line = (try? Files.read("/proc/\(pid)/cmdline", limit: 1 << 16)) ?? []
        return String(decoding: line.map { $0 == 0 ? 32 : $0 }, as: UTF8.self).contains(" \(link)")
    }

    /// Whether packets to an address leave by a link now.
    func leads(to address: String, by link: String) throws -> Bool {
        try attempt(["ip", "route", "get", address]).output.contains("dev \(link) ")
    }
}
