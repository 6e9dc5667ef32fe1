// SPDX-License-Identifier: Apache-2.0

import CLinux

/// The service manager that started this process, spoken to as sd_notify(3) describes: datagrams of `KEY=value` lines
/// to the socket named by `NOTIFY_SOCKET`, descriptors beside them. Without one, everything here does nothing.
public final class ServiceManager {
    private let socket: Int32?
    /// How often the manager wants to hear that we live; nil where it does not.
    public let watchdogPeriod: Duration?
    /// The descriptors that were kept for us, by the names we gave them; to be taken once (LISTEN_FDS,
    /// sd_listen_fds(3)).
    private var kept: [(name: String, descriptor: Int32)]

    /// Goes by what a manager leaves in the environment of a process that it starts.
    public init(_ environment: [String: String]) {
        let own = "\(getpid())"
        socket = environment["NOTIFY_SOCKET"].flatMap(Self.connect)
        let isWatched = environment["WATCHDOG_PID"] ?? own == own
        let period = isWatched ? environment["WATCHDOG_USEC"].flatMap { Int64($0) } : nil
        watchdogPeriod = period.flatMap { $0 > 0 ? .microseconds($0) : nil }
        // Descriptors that are not ours must not be taken for such: here the number has to be said.
        let count = environment["LISTEN_PID"] == own ? environment["LISTEN_FDS"].flatMap { Int32($0) } : nil
        kept = Self.passed(count: count ?? 0, names: environment["LISTEN_FDNAMES"] ?? "")
    }

    /// The manager of this process. Its variables are taken out of the environment, so that nothing that we start
    /// takes them for its own.
    public static func ofThisProcess() -> ServiceManager {
        var environment: [String: String] = [:]
        for name in [
            "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES",
        ] {
            environment[name] = EnvironmentVariable.text(name)
            unsafe unsetenv(name)
        }
        return ServiceManager(environment)
    }

    deinit {
        if let socket { close(socket) }
        for (_, descriptor) in kept { close(descriptor) }
    }

    private static func connect(_ path: String) -> Int32? {
        guard let address = SocketAddressStorage(unixPath: path) else { return nil }
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard let descriptor = try? FileDescriptor(CLinux.socket(AF_UNIX, type, 0), from: "open a UNIX socket"),
            unsafe address.withPointer({ unsafe pn_connect(descriptor.raw, $0, $1) }) == 0
        else { return nil }
        return descriptor.release()
    }

    /// The manager passes descriptors from 3 on, in the order of their names.
    private static func passed(count: Int32, names: String) -> [(name: String, descriptor: Int32)] {
        guard (1...4096).contains(count) else { return [] }
        let names = names.split(separator: ":", omittingEmptySubsequences: false)
        return (0..<count).map { index in
            pn_close_on_exec(3 + index)
            return (index < names.count ? String(names[Int(index)]) : "", 3 + index)
        }
    }

    /// The descriptors that were kept for us while we were away; they are the caller's from now on.
    public func takeKept() -> [(name: String, descriptor: Int32)] {
        defer { kept = [] }
        return kept
    }

    /// Says something, as `READY=1` or `STATUS=all is well`.
    public func tell(_ line: String) {
        send(line, [])
    }

    /// Says that we live, twice in each period of the manager's watchdog, for as long as the loop turns.
    public func startWatchdog(on loop: EventLoop) {
        guard let watchdogPeriod else { return }
        tell("WATCHDOG=1")
        loop.schedule(after: watchdogPeriod / 2) { [weak self, weak loop] in
            guard let self, let loop else { return }
            startWatchdog(on: loop)
        }
    }

    /// Gives a copy of a descriptor into the manager's keeping, under a name without colons: after a crash or a
    /// restart it comes back by ``takeKept()``.
    public func keep(_ descriptor: Int32, as name: String) {
        // Without FDPOLL=0 the manager would let go of a socket because an ICMP error waits in it.
        send("FDSTORE=1\nFDPOLL=0\nFDNAME=\(name)", [descriptor])
    }

    /// Takes a descriptor out of the manager's keeping.
    public func forget(_ name: String) {
        send("FDSTOREREMOVE=1\nFDNAME=\(name)", [])
    }

    /// What cannot be said is not said: the manager's own time limits tell of it.
    private func send(_ text: String, _ descriptors: [Int32]) {
        guard let socket else { return }
        let octets = Array(text.utf8)
        _ = try? DescriptorPassing.send(octets.span, with: descriptors, over: socket)
    }
}
