// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import ProcessLink
import SystemIO
import Testing

@testable import pnetd_frontend

/// Handshakes with servers of openssl's, and with what is none.
@Suite(.serialized)
struct HandshakeTests {
    private let loop: SystemIO.EventLoop

    init() throws {
        loop = try SystemIO.EventLoop()
    }

    private func shakeHands(
        with endpoint: SocketEndpoint,
        as name: String = "hub.example.net",
        trusting roots: String?,
        patience: Int = 5_000
    ) throws -> HandshakeReport {
        try HandshakeCall.make(on: loop, to: endpoint, as: name, trusting: roots, patience: patience)
    }

    private func days(until expires: Int64?) -> Double? {
        expires.map { (Double($0) - Double(SystemClock().wallNanoseconds) / 1e9) / 86_400 }
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func aGoodServerServes(version: String) throws {
        let servers = try TLSServers(on: loop)
        try servers.certify("hub.example.net")
        let endpoint = try servers.serve("hub.example.net", version)
        let end = try shakeHands(with: endpoint, trusting: servers.roots)
        #expect(end.outcome == .served)
        #expect(try abs(#require(days(until: end.expires)) - 9) < 0.1)
    }

    /// One takes our second share; the other asks again for a group that it knows (RFC 8446 section 4.1.4).
    @Test(arguments: ["X25519", "P-256"])
    func aServerWithoutOurFirstGroupServes(groups: String) throws {
        let servers = try TLSServers(on: loop)
        try servers.certify("hub.example.net")
        let endpoint = try servers.serve("hub.example.net", "-tls1_3", "-groups", groups)
        #expect(try shakeHands(with: endpoint, trusting: servers.roots).outcome == .served)
    }

    /// A server that has several certificates shows the one for the name that it is told (RFC 6066 section 3).
    @Test func theServerIsToldTheName() throws {
        let servers = try TLSServers(on: loop)
        try servers.certify("hub.example.net")
        try servers.certify("other.example.net")
        let second = [
            "-cert2", "\(servers.folder)/hub.example.net.pem", "-key2", "\(servers.folder)/hub.example.net.key",
        ]
        let endpoint = try servers.serve(
            "other.example.net",
            "-servername",
            "hub.example.net",
            second[0],
            second[1],
            second[2],
            second[3]
        )
        #expect(try shakeHands(with: endpoint, trusting: servers.roots).outcome == .served)
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func anExpiredCertificateIsTold(version: String) throws {
        let servers = try TLSServers(on: loop)
        try servers.certify("hub.example.net", until: -3)
        let endpoint = try servers.serve("hub.example.net", version)
        let end = try shakeHands(with: endpoint, trusting: servers.roots)
        #expect(end.outcome == .expired)
        #expect(try abs(#require(days(until: end.expires)) + 3) < 0.1)
    }

    @Test func aCertificateOfTomorrowIsTold() throws {
        let servers = try TLSServers(on: loop)
        try servers.certify("hub.example.net", from: 1)
        let endpoint = try servers.serve("hub.example.net")
        #expect(try shakeHands(with: endpoint, trusting: servers.roots).outcome == .notYetValid)
    }

    @Test func aCertificateOfAnotherNameIsTold() throws {
        let servers = try TLSServers(on: loop)
        try servers.certify("other.example.net")
        let endpoint = try servers.serve("other.example.net")
        #expect(try shakeHands(with: endpoint, trusting: servers.roots).outcome == .wrongName)
    }

    @Test func aStrangersCertificateIsTold() throws {
        let servers = try TLSServers(on: loop)
        try servers.certify("hub.example.net", by: "stranger")
        let endpoint = try servers.serve("hub.example.net")
        #expect(try shakeHands(with: endpoint, trusting: servers.roots).outcome == .untrusted)
        #expect(try shakeHands(with: endpoint, trusting: nil).outcome == .untrusted)
    }

    @Test func aServerWithNothingInCommonIsTold() throws {
        let servers = try TLSServers(on: loop)
        try servers.certify("hub.example.net")
        let endpoint = try servers.serve("hub.example.net", "-tls1_2", "-cipher", "AES256-SHA256")
        #expect(try shakeHands(with: endpoint, trusting: servers.roots).outcome == .declined)
    }

    /// A first packet of post-quantum size takes two segments on a path of 1500 octets (RFC 7323: 52 of them are headers):
    /// where large packets are lost, that shows.
    @Test func theFirstPacketIsLarge() throws {
        let listener = try LoopbackSocket()
        let door = listener.descriptor.raw
        var open: Int32?
        defer { if let open { close(open) } }
        try loop.watch(door) { _ in open = try? NetworkSocket.accept(from: door)?.release() }
        defer { loop.unwatch(door) }
        #expect(try shakeHands(with: listener.endpoint, trusting: nil, patience: 300).outcome == .silent)
        var room = [UInt8](repeating: 0, count: 4_096)
        let socket = try #require(open)
        let count = unsafe room.withUnsafeMutableBytes { unsafe recv(socket, $0.baseAddress, $0.count, 0) }
        let record = room.prefix(max(count, 0))
        #expect(record.first == 22, "a handshake's record (RFC 8446 section 5.1)")
        #expect(record.count > 1_448 && record.count < 2_000, "\(record.count)")
    }

    private enum Farewell {
        case none, polite, reset
    }

    /// Says something, or nothing, to whoever connects, and then hangs up, or not.
    private func answer(_ text: String?, _ end: Farewell) throws -> HandshakeOutcome {
        let listener = try LoopbackSocket()
        let door = listener.descriptor.raw
        var open: [Int32] = []
        defer { for descriptor in open { close(descriptor) } }
        try loop.watch(door) { [loop] _ in
            guard let raw = try? NetworkSocket.accept(from: door)?.release() else { return }
            if let text {
                let octets = Array(text.utf8)
                _ = unsafe octets.withUnsafeBytes { unsafe send(raw, $0.baseAddress, $0.count, 0) }
            }
            guard end != .none else { return open.append(raw) }
            loop.schedule(after: .milliseconds(100)) {
                var room = [UInt8](repeating: 0, count: 4_096)
                // Octets that nobody read make the kernel reset the connection.
                if end == .polite {
                    _ = unsafe room.withUnsafeMutableBytes { unsafe recv(raw, $0.baseAddress, $0.count, 0) }
                }
                close(raw)
            }
        }
        defer { loop.unwatch(door) }
        let outcome = try shakeHands(with: listener.endpoint, trusting: nil, patience: 600).outcome
        // Whatever came of it, the connection does not stay.
        for descriptor in open {
            try loop.turnUntil("it hangs up") {
                var room = [UInt8](repeating: 0, count: 4_096)
                return unsafe room.withUnsafeMutableBytes { room in
                    unsafe recv(descriptor, room.baseAddress, room.count, Int32(MSG_DONTWAIT)) == 0
                }
            }
        }
        return outcome
    }

    @Test func whatIsNoTLSIsTold() throws {
        #expect(try answer("HTTP/1.1 400 Bad Request\r\n\r\n", .none) == .notTLS)
        #expect(try answer("220 mail.example.net ESMTP\r\n", .polite) == .notTLS)
    }

    @Test func whoSaysNothingIsTold() throws {
        #expect(try answer(nil, .none) == .silent)
        #expect(try answer("\u{16}\u{3}\u{3}", .none) == .silent)
    }

    @Test func whoHangsUpIsTold() throws {
        #expect(try answer(nil, .polite) == .hungUp)
        #expect(try answer(nil, .reset) == .hungUp)
    }

    /// The whole program, over its private socket.
    @Test func theProgramShakesHandsForTheAgent() throws {
        let agent = try FakeAgent()
        let servers = try TLSServers(on: agent.loop)
        try servers.certify("hub.example.net")
        let endpoint = try servers.serve("hub.example.net")
        let name = try #require(DomainName("hub.example.net"))
        for (number, roots) in [try servers.roots, nil].enumerated() {
            let request = HandshakeRequest(request: UInt64(number), name: name, roots: roots, patience: 5_000)
            let connection = try LoopbackSocket.connect(to: endpoint)
            agent.channel?.send(.shakeHands(request), with: [connection.raw])
            // Without a connection it says so in its log, and lives.
            agent.channel?.send(.shakeHands(request))
        }
        try agent.until("both have ended") { agent.said.count == 2 }
        #expect(agent.said.contains { $0.contains("request: 0") && $0.contains("served") }, "\(agent.said)")
        #expect(agent.said.contains { $0.contains("request: 1") && $0.contains("untrusted") }, "\(agent.said)")
        #expect(agent.log.contains("no connection for a handshake"))
    }

    @Test func whatCannotBeTriedIsTold() throws {
        let listener = try LoopbackSocket()
        let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        #expect(try shakeHands(with: listener.endpoint, trusting: pem).outcome == .unable)
    }
}
