// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO

/// Starts the userspace WireGuard implementation, a process an interface, where the kernel has none.
///
/// It runs in a session of its own and outlives us; that it still runs shows in its interface, which ends with it.
struct UserspaceDaemon {
    /// Where its last words go, one file an interface.
    let logDirectory: String
    private var lastStart: [InterfaceName: Instant] = [:]

    init(logDirectory: String) {
        self.logDirectory = logDirectory
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
            try Files.makeDirectory(UserspaceWireGuard.directory, mode: 0o700)
            // A socket that an earlier process left keeps the new one from its place.
            try Files.remove(UserspaceWireGuard.socketPath(interface))
            let path = "\(logDirectory)/wireguard-go-\(interface).log"
            let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC
            let log = unsafe try FileDescriptor(pn_open(path, flags, 0o600), from: "create \(path)")
            _ = try ChildProcess.spawn(
                program,
                arguments: ["--foreground", interface.text],
                environment: ["LOG_LEVEL": "error", "WG_PROCESS_FOREGROUND": "1", "PATH": "/usr/sbin:/usr/bin"],
                output: log.raw,
                error: log.raw
            )
        } catch {
            throw .userspace("userspace WireGuard of \(interface): \(error)")
        }
    }
}
