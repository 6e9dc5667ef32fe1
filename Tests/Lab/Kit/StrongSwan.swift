// SPDX-License-Identifier: Apache-2.0

public import CLinux
import SystemIO

/// strongSwan's charon on a host of the lab, as Debian has it: with files, a VICI socket and a log in the host's folder.
public final class StrongSwan {
    /// How charon repeats what is not answered: so many times, 1 s after the question and each time 1.4 times as late.
    public static let retransmissions = 3

    private let host: Host
    private let settings: String
    private var process: Background?

    /// Charon's control socket.
    public var socket: String { Self.socket(on: host) }

    static func socket(on host: Host) -> String { "\(host.folder)/charon.vici" }

    /// Starts charon, which knows of no connection; it is not waited for.
    init(on host: Host) throws {
        self.host = host
        settings = try host.write("strongswan.conf", Self.settings(socket: Self.socket(on: host)))
        for folder in ["", "/x509", "/x509ca", "/private"] {
            try Files.makeDirectory("\(host.folder)/swanctl\(folder)")
        }
        try spawn()
    }

    /// Starts charon again, after its end; of connections it knows nothing then.
    public func start() throws {
        try spawn()
        try waitForSocket()
    }

    private func spawn() throws {
        process = try host.start("charon", environment + ["/usr/sbin/charon-systemd"])
    }

    /// Waits until charon can be spoken to.
    func waitForSocket() throws {
        try waitUntil("charon listens on \(host.name)") { (try? UnixSocket.connect(path: socket)) != nil }
    }

    /// Ends charon without a word to anybody: the kernel keeps what it was told.
    public func kill() throws {
        process?.signal(SIGKILL)
        try process?.wait()
    }

    /// Ends charon as systemd does: it takes leave of the other end, and clears the kernel.
    public func stop() throws { try process?.stop() }

    /// Its process.
    public var pid: pid_t? { process?.pid }

    /// What charon has said so far, before any restart too.
    public var log: String { process?.output ?? "" }

    /// Runs swanctl.
    ///
    /// What loads connections or secrets removes those that its file does not name, whoever loaded them: not for a charon
    /// that pnetd speaks to.
    @discardableResult
    public func swanctl(_ words: String...) throws -> Program.Result {
        try host.attempt(environment + ["swanctl"] + words + ["--uri", "unix://\(socket)"])
    }

    /// Has charon know these connections and secrets and no others, as swanctl.conf(5) writes them.
    public func load(_ text: String) throws {
        let file = try host.write("swanctl/swanctl.conf", text, mode: 0o600)
        let result = try swanctl("--load-all", "--clear", "--noprompt", "--file", file)
        guard result.status == 0 else {
            throw Program.Failure(command: ["swanctl", "--load-all"], exit: result.exit, output: result.output)
        }
    }

    /// The IKE_SAs and CHILD_SAs in full, in the words of `swanctl --list-sas --raw`, one a line.
    public var associations: [String] {
        get throws { try swanctl("--list-sas", "--raw").output.split(separator: "\n").map(String.init) }
    }

    /// Waits until an IKE_SA has a CHILD_SA.
    @discardableResult
    public func waitForTunnel(within limit: Duration = .seconds(10)) throws -> Duration {
        try waitUntil("a tunnel stands on \(host.name)", within: limit) {
            try associations.contains { $0.contains("state=ESTABLISHED") && $0.contains("state=INSTALLED") }
        }
    }

    private var environment: [String] {
        ["env", "STRONGSWAN_CONF=\(settings)", "SWANCTL_DIR=\(host.folder)/swanctl"]
    }

    /// Debian's plugins but those that have sockets beside VICI's, capture packets, hand out addresses or let networks
    /// bypass the tunnels.
    private static let unwanted = [
        "attr", "bypass-lan", "connmark", "dhcp", "error-notify", "farp", "forecast", "ha", "kernel-libipsec", "led",
        "lookip", "resolve", "tnc-tnccs", "unity",
    ]

    private static func settings(socket: String) -> String {
        """
        charon-systemd {
          load_modular = yes
          install_routes = no
          install_virtual_ip = no
          retransmit_tries = \(retransmissions)
          retransmit_timeout = 1.0
          retransmit_base = 1.4
          plugins {
            include /etc/strongswan.d/charon/*.conf
            vici { socket = unix://\(socket) }
        \(unwanted.map { "    \($0) { load = no }" }.joined(separator: "\n"))
          }
          journal { default = -1 }
          filelog {
            stderr {
              default = 1
              time_format = %T
              ike_name = yes
              flush_line = yes
            }
          }
        }
        swanctl { load = random openssl pem pkcs1 pkcs8 pubkey x509 }

        """
    }
}
