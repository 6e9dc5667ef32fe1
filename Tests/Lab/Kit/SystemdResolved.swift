// SPDX-License-Identifier: Apache-2.0

import CLinux
import SystemIO

/// systemd-resolved with a system bus of its own on a host of the lab, as a distribution would have it: its stub is in
/// resolv.conf, and it asks the public server.
public final class SystemdResolved {
    /// Where .ci/deps unpacks the package: installed, it would take over this machine's /etc/resolv.conf.
    private static let package = "/usr/local/lib/pnetd-lab"
    private static let user: uid_t = 65_403

    private let host: Host
    private var process: Background?

    /// Whether it can be run here.
    public static var isThere: Bool { (try? Files.status(of: "\(package)/lib/systemd/systemd-resolved")) != nil }

    /// Prepares the host and starts bus and resolver.
    public init(on host: Host) throws {
        self.host = host
        let users = try host.write(
            "passwd",
            String(decoding: try Files.read("/etc/passwd"), as: UTF8.self) + Self.account
        )
        let bus = try host.write("bus.conf", Self.bus)
        try host.run(
            "sh",
            "-ec",
            """
            mkdir -p /run/systemd /run/dbus
            mount --bind \(users) /etc/passwd
            mount -t tmpfs tmpfs /run/systemd
            mount -t tmpfs -o mode=755 tmpfs /run/dbus
            mkdir -p /run/systemd/resolve /run/systemd/resolved.conf.d
            chown \(Self.user):\(Self.user) /run/systemd/resolve
            chmod 755 /run/systemd \(host.folder)
            cat > /run/systemd/resolved.conf.d/lab.conf
            printf 'nameserver 127.0.0.53\\noptions edns0\\n' > /etc/resolv.conf
            """,
            input: Self.settings
        )
        _ = try host.start("bus", "dbus-daemon", "--nofork", "--config-file", bus)
        try waitUntil("there is a bus") { try host.attempt(["test", "-S", "/run/dbus/system_bus_socket"]).status == 0 }
        try start()
    }

    private func start() throws {
        process = try host.start("resolved", "\(Self.package)/lib/systemd/systemd-resolved")
        try waitUntil("systemd-resolved answers") { try control("status").status == 0 }
    }

    /// Ends it, and starts another one, which knows nothing of what the first one was told.
    public func restart() throws {
        try process?.stop()
        try start()
    }

    /// Runs resolvectl.
    public func control(_ words: String...) throws -> Program.Result {
        try host.attempt(["\(Self.package)/usr/bin/resolvectl"] + words)
    }

    private static let account = "systemd-resolve:x:\(user):\(user)::/:/usr/sbin/nologin\n"

    private static let settings = """
        [Resolve]
        DNS=203.0.113.53
        FallbackDNS=
        DNSSEC=no
        LLMNR=no
        MulticastDNS=no

        """

    private static let bus = """
        <busconfig>
          <listen>unix:path=/run/dbus/system_bus_socket</listen>
          <auth>EXTERNAL</auth>
          <policy context="default">
            <allow user="*"/>
            <allow own="*"/>
            <allow send_type="method_call"/>
            <allow send_type="signal"/>
            <allow send_requested_reply="true" send_type="method_return"/>
            <allow send_requested_reply="true" send_type="error"/>
            <allow receive_type="method_call"/>
            <allow receive_type="method_return"/>
            <allow receive_type="error"/>
            <allow receive_type="signal"/>
          </policy>
        </busconfig>

        """
}
