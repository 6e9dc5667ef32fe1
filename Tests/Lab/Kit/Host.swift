// SPDX-License-Identifier: Apache-2.0

public import CLinux
public import SystemIO

/// A host of the lab: a network namespace with a resolv.conf, folders and a /var/run/wireguard of its own.
public final class Host {
    /// The host's short name, as `site`.
    public let name: String
    /// The name of its network namespace, for ip(8).
    public let namespace: String
    /// Where its files are; it goes with the lab.
    public let folder: String
    private var background: [Background] = []
    private let keeper: pid_t

    init(name: String, namespace: String, folder: String) throws {
        self.name = name
        self.namespace = namespace
        self.folder = folder
        for sub in ["wireguard", "run", "state", "keys"] { try Files.makeDirectory("\(folder)/\(sub)") }
        try Program.must(["ip", "netns", "add", namespace])
        try Files.makeDirectory("/etc/netns/\(namespace)")
        try Files.replace("/etc/netns/\(namespace)/resolv.conf", with: [], mode: 0o644)
        // A process that sleeps holds what `ip netns exec` would make anew for every command: that costs more than most
        // commands do.
        let path = "\(folder)/keeper.log"
        // Duplicate-address detection would make every address of the lab wait for two seconds.
        let enter = """
            set -e
            mkdir -p /var/run/wireguard
            mount --bind \(folder)/wireguard /var/run/wireguard
            for which in all default; do echo 0 > /proc/sys/net/ipv6/conf/$which/accept_dad; done
            ip link set lo up
            echo ready
            exec sleep infinity
            """
        let log = try Self.log(path)
        keeper = try ChildProcess.spawn(
            "/usr/bin/env",
            arguments: ["ip", "netns", "exec", namespace, "sh", "-c", enter],
            output: log.raw,
            error: log.raw
        )
        let sleeper = Background(label: "keeper", pid: keeper, log: path)
        background.append(sleeper)
        try waitUntil("host \(name) is there") { sleeper.output.contains("ready") }
    }

    /// The command that runs another one on this host.
    public func command(_ command: [String]) -> [String] {
        ["/usr/bin/nsenter", "--target", "\(keeper)", "--net", "--mount", "--"] + command
    }

    /// Runs a program that must succeed; returns what it said.
    @discardableResult
    public func run(_ command: String..., input: String = "") throws -> String {
        try run(command, input: input)
    }

    /// Runs a program that must succeed; returns what it said.
    @discardableResult
    public func run(_ command: [String], input: String = "") throws -> String {
        try Program.must(self.command(command), input: input)
    }

    /// Runs many commands of ip(8), one a line, in one go; all must succeed.
    public func ip(_ commands: String, options: String...) throws {
        try run(["ip"] + options + ["-batch", "-"], input: commands + "\n")
    }

    /// Runs a program; how it ends is the caller's concern.
    public func attempt(_ command: [String]) throws -> Program.Result {
        try Program.run(self.command(command))
    }

    /// Starts a program that runs on; its output goes to a file.
    public func start(_ label: String, _ command: String...) throws -> Background {
        try start(label, command)
    }

    /// Starts a program whose words are a list.
    public func start(_ label: String, _ command: [String]) throws -> Background {
        let path = "\(folder)/\(label).log"
        let log = try Self.log(path)
        let full = self.command(command)
        let pid = try ChildProcess.spawn(
            full[0],
            arguments: Array(full.dropFirst()),
            output: log.raw,
            error: log.raw
        )
        let process = Background(label: label, pid: pid, log: path)
        background.append(process)
        return process
    }

    private static func log(_ path: String) throws -> FileDescriptor {
        let flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC
        return unsafe try FileDescriptor(pn_open(path, flags, 0o644), from: "create \(path)")
    }

    /// Writes a file into the host's folder; returns its path.
    @discardableResult
    public func write(_ name: String, _ text: String, mode: mode_t = 0o644) throws -> String {
        let path = "\(folder)/\(name)"
        try Files.replace(path, with: Array(text.utf8), mode: mode)
        return path
    }

    /// The processes on this host.
    public var processes: [pid_t] {
        let listing = (try? Program.run(["ip", "netns", "pids", namespace]))?.output ?? ""
        return listing.split(separator: "\n").compactMap { pid_t($0) }
    }

    /// The processes on this host whose command line holds the text.
    public func processes(running text: String) -> [pid_t] {
        processes.filter { pid in
            let line = (try? Files.read("/proc/\(pid)/cmdline", limit: 1 << 16)) ?? []
            return String(decoding: line.map { $0 == 0 ? 32 : $0 }, as: UTF8.self).contains(text)
        }
    }

    /// Ends every process on the host and removes it.
    func tearDown() {
        for _ in 0..<50 {
            let running = processes
            guard !running.isEmpty else { break }
            for pid in running { kill(pid, SIGKILL) }
            usleep(20_000)
        }
        for process in background { process.collect() }
        _ = try? Program.run(["ip", "netns", "delete", namespace])
        _ = try? Program.run(["rm", "-rf", "/etc/netns/\(namespace)"])
    }
}

/// A program that runs in the background.
public final class Background {
    /// What it is called.
    public let label: String
    /// Its process.
    public let pid: pid_t
    private let log: String
    private var exit: ChildProcess.Exit?

    init(label: String, pid: pid_t, log: String) {
        self.label = label
        self.pid = pid
        self.log = log
    }

    /// What it has said so far.
    public var output: String {
        String(decoding: (try? Files.read(log, limit: 256 << 20)) ?? [], as: UTF8.self)
    }

    /// Sends a signal to it.
    public func signal(_ signal: Int32) {
        kill(pid, signal)
    }

    /// Waits for its end.
    @discardableResult
    public func wait() throws -> ChildProcess.Exit {
        if let exit { return exit }
        let ended = try ChildProcess.wait(for: pid)
        exit = ended
        return ended
    }

    /// Ends it politely and waits.
    @discardableResult
    public func stop() throws -> ChildProcess.Exit {
        signal(SIGTERM)
        return try wait()
    }

    fileprivate func collect() {
        guard exit == nil else { return }
        kill(pid, SIGKILL)
        _ = try? wait()
    }
}
