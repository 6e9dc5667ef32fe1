// SPDX-License-Identifier: Apache-2.0

import CLinux
import ControlAPI
import FoundationEssentials
import Lab
import NetworkTypes
import ProcessLink
import SystemIO
import Testing

extension Scenarios {
    /// A resolver in a stranger's hands, at the private socket of the real agent.
    @Suite(.serialized)
    struct Hostile {
        /// What the agent says to whoever is the resolver, as it is on the wire.
        private final class Stranger {
            let socket: FileDescriptor
            private var heard: [UInt8] = []
            private(set) var descriptors: [Int32] = []

            init(_ lab: Lab) throws {
                socket = try UnixSocket.connect(path: "\(lab.site.folder)/run/resolver.sock")
            }

            deinit {
                for descriptor in descriptors { close(descriptor) }
            }

            func say(_ message: MessageToAgent) throws {
                try say(Array(try JSONEncoder().encode(message)))
            }

            /// A frame around octets that need be no message.
            func say(_ body: [UInt8]) throws {
                let frame = MessageFrames.header(of: body) + body
                _ = try socket.write(frame.span)
            }

            /// Takes what has come; false where the agent has hung up: with the end of the stream, or with a reset where
            /// it left something unread (unix(7)).
            func listen() throws -> Bool {
                do {
                    while let (bytes, passed) = try DescriptorPassing.receive(upTo: 1 << 16, from: socket.raw) {
                        descriptors += passed
                        guard !bytes.isEmpty else { return false }
                        heard += bytes
                    }
                    return true
                } catch  where error.code == ECONNRESET {
                    return false
                }
            }

            var messages: [MessageFromAgent] {
                get throws {
                    var messages: [MessageFromAgent] = []
                    var frames = MessageFrames(limit: 8 << 20)
                    frames.append(heard)
                    while let body = try frames.next() {
                        messages.append(try JSONDecoder().decode(MessageFromAgent.self, from: Data(body)))
                    }
                    return messages
                }
            }

            var text: String { String(decoding: heard, as: UTF8.self) }
        }

        @Test(.anyKernel) func aResolverThatWasTakenOverGetsNothingButDNSAndHarmsNothingElse() throws {
            try scenario("hostile") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                try daemon.waitForNames()
                let traffic = try Traffic(lab, every: .milliseconds(2))

                let stranger = try Stranger(lab)
                try stranger.say(.hello(holding: []))
                try waitUntil("the agent has answered") {
                    _ = try stranger.listen()
                    return try stranger.messages.count >= 2
                }
                for message in try stranger.messages {
                    switch message {
                    case .listeners(let listeners, _): #expect(listeners.allSatisfy { $0.kind.role == .resolver })
                    case .zoneFile, .resolver, .find, .names, .rememberedNames, .held, .relay, .stop: break
                    case .page, .deliver, .shakeHands, .namesOverTLS: Issue.record("not for a resolver: \(message)")
                    }
                }
                for descriptor in stranger.descriptors {
                    #expect(SocketFacts(of: descriptor)?.endpoint.port == 53, "DNS sockets and no others")
                }
                for name in ["vpn-a", "vpn-a-psk", "vpn-b", "vpn-b-psk"] {
                    let key = String(decoding: try Files.read("\(lab.site.folder)/keys/\(name).key"), as: UTF8.self)
                    #expect(!stranger.text.contains(key.prefix(20)))
                }

                // What is not the resolver's to say, and what nobody may say.
                for message in [
                    MessageToAgent.inForce(snapshot: .max), .scrape(request: 1), .delivered(alert: "lab-1"),
                    .undelivered(alert: "lab-1", reason: "\u{1b}[2J"),
                    .found(request: 1, addresses: [IPAddress(family: .ipv4, bits: 0)], lifetime: .max, problem: nil),
                    .shookHands(request: 1, HandshakeReport(.served, expires: .min, status: .max)),
                    .metrics([MetricSample(name: "pnetd_network_state", labels: ["network": "azure"], value: 0)]),
                ] { try stranger.say(message) }
                pause(.milliseconds(200))
                #expect(try stranger.listen())
                #expect(try stranger.messages.allSatisfy { if case .page = $0 { false } else { true } })

                // A flood, then garbage from one who comes again and again.
                for _ in 0..<20_000 {
                    guard (try? stranger.say(.metrics([]))) != nil else { break }
                }
                try waitUntil("the flood is cut off") { try !stranger.listen() }
                var numbers = SystemRandomNumberGenerator()
                for _ in 0..<12 {
                    guard let again = try? Stranger(lab) else { continue }
                    let garbage = (0..<Int.random(in: 1...400, using: &numbers)).map { _ in
                        UInt8.random(in: 0 ... .max, using: &numbers)
                    }
                    try? again.say(garbage)
                    pause(.milliseconds(20))
                }

                try daemon.waitForNames()
                try waitUntil("an honest resolver is there") { try daemon.status().resolver?.state == .up }
                let result = try traffic.stop()
                print("beside a hostile resolver: \(result.lost) of \(result.sent) packets lost")
                #expect(result.lost == 0)
                let status = try daemon.status()
                #expect(status.networks.first?.switches == 0)
                #expect(status.networks.first?.state == .up)
                #expect(status.warnings.contains { $0.contains("resolver was cut off") })
                let page = try lab.site.attempt(["curl", "-s", "http://127.0.0.1:9731/metrics"]).output
                #expect(page.contains("pnetd_process_offences_total{process=\"resolver\"}"))
                #expect(!page.contains("pnetd_process_offences_total{process=\"resolver\"} 0"))
                #expect(page.contains("pnetd_network_state{network=\"azure\",state=\"up\"} 1"))
                #expect(!daemon.log.contains("\u{1b}"))
            }
        }

