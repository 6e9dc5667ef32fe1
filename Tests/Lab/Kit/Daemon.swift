// SPDX-License-Identifier: Apache-2.0

import CLinux
public import ControlAPI
import NetworkTypes
import SystemIO

/// pnetd as it runs at the lab's site, or at its cloud.
public final class Daemon {
    private let host: Host
    /// The configuration file.
    public let file: String
    private var agent: Background?

    /// Where the programs are: beside the one that runs, or where PNETD_PROGRAMS says, for an optimized build's.
    public static var programs: String {
        get throws {
            if let folder = unsafe getenv("PNETD_PROGRAMS") { return unsafe String(cString: folder) }
            let own = try Files.linkTarget("/proc/self/exe")
            return String(own[..<(own.lastIndex(of: "/") ?? own.startIndex)])
        }
    }

    /// Writes the site's file; nothing is started yet.
    public init(_ lab: Lab, _ options: SiteFile = SiteFile()) throws {
        host = lab.site
        file = try host.write("pnetd.yaml", try options.text(lab))
        for (tunnel, delay) in options.delayed { try lab.delay(tunnel, delay) }
        try openWay(lab)
    }

    /// Writes the file of the cloud, in a lab whose far end is another agent; nothing is started yet.
    public init(_ lab: Lab, farEndOf options: SiteFile) throws {
        host = lab.cloud
        file = try host.write("pnetd.yaml", try options.textOfFarEnd(lab))
        try openWay(lab)
    }

    /// What runs without privilege has to find its way to the private socket.
    private func openWay(_ lab: Lab) throws {
        try Program.must(["chmod", "755", lab.folder, host.folder, "\(host.folder)/run"])
    }

    /// Starts the agent and waits until it answers.
    public func start() throws {
        agent = try host.start("pnetd", "\(try Self.programs)/pnetd", "run", "--config", file)
        try waitUntil("pnetd answers") { (try? status()) != nil }
    }

    /// Waits until the resolver serves what the agent decided last.
    public func waitForNames() throws {
        try waitUntil("names are answered") {
            try dig("+short", "hub1.privatelink.azure-devices.net") == "10.20.0.4\n"
        }
    }

    /// The control socket.
    public var socket: String { "\(host.folder)/run/control.sock" }

    /// Runs pnetctl.
    public func pnetctl(_ arguments: String...) throws -> Program.Result {
        try host.attempt(
            ["\(try Self.programs)/pnetctl", arguments[0], "--socket", socket] + arguments.dropFirst()
        )
    }

    /// Starts a command of pnetctl's that takes its time.
    public func begin(_ label: String, _ arguments: String...) throws -> Background {
        try host.start(
            label,
            ["\(try Self.programs)/pnetctl", arguments[0], "--socket", socket] + arguments.dropFirst()
        )
    }

    /// Asks the agent how things are.
    public func status() throws -> StatusReport {
        try StatusReport.ask(socket)
    }

    /// The first network's part of the status.
    public func network() throws -> StatusReport.Network {
        guard let network = try status().networks.first else { throw TimedOut(description: "there is no network") }
        return network
    }

    /// Waits until the first network's traffic leads through a path (nil: through none) and all its paths are judged.
    @discardableResult
    public func waitFor(path: Tunnel?, within limit: Duration = .seconds(10)) throws -> Duration {
        try waitUntil("the network is on \(path?.path ?? "no path")", within: limit) {
            let network = try network()
            return network.path?.text == path?.path && network.state != .starting
                && !network.paths.contains { $0.verdict == .starting }
        }
    }

    /// Waits until the first network is on a path of any kind.
    @discardableResult
    public func waitFor(path: String, within limit: Duration = .seconds(10)) throws -> Duration {
        try waitUntil("the network is on \(path)", within: limit) {
            let network = try network()
            return network.path?.text == path && network.state != .starting
                && !network.paths.contains { $0.verdict == .starting }
        }
    }

    /// Waits until a path of any kind has a verdict.
    @discardableResult
    public func waitFor(
        path: String,
        _ verdict: StatusReport.Verdict,
        within limit: Duration = .seconds(10)
    ) throws -> Duration {
        try waitUntil("\(path) is \(verdict.rawValue)", within: limit) {
            try network().paths.first { $0.path.text == path }?.verdict == verdict
        }
    }

    /// Waits until a path has a verdict.
    @discardableResult
    public func waitFor(
        _ tunnel: Tunnel,
        _ verdict: StatusReport.Verdict,
        within limit: Duration = .seconds(10)
    ) throws -> Duration {
        try waitUntil("\(tunnel.path) is \(verdict.rawValue)", within: limit) {
            try network().paths.first { $0.path.text == tunnel.path }?.verdict == verdict
        }
    }

    /// Kills the agent, and nothing else, without warning.
    public func killAgent() throws {
        for pid in host.processes(running: "pnetd run") { kill(pid, SIGKILL) }
        try agent?.wait()
    }

    /// Ends the agent politely.
    public func stop() throws {
        for pid in host.processes(running: "pnetd run") { kill(pid, SIGTERM) }
        try agent?.wait()
    }

    /// What the agent has said so far.
    public var log: String { agent?.output ?? "" }

    /// Asks the site's resolver.
    public func dig(_ arguments: String...) throws -> String {
        try host.attempt(["dig", "+time=\(2 * Stage.here.patience)", "+tries=1", "@10.1.0.1"] + arguments).output
    }
}

extension StatusReport {
    /// Asks the agent behind a control socket, as pnetctl does. Throws where none answers in time.
    public static func ask(_ path: String) throws -> StatusReport {
        let socket = try UnixSocket.connect(path: path)
        try socket.setTimeouts(Stage.here.limit(.seconds(2)))
        let request = try ControlLine.encode(ControlRequest(.status))
        _ = try socket.write(request.span)
        var line: [UInt8] = []
        while let part = try socket.read(upTo: 1 << 16), !part.isEmpty {
            line += part
            if part.last == UInt8(ascii: "\n") { break }
        }
        return try ControlLine.decode(ControlResponse<StatusReport>.self, from: line).get()
    }
}
