// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO
import Testing

@testable import Tunnel

/// strongSwan's charon as Debian has it, in a namespace of its own, with a client of it.
///
/// ESP is done by its plugin kernel-libipsec, in UDP and over a TUN: not every kernel has ESP.
final class RealCharon {
    static let program = "/usr/sbin/charon-systemd"
    static var isInstalled: Bool { (try? Files.status(of: program)) != nil }
    /// Whether it can ask for what it was not given.
    static var canFetch: Bool { (try? Files.status(of: "/usr/lib/ipsec/plugins/libstrongswan-curl.so")) != nil }

    let name: String
    let loop: EventLoop
    private let natPort: Int
    private let port: Int
    private let settings: String
    private(set) var pid: pid_t = 0
    private(set) var versions: [CharonVersion] = []
    private(set) var lacks = CharonLacks()
    private(set) var lost: [VICIError] = []
    private(set) var events: [CharonEvent] = []
    private(set) var charon: Charon?

    /// - Parameters:
    ///   - name: of its socket, so that there can be two.
    ///   - settings: more lines for strongswan.conf.
    init(_ name: String, port: Int = 500, natPort: Int = 4500, settings: String = "", on loop: EventLoop) throws {
        self.settings = settings
        self.name = name
        self.port = port
        self.natPort = natPort
        self.loop = loop
        var patience = CharonPatience()
        patience.firstRetry = .milliseconds(20)
        patience.lastRetry = .milliseconds(200)
        let charon = Charon(path: socketPath, on: loop, patience: patience) { [weak self] in self?.take($0) }
        self.charon = charon
        charon.start()
    }

    deinit { kill() }

    var socketPath: String { "/run/\(name).vici" }

    /// Runs the body where /run is the test's own, as charon's sockets are in there.
    static func inNamespace(_ body: @escaping (EventLoop) throws -> Void) throws {
        try inFreshNamespace {
            try run("/bin/mount", "-t", "tmpfs", "none", "/run")
            for address in ["10.1.0.1/32", "10.2.0.1/32"] {
                try run("/sbin/ip", "address", "add", address, "dev", "lo")
            }
            try body(EventLoop())
        }
    }

    func start() throws {
        let configuration = """
            charon-systemd {
              load = random nonce openssl kdf hmac pem pkcs1 pkcs8 x509 pubkey revocation constraints curl \
            socket-default kernel-libipsec kernel-netlink vici
              port = \(port)
              port_nat_t = \(natPort)
              install_routes = no
              install_virtual_ip = no
              retransmit_tries = 2
              \(settings)
              plugins { vici { socket = unix://\(socketPath) } }
            }
            """
        let path = "/run/\(name).conf"
        try Files.replace(path, with: Array(configuration.utf8))
        let null = try unsafe FileDescriptor(pn_open("/dev/null", O_WRONLY, 0), from: "open /dev/null")
        pid = try ChildProcess.spawn(
            Self.program,
            arguments: [],
            environment: ["STRONGSWAN_CONF": path],
            output: null.raw,
            error: null.raw
        )
        let before = versions.count
        try wait { versions.count > before }
    }

    func kill() {
        guard pid > 0 else { return }
        CLinux.kill(pid, SIGKILL)
        _ = try? ChildProcess.wait(for: pid)
        pid = 0
    }

    /// Turns the loop until something holds.
    func wait(_ isDone: () -> Bool) throws {
        let end = loop.now + .seconds(10)
        while !isDone() {
            guard loop.now < end else {
                Issue.record("waited ten seconds; lost: \(lost), events: \(events)")
                throw VICIError.timedOut("the test")
            }
            try loop.turn(waiting: .milliseconds(10))
        }
    }

    /// Asks and waits for the answer.
    func ask<Value>(_ question: (Charon, @escaping (Result<Value, VICIError>) -> Void) -> Void) throws -> Value {
        var answer: Result<Value, VICIError>?
        question(try #require(charon)) { answer = $0 }
        try wait { answer != nil }
        return try #require(answer).get()
    }

    /// The first IKE_SA, once charon is not at work on it: until then it is left out.
    func association() throws -> IKEAssociation {
        var found: IKEAssociation?
        try wait {
            found = (try? ask { $0.associations($1) })?.first
            return found != nil
        }
        return try #require(found)
    }

    /// Sends packets, by another connection and without the client, and takes so many segments for each.
    func exchange(_ questions: [(VICIPacket, answers: Int)]) throws -> [[UInt8]] {
        let socket = try UnixSocket.connect(path: socketPath, limit: .seconds(5))
        var stream = VICISegments()
        var segments: [[UInt8]] = []
        var expected = 0
        for (question, answers) in questions {
            let octets = try question.segment()
            _ = try socket.write(octets.span)
            expected += answers
            while segments.count < expected {
                if let segment = try stream.next() {
                    segments.append(segment)
                } else {
                    let part = try #require(try socket.read(upTo: 1 << 16))
                    try #require(!part.isEmpty)
                    stream.append(part[...])
                }
            }
        }
        return segments
    }

    private func take(_ report: Charon.Report) {
        switch report {
        case .connected(let version, let lacks):
            versions.append(version)
            self.lacks = lacks
        case .lost(let error): lost.append(error)
        case .event(let event): events.append(event)
        }
    }
}
