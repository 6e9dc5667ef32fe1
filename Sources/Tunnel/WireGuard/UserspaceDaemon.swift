// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO

/// Who starts the processes of userspace WireGuard.
public enum UserspaceLaunch: Hashable, Sendable {
    /// We do, by a command that takes the program and its arguments and gives it no more power than it needs (empty:
    /// the program itself); their last words go to files in a directory, one an interface.
    case child(through: [String], logDirectory: String)
    /// systemd, as `pnetd-wireguard@INTERFACE.service`: when our own unit ends, they stay.
    case unit
}

/// Starts the userspace WireGuard implementation, a process an interface, where the kernel has none.
///
/// It outlives us; that it still runs shows in its interface, which ends with it.
struct UserspaceDaemon {
    private let launch: UserspaceLaunch
    private var lastStart: [InterfaceName: Instant] = [:]

    init(_ launch: UserspaceLaunch) {
        self.launch = launch
    }

    private static let programs = ["/usr/bin/wireguard-go", "/usr/local/bin/wireguard-go", "/usr/sbin/wireguard-go"]

    /// Starts a process, at most one a second for each interface; the interface and the socket come a moment later.
    mutating func start(_ interface: InterfaceName, now: Instant) throws(WireGuardError) {
        if let last = lastStart[interface], now - last < .seconds(1) { return }
        lastStart[interface] = now
        guard let program = Self.programs.first(where: { unsafe access($0, X_OK) == 0 }) else {
            throw .userspace("the kernel has no WireGuard and wireguard-go is not installed (install either)")
        }
        do {
            switch launch {
            case .child(let command, let directory):
                try startChild(command + [program, "--foreground", interface.text], interface, lastWordsIn: directory)
            case .unit: try startUnit(interface)
            }
        } catch {
            throw .userspace("userspace WireGuard of \(interface): \(error)")
        }
    }

    private func startChild(
        _ command: [String],
        _ interface: InterfaceName,
        lastWordsIn directory: String
    ) throws(SystemError) {
        try Files.makeDirectory(UserspaceWireGuard.directory, mode: 0o700)
        // A socket that an earlier process left keeps the new one from its place.
        try Files.remove(UserspaceWireGuard.socketPath(interface))
        let path = "\(directory)/wireguard-go-\(interface).log"
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC
        let log = unsafe try FileDescriptor(pn_open(path, flags, 0o600), from: "create \(path)")
        _ = try ChildProcess.spawn(
            command[0],
            arguments: Array(command.dropFirst()),
            environment: ["LOG_LEVEL": "error", "WG_PROCESS_FOREGROUND": "1", "PATH": "/usr/sbin:/usr/bin"],
            output: log.raw,
            error: log.raw
        )
    }

    private func startUnit(_ interface: InterfaceName) throws(SystemError) {
        guard let unit = Self.unit(of: interface) else {
            throw SystemError(operation: "name a systemd unit after the interface", code: EINVAL)
        }
        _ = try ChildProcess.spawn("/usr/bin/systemctl", arguments: ["--no-block", "--quiet", "start", unit])
    }

    /// The unit of an interface; nil where the name has characters that systemd allows in no unit (systemd.unit(5)).
    static func unit(of interface: InterfaceName) -> String? {
        let isAllowed = interface.text.utf8.allSatisfy { octet in
            switch octet {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                true
            default: false
            }
        }
        return isAllowed ? "pnetd-wireguard@\(interface).service" : nil
    }
}
