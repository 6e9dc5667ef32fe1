// SPDX-License-Identifier: Apache-2.0

import CLinux
import Logging
import NetworkTypes
import ProcessLink
import SystemIO

/// Starts resolver and frontend where no service manager does, and again when they end.
final class ChildPrograms {
    private struct Child {
        var pid: pid_t
        var started: Instant
    }

    private let loop: EventLoop
    private let log: Logger
    private let directory: String
    private let isSupervised: Bool
    private var wanted: Set<LinkRole> = []
    private var running: [LinkRole: Child] = [:]
    private var failures: [LinkRole: Int] = [:]
    /// Tells whether a process of that role is connected, ours or one that outlived an earlier agent.
    var isConnected: (LinkRole) -> Bool = { _ in false }

    /// - Parameters:
    ///   - directory: where the agent's private sockets are.
    ///   - isSupervised: a service manager starts and stops the processes; nothing is done here.
    init(on loop: EventLoop, log: Logger, socketsIn directory: String, isSupervised: Bool) {
        self.loop = loop
        self.log = log
        self.directory = directory
        self.isSupervised = isSupervised
    }

    /// Says which processes there should be.
    func want(_ roles: Set<LinkRole>) {
        wanted = roles
        for role in roles { startIfMissing(role) }
    }

    /// To be called when a connection ends: a survivor of an earlier run is not our child, its end shows only there.
    func startIfMissing(_ role: LinkRole) {
        guard !isSupervised, wanted.contains(role), running[role] == nil, !isConnected(role) else { return }
        do {
            let (program, arguments) = try command(role)
            let pid = try ChildProcess.spawn(program, arguments: arguments)
            running[role] = Child(pid: pid, started: loop.now)
            log.info("started \(role)", metadata: ["process": "\(pid)"])
        } catch {
            log.error("cannot start \(role): \(error)")
            retry(role)
        }
    }

    /// Takes note of a child that ended; false where it was none of these.
    func ended(_ pid: pid_t, _ exit: ChildProcess.Exit) -> Bool {
        guard let (role, child) = running.first(where: { $0.value.pid == pid }) else { return false }
        running[role] = nil
        guard wanted.contains(role) else { return true }
        log.warning("\(role) ended: \(exit)", metadata: ["process": "\(pid)"])
        if loop.now - child.started > .seconds(10) { failures[role] = 0 }
        retry(role)
        return true
    }

    /// At once the first time, then after 100 ms, doubling to 5 s.
    private func retry(_ role: LinkRole) {
        let count = failures[role, default: 0]
        failures[role] = count + 1
        let delay: Duration = count == 0 ? .zero : min(.milliseconds(100 << min(count - 1, 10)), .seconds(5))
        loop.schedule(after: delay) { [weak self] in self?.startIfMissing(role) }
    }

    private func command(_ role: LinkRole) throws(SystemError) -> (program: String, arguments: [String]) {
        let own = try Files.linkTarget("/proc/self/exe")
        let socket = "\(directory)/\(role.socketName)"
        switch role {
        case .resolver: return (own, ["resolver", "--socket", socket])
        case .frontend:
            let directory = own[..<(own.lastIndex(of: "/") ?? own.startIndex)]
            return ("\(directory)/pnetd-frontend", ["--socket", socket])
        }
    }
}
