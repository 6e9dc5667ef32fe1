// SPDX-License-Identifier: Apache-2.0

import CLinux

/// BIRD at a far end, with one BFD session.
public final class BIRD {
    /// Where a session is.
    public struct Place {
        /// Who runs BIRD.
        public var host: Host
        /// The interface that packets come in by.
        public var link: String
        /// The host's own address.
        public var local: String
        /// The other one.
        public var peer: String

        /// Makes a place.
        public init(on host: Host, link: String, local: String, peer: String) {
            (self.host, self.link, self.local, self.peer) = (host, link, local, peer)
        }
    }

    private let place: Place
    private let multihop: Bool
    private var key: Key?
    private var process: Background?
    private var socket: String { "\(place.host.folder)/bird-\(place.link).ctl" }
    private var file: String { "bird-\(place.link).conf" }

    /// What packets are signed with.
    public struct Key: Sendable {
        /// The algorithm, in BIRD's words.
        public var algorithm: String
        /// The key's number.
        public var id: Int
        /// The secret.
        public var secret: String

        /// Makes a key.
        public init(algorithm: String, id: Int, secret: String) {
            (self.algorithm, self.id, self.secret) = (algorithm, id, secret)
        }

        fileprivate var words: String { "authentication \(algorithm); password \"\(secret)\" { id \(id); };" }
    }

    /// Starts BIRD with a session to the site's address on the tunnel, with so many milliseconds between packets.
    public convenience init(
        _ lab: Lab,
        _ tunnel: Tunnel,
        milliseconds: Int,
        multihop: Bool = false,
        key: Key? = nil
    ) throws {
        let (link, own) = (tunnel.gatewayLink, tunnel.gatewayAddress)
        let place = Place(on: lab.cloud, link: link, local: own, peer: tunnel.siteAddress)
        try self.init(at: place, milliseconds: milliseconds, multihop: multihop, key: key)
    }

    /// Starts BIRD with a session anywhere.
    public init(at place: Place, milliseconds: Int, multihop: Bool = false, key: Key? = nil) throws {
        (self.place, self.multihop, self.key) = (place, multihop, key)
        try configure(milliseconds: milliseconds)
        try start()
    }

    private func configure(milliseconds: Int) throws {
        let pace = "interval \(milliseconds) ms; idle tx interval 1000 ms; multiplier 3; \(key?.words ?? "")"
        let kind = multihop ? "multihop" : "interface \"\(place.link)\""
        let (before, after) = multihop ? ("", "multihop on") : ("dev \"\(place.link)\"", "")
        try place.host.write(
            file,
            """
            router id 10.99.0.1;
            protocol device {}
            protocol bfd session {
              \(kind) { \(pace) };
              neighbor \(place.peer) \(before) local \(place.local) \(after);
            }

            """
        )
    }

    /// Starts it, anew after ``kill()``.
    public func start() throws {
        let host = place.host
        let process = try host.start("bird-\(place.link)", "bird", "-f", "-c", "\(host.folder)/\(file)", "-s", socket)
        self.process = process
        try waitUntil("BIRD answers") { try host.attempt(["birdc", "-s", socket, "show", "status"]).status == 0 }
    }

    /// Ends it without a word to anybody.
    public func kill() throws {
        process?.signal(SIGKILL)
        try process?.wait()
    }

    /// Takes another pace, and another key where one is given.
    public func change(milliseconds: Int, key: Key? = nil) throws {
        if let key { self.key = key }
        try configure(milliseconds: milliseconds)
        try ask("configure")
    }

    /// The line of the session: address, interface, state, since, interval and timeout in seconds.
    public func session() throws -> String {
        let lines = try ask("show", "bfd", "sessions").split(separator: "\n")
        return lines.first { $0.hasPrefix(place.peer) }.map(String.init) ?? ""
    }

    @discardableResult
    private func ask(_ words: String...) throws -> String {
        try place.host.run(["birdc", "-s", socket] + words)
    }
}

/// FRR's bfdd at the cloud's end of a tunnel, with one session, and the zebra that tells it of interfaces.
public final class FRR {
    private let lab: Lab
    private let folder: String

    /// Starts both, with so many milliseconds between packets.
    public init(_ lab: Lab, _ tunnel: Tunnel, milliseconds: Int) throws {
        self.lab = lab
        folder = "\(lab.cloud.folder)/frr"
        let configuration = """
            bfd
             peer \(tunnel.siteAddress) local-address \(tunnel.gatewayAddress) interface \(tunnel.gatewayLink)
              receive-interval \(milliseconds)
              transmit-interval \(milliseconds)
              detect-multiplier 3
             exit
            exit

            """
        // FRR gives up root for its own user, who has to write here; and it begins with nothing but what it is given.
        try lab.cloud.run("install", "-d", "-o", "frr", "-g", "frr", folder)
        for (name, text) in [("zebra", ""), ("bfdd", configuration), ("vtysh", "")] {
            try lab.cloud.write("frr/\(name).conf", text)
        }
        for name in ["zebra", "bfdd"] {
            _ = try lab.cloud.start(
                name,
                "/usr/lib/frr/\(name)",
                "-f",
                "\(folder)/\(name).conf",
                "-z",
                "\(folder)/zserv.api",
                "-i",
                "\(folder)/\(name).pid",
                "--vty_socket",
                folder,
                "-A",
                "127.0.0.1",
                "--log",
                "stdout"
            )
            try waitUntil("\(name) answers") { try ask(name, "show version").status == 0 }
        }
    }

    /// What bfdd says of its session.
    public func session() throws -> String { try ask("bfdd", "show bfd peers").output }

    /// Takes the session out by hand, or gives it back.
    public func setShutdown(_ isShutdown: Bool, _ tunnel: Tunnel) throws {
        let peer = "peer \(tunnel.siteAddress) local-address \(tunnel.gatewayAddress) interface \(tunnel.gatewayLink)"
        _ = try lab.cloud.run([
            "vtysh", "--vty_socket", folder, "-d", "bfdd", "-c", "configure terminal", "-c", "bfd", "-c", peer, "-c",
            isShutdown ? "shutdown" : "no shutdown",
        ])
    }

    private func ask(_ daemon: String, _ command: String) throws -> Program.Result {
        try lab.cloud.attempt(["vtysh", "--vty_socket", folder, "-d", daemon, "-c", command])
    }
}

extension Tunnel {
    /// The cloud's address on it, over IPv4.
    public var gatewayAddress: String { "\(net).1" }
}
