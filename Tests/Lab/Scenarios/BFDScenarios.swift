// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Lab
import NetworkTypes
import SystemIO
import Testing

extension Scenarios {
    /// BFD with other implementations at the far end, through the tunnel.
    @Suite(.serialized, .anyKernel)
    struct BFD {
        /// The site's file with a session on the first path.
        private func options(_ interval: String = "100ms", _ more: String = "") -> SiteFile {
            var options = SiteFile()
            options.bfd = [.a: "{peer: \(Tunnel.a.gatewayAddress), interval: \(interval), multiplier: 3\(more)}"]
            return options
        }

        private func session(_ daemon: Daemon) throws -> StatusReport.Path.BFD {
            try #require(try daemon.status().paths.first?.bfd)
        }

        @discardableResult
        private func wait(_ daemon: Daemon, _ state: StatusReport.BFDState) throws -> Duration {
            try waitUntil("the session is \(state.rawValue)") { try session(daemon).state == state }
        }

        private func reasons(_ daemon: Daemon) throws -> [String] {
            try daemon.network().paths.first?.reasons ?? []
        }

        private func metric(_ daemon: Daemon, _ lab: Lab, _ sample: String) throws -> String? {
            // The frontend may not listen yet.
            let page = try lab.site.attempt(["curl", "-s", "http://127.0.0.1:9731/metrics"])
            return page.output.split(separator: "\n").first { $0.hasPrefix(sample) }?.split(separator: " ").last.map(
                String.init
            )
        }

        @Test func aCutMovesTrafficWithinTheDetectionTime() throws {
            try scenario("bfd-cut", options()) { lab, daemon in
                let bird = try BIRD(lab, .a, milliseconds: 100)
                try daemon.start()
                try daemon.waitFor(path: .a)
                try wait(daemon, .up)
                try waitUntil("the timers are agreed on") { try session(daemon).detectionMs == 300 }
                #expect(try bird.session().contains("Up"))
                #expect(try session(daemon).remoteState == .up)
                #expect(try daemon.pnetctl("status").output.contains("bfd with 10.99.0.1: up"))
                let traffic = try Traffic(lab)
                pause(.seconds(1))
                try lab.impair(.a, .blackout)
                let moved = try daemon.waitFor(path: .b, within: .seconds(2))
                let expected = "BFD with 10.99.0.1: no packet for 300ms (control detection time expired)"
                #expect(try reasons(daemon) == [expected])
                #expect(try daemon.network().reasons == [expected])
                pause(.seconds(1))
                try lab.heal(.a)
                try wait(daemon, .up)
                try daemon.waitFor(path: .a, within: .seconds(10))
                let result = try traffic.stop()
                print("BFD cut: longest gap \(result.longestGap.shortText), decided in \(moved.shortText)")
                #expect(result.longestGap <= .milliseconds(300 + 100))
                #expect(try metric(daemon, lab, "pnetd_bfd_ups_total{path=\"vpn-a\"}") == "2")
                #expect(try metric(daemon, lab, "pnetd_bfd_downs_total{path=\"vpn-a\"}") == "1")
            }
        }

        /// Nothing that we send arrives; what the far end sends does, and says so.
        @Test func oneWayLossIsToldByTheFarEnd() throws {
            try scenario("bfd-one-way", options()) { lab, daemon in
                _ = try BIRD(lab, .a, milliseconds: 100)
                try daemon.start()
                try daemon.waitFor(path: .a)
                try waitUntil("the timers are agreed on") { try session(daemon).detectionMs == 300 }
                try lab.impair(.a, .oneWayFromSite)
                let moved = try daemon.waitFor(path: .b, within: .seconds(2))
                print("BFD one way: decided in \(moved.shortText)")
                #expect(
                    try reasons(daemon) == [
                        "BFD with 10.99.0.1: its session went down (neighbor signaled session down, "
                            + "for it: control detection time expired)"
                    ]
                )
            }
        }

        @Test func aFarEndThatDiesIsLeftAndComesBack() throws {
            try scenario("bfd-killed", options()) { lab, daemon in
                let bird = try BIRD(lab, .a, milliseconds: 100)
                try daemon.start()
                try daemon.waitFor(path: .a)
                try wait(daemon, .up)
                try bird.kill()
                let moved = try daemon.waitFor(path: .b, within: .seconds(2))
                print("BFD daemon killed: decided in \(moved.shortText)")
                #expect(try daemon.network().paths.first?.verdict == .down)
                try bird.start()
                try wait(daemon, .up)
                #expect(try daemon.network().paths.first?.verdict == .up)
                try daemon.waitFor(path: .a, within: .seconds(10))
            }
        }