        /// The sockets are shared: what one resolver does to them, the next one finds.
        @Test(.anyKernel) func aResolverThatWasTakenOverLeavesNothingToTheNext() throws {
            try scenario("poison") { lab, daemon in
                try daemon.start()
                try daemon.waitForNames()
                do {
                    let stranger = try Stranger(lab)
                    try stranger.say(.hello(holding: []))
                    try waitUntil("the sockets have come") {
                        _ = try stranger.listen()
                        return !stranger.descriptors.isEmpty
                    }
                    let nowhere = try #require(SocketEndpoint("127.0.0.1:9"))
                    for descriptor in stranger.descriptors {
                        shutdown(descriptor, Int32(SHUT_RDWR))
                        _ = unsafe SocketAddressStorage(nowhere).withPointer { unsafe pn_connect(descriptor, $0, $1) }
                    }
                }
                try waitUntil("an honest resolver is there") { try daemon.status().resolver?.state == .up }
                try daemon.waitForNames()
                #expect(try daemon.dig("+tcp", "+short", "historian.plant.internal") == "10.20.0.10\n")
            }
        }

        /// Where a host has no accounts for the two, both run as nobody.
        @Test(.anyKernel) func aResolverThatWasTakenOverIsNoFrontend() throws {
            try scenario("roles") { lab, daemon in
                try daemon.start()
                try waitUntil("the frontend is there") { try daemon.status().frontend?.state == .up }
                let account = LinkRole.resolver.account
                let script = """
                    import socket, struct, time
                    s = socket.socket(socket.AF_UNIX)
                    s.connect("\(lab.site.folder)/run/frontend.sock")
                    body = b'{"hello":{"holding":[]}}'
                    s.sendall(struct.pack(">I", len(body)) + body)
                    body = b'{"scrape":{"request":1}}'
                    s.sendall(struct.pack(">I", len(body)) + body)
                    time.sleep(1)
                    print(socket.recv_fds(s, 65536, 16))
                    """
                let user = ["setpriv", "--reuid=\(account.user)", "--regid=\(account.group)", "--clear-groups"]
                let result = try lab.site.attempt(user + ["--no-new-privs", "/usr/bin/python3", "-c", script])
                #expect(!result.output.contains("http"), "\(result.output.prefix(400))")
            }
        }
    }
}