        @Test func takenOutByHandAtTheFarEndDrainsWithoutLoss() throws {
            try scenario("bfd-admin-down", options()) { lab, daemon in
                let frr = try FRR(lab, .a, milliseconds: 100)
                try daemon.start()
                try daemon.waitFor(path: .a)
                try wait(daemon, .up)
                let traffic = try Traffic(lab)
                pause(.seconds(1))
                try frr.setShutdown(true, .a)
                try daemon.waitFor(path: .b, within: .seconds(2))
                #expect(try daemon.network().paths.first?.verdict == .degraded)
                #expect(
                    try reasons(daemon) == [
                        "BFD with 10.99.0.1: the far end took it out by hand (administratively down)"
                    ]
                )
                pause(.seconds(1))
                #expect(try daemon.network().paths.first?.verdict == .degraded)
                try frr.setShutdown(false, .a)
                try wait(daemon, .up)
                try daemon.waitFor(path: .a, within: .seconds(10))
                let result = try traffic.stop()
                print("BFD admin down: \(result.lost) of \(result.sent) lost")
                #expect(result.lost <= 1)
            }
        }

        @Test func aPathThatIsDrainedHereIsOutByHandThere() throws {
            try scenario("bfd-drain", options()) { lab, daemon in
                let frr = try FRR(lab, .a, milliseconds: 100)
                try daemon.start()
                try daemon.waitFor(path: .a)
                try wait(daemon, .up)
                #expect(try daemon.pnetctl("drain", "vpn-a").status == 0)
                try waitUntil("the far end knows") {
                    try frr.session().contains("Remote diagnostics: administratively down")
                }
                #expect(try session(daemon).state == .adminDown)
                #expect(
                    try daemon.pnetctl("explain", "vpn-a").output.contains(
                        "its BFD session with 10.99.0.1 is admin-down"
                    )
                )
                try daemon.killAgent()
                try daemon.start()
                try wait(daemon, .adminDown)
                #expect(try daemon.pnetctl("undrain", "vpn-a").status == 0)
                try wait(daemon, .up)
                try daemon.waitFor(path: .a, within: .seconds(10))

                // A file without the session: the far end is told while the path still lets the word through.
                try waitUntil("the far end is up") { try frr.session().contains("Status: up") }
                _ = try Daemon(lab, SiteFile())
                #expect(try daemon.pnetctl("reload").status == 0)
                try waitUntil("the far end knows") {
                    try frr.session().contains("Remote diagnostics: administratively down")
                }
                #expect(try daemon.network().path?.text == Tunnel.a.path)
            }
        }

        /// The far end is told that we stop (AdminDown), and traffic stays where it is.
        @Test func aRestartLosesNothing() throws {
            try scenario("bfd-restart", options()) { lab, daemon in
                let frr = try FRR(lab, .a, milliseconds: 100)
                try daemon.start()
                try daemon.waitFor(path: .a)
                try wait(daemon, .up)
                let traffic = try Traffic(lab)
                pause(.milliseconds(500))
                try daemon.stop()
                #expect(try frr.session().contains("Remote diagnostics: administratively down"))
                try daemon.start()
                try wait(daemon, .up)
                #expect(try daemon.network().switches == 0)
                try daemon.killAgent()
                try waitUntil("the far end notices") { try frr.session().contains("Status: down") }
                try daemon.start()
                try wait(daemon, .up)
                #expect(try daemon.network().switches == 0)
                let result = try traffic.stop()
                print("BFD restart: \(result.lost) of \(result.sent) lost")
                #expect(result.lost == 0)
            }
        }

        @Test func timersAreAgreedOnAnewWithoutGoingDown() throws {
            try scenario("bfd-timers", options()) { lab, daemon in
                let bird = try BIRD(lab, .a, milliseconds: 100)
                try daemon.start()
                try daemon.waitFor(path: .a)
                try waitUntil("the timers are agreed on") { try session(daemon).detectionMs == 300 }
                let file = String(decoding: try Files.read(daemon.file), as: UTF8.self)
                try lab.site.write("pnetd.yaml", file.replacing("interval: 100ms", with: "interval: 400ms"))
                #expect(try daemon.pnetctl("reload").status == 0)
                try waitUntil("we expect less") { try session(daemon).detectionMs == 1_200 }
                try waitUntil("the far end does, too") { try bird.session().contains("1.200") }
                try bird.change(milliseconds: 50)
                pause(.seconds(1))
                #expect(try bird.session().contains("0.400"), "the slower end decides")
                try lab.site.write("pnetd.yaml", file.replacing("interval: 100ms", with: "interval: 50ms"))
                #expect(try daemon.pnetctl("reload").status == 0)
                try waitUntil("both hurry") { try session(daemon).detectionMs == 150 }
                pause(.seconds(5))
                #expect(try session(daemon).state == .up)
                #expect(try metric(daemon, lab, "pnetd_bfd_downs_total{path=\"vpn-a\"}") == "0")
            }
        }

        @Test func aFarEndWithoutBFDIsAWarningAndStrangersMoveNothing() throws {
            try scenario("bfd-absent", options()) { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                // From the right address and with the right form, but one router further away; and no BFD at all.
                let script = try lab.cloud.write("stranger.py", Self.stranger)
                try lab.cloud.run("python3", script, Tunnel.a.gatewayAddress, Tunnel.a.siteAddress)
                try waitUntil("all of it was refused") {
                    let refused = "pnetd_bfd_packets_refused_total{path=\"vpn-a\",reason="
                    return try metric(daemon, lab, "\(refused)\"ttl\"}") == "10"
                        && metric(daemon, lab, "\(refused)\"truncated\"}") == "10"
                }
                #expect(try session(daemon).remoteState == .down && session(daemon).state == .down)
                try waitUntil("it is said", within: .seconds(15)) {
                    try daemon.status().warnings.contains { $0.contains("BFD with 10.99.0.1 never came up") }
                }
                #expect(try daemon.network().paths.first?.verdict == .up)
                #expect(try daemon.network().switches == 0)
            }
        }

        /// Up with the same key, down with another, and up again once the far end has that, too.
        @Test(arguments: [("keyed-sha1", "keyed sha1"), ("meticulous-keyed-sha1", "meticulous keyed sha1")])
        func signedPackets(type: String, words: String) throws {
            let authentication = "{type: \(type), key-id: 7, key-file: keys/vpn-a.bfd}"
            let options = options("100ms", ", authentication: \(authentication)")
            try scenario("bfd-\(type)", options) { lab, daemon in
                func take(_ secret: String) throws {
                    try Files.replace("\(lab.site.folder)/keys/vpn-a.bfd", with: Array("\(secret)\n".utf8))
                }
                let bird = try BIRD(
                    lab,
                    .a,
                    milliseconds: 100,
                    key: .init(algorithm: words, id: 7, secret: "swordfish")
                )
                try take("swordfish")
                try daemon.start()
                try daemon.waitFor(path: .a)
                try wait(daemon, .up)
                try waitUntil("the timers are agreed on") { try session(daemon).detectionMs == 300 }
                try waitUntil("the far end is up") { try bird.session().contains("Up") }
                #expect(try session(daemon).authentication == "\(type), key 7")
                #expect(try session(daemon).refused == [])

                try take("marlin")
                #expect(try daemon.pnetctl("reload").status == 0)
                try daemon.waitFor(path: .b, within: .seconds(2))
                #expect(try session(daemon).refused.contains { $0.hasSuffix("with a wrong digest") })
                #expect(try daemon.pnetctl("status").output.contains("with a wrong digest"))
                #expect(try daemon.pnetctl("explain", "vpn-a").output.contains("with a wrong digest"))
                let refused = "pnetd_bfd_packets_refused_total{path=\"vpn-a\",reason=\"digest\"}"
                #expect(try metric(daemon, lab, refused) != "0")

                try bird.change(milliseconds: 100, key: .init(algorithm: words, id: 7, secret: "marlin"))
                try wait(daemon, .up)
                try daemon.waitFor(path: .a, within: .seconds(10))
                #expect(!daemon.log.contains("marlin") && !daemon.log.contains("swordfish"))
            }
        }

        @Test func severalHops() throws {
            try scenario("bfd-multihop", options("100ms", ", multihop: true")) { lab, daemon in
                let bird = try BIRD(lab, .a, milliseconds: 100, multihop: true)
                try daemon.start()
                try wait(daemon, .up)
                #expect(try bird.session().contains("Up"))
            }
        }

        @Test func aCutIsNoticedWithFRR() throws {
            try scenario("bfd-frr", options()) { lab, daemon in
                let frr = try FRR(lab, .a, milliseconds: 100)
                try daemon.start()
                try daemon.waitFor(path: .a)
                try waitUntil("the timers are agreed on") { try session(daemon).detectionMs == 300 }
                #expect(try frr.session().contains("Status: up"))
                try lab.impair(.a, .blackout)
                try daemon.waitFor(path: .b, within: .seconds(2))
                #expect(
                    try reasons(daemon) == [
                        "BFD with 10.99.0.1: no packet for 300ms (control detection time expired)"
                    ]
                )
                try lab.heal(.a)
                try wait(daemon, .up)
            }
        }

        private static let stranger = """
            import socket, sys
            own, site = sys.argv[1:]
            packet = bytes([0x20, 0x40, 3, 24, 0, 0, 0, 7]) + bytes(16)
            for ttl, octets in (64, packet), (255, b"hello"):
                stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                stranger.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
                stranger.bind((own, 0))
                for _ in range(10):
                    stranger.sendto(octets, (site, 3784))

            """
    }
}
