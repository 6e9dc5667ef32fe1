// SPDX-License-Identifier: Apache-2.0

import CLinux
import ControlAPI
import Lab
import NetworkTypes
import SystemIO
import Testing

extension Scenarios {
    /// STAMP through the tunnel, with a far end that knows no more of it than the RFC's figures 2 and 5 (RFC 8762).
    @Suite(.serialized, .anyKernel)
    struct STAMP {
        private func session(_ daemon: Daemon) throws -> StatusReport.Path.STAMP {
            try #require(try daemon.status().paths.first?.stamp)
        }

        private func metric(_ lab: Lab, _ sample: String) throws -> Double? {
            let page = try lab.site.attempt(["curl", "-s", "http://127.0.0.1:9731/metrics"])
            return page.output.split(separator: "\n").first { $0.hasPrefix(sample) }?.split(separator: " ").last.flatMap
            {
                Double($0)
            }
        }

        private func startReflector(_ lab: Lab) throws -> Background {
            let script = try lab.cloud.write("reflector.py", Self.reflector)
            return try lab.cloud.start("reflector", "python3", script, Tunnel.a.gatewayAddress)
        }

        @Test(arguments: [
            (Impairment.lossFromSite(percent: 20), "there"), (Impairment.lossToSite(percent: 20), "back"),
        ])
        func aWayThatLosesIsNamed(impairment: Impairment, direction: String) throws {
            var options = SiteFile()
            options.stamp = [.a: "{peer: \(Tunnel.a.gatewayAddress), interval: 20ms}"]
            options.degraded = "{loss: 5%}"
            try scenario("stamp-\(direction)", options) { lab, daemon in
                _ = try startReflector(lab)
                try daemon.start()
                try daemon.waitFor(path: .a)
                try waitUntil("the far end answers") { try session(daemon).state == .answering }
                try lab.impair(.a, impairment)
                try waitUntil("the way is named", within: .seconds(10)) {
                    try daemon.network().paths.first?.reasons.contains { $0.hasPrefix("by STAMP it loses ") } == true
                }
                try daemon.waitFor(path: .b, within: .seconds(5))
                #expect(try daemon.network().paths.first?.verdict == .degraded)
                let loss = try session(daemon)
                let (bad, good) = direction == "there" ? (loss.there, loss.back) : (loss.back, loss.there)
                #expect((bad.lossRatio ?? 0) > 0.05 && (good.lossRatio ?? 1) < 0.02)
                #expect((loss.rttMs ?? 0) > 0 && loss.there.variationMs != nil)
                let lost = "pnetd_stamp_lost_total{path=\"vpn-a\",direction="
                let (there, back) = try (metric(lab, "\(lost)\"there\"}"), metric(lab, "\(lost)\"back\"}"))
                #expect(direction == "there" ? there ?? 0 > 5 && back == 0 : back ?? 0 > 5 && there == 0)
                #expect(try daemon.pnetctl("status").output.contains("stamp with 10.99.0.1:862: answering"))
                let way = direction == "there" ? "towards the far end" : "on the way back"
                #expect(try daemon.pnetctl("explain", "vpn-a").output.contains("packets were lost \(way)"))
            }
        }

        @Test func silenceAloneTakesNothingDownAndHelpsToExplain() throws {
            var options = SiteFile()
            options.stamp = [.a: "{peer: \(Tunnel.a.gatewayAddress), interval: 20ms}"]
            try scenario("stamp-silent", options) { lab, daemon in
                let reflector = try startReflector(lab)
                try daemon.start()
                try daemon.waitFor(path: .a)
                try waitUntil("the far end answers") { try session(daemon).state == .answering }
                reflector.signal(SIGKILL)
                try waitUntil("it is missed") { try session(daemon).state == .silent }
                #expect(try daemon.network().paths.first?.verdict == .up)
                try lab.impair(.a, .blackout)
                try daemon.waitFor(path: .b, within: .seconds(3))
                #expect(
                    try daemon.network().paths.first?.reasons.contains {
                        $0.hasPrefix("the far end does not answer by STAMP either")
                    } == true
                )
            }
        }

        /// Whoever may ask gets answers, as long as the questions and no faster than is good.
        @Test func ourReflectorAnswersWhomItShould() throws {
            var options = SiteFile()
            options.reflectors = [.a: "{allow: [\(Tunnel.a.gatewayAddress)/32]}"]
            try scenario("stamp-reflector", options) { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                let script = try lab.cloud.write("sender.py", Self.sender)
                let said = try lab.cloud.run("python3", script, Tunnel.a.gatewayAddress, Tunnel.a.siteAddress)
                #expect(
                    said == "numbers 0 1 2 3 4, lengths 44 44 44 300 44, ttl 64, echoed True, of 1000 at once 100\n"
                )
                let reflector = try #require(try daemon.status().paths.first?.reflector)
                #expect(reflector.local.description == "10.99.0.2:862" && reflector.sessions == 2)
                #expect((100...200).contains(reflector.answered))
                let refused = "pnetd_stamp_refused_total{path=\"vpn-a\",part=\"reflector\",reason="
                #expect(try metric(lab, "\(refused)\"truncated\"}") == 1)
                #expect(try metric(lab, "\(refused)\"source\"}") == 1)
                #expect(try metric(lab, "\(refused)\"rate\"}") ?? 0 > 50)
                #expect(try daemon.network().paths.first?.verdict == .up)
            }
        }

        private static let reflector = """
            import socket, struct, sys, time
            def now():
                wall = time.time_ns()
                return struct.pack("!II", wall // 10**9 + 2208988800, (wall % 10**9 << 32) // 10**9)
            hearing = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            hearing.bind((sys.argv[1], 862))
            numbers = {}
            while True:
                question, source = hearing.recvfrom(9000)
                received = now()
                number = numbers[source] = numbers.get(source, -1) + 1
                answer = struct.pack("!I", number) + now() + b"\\x20\\xff" + question[14:16] + received
                answer += question[:14] + bytes(2) + b"\\xff" + bytes(3) + question[44:]
                hearing.sendto(answer, source)

            """

        private static let sender = """
            import socket, struct, sys
            own, site = sys.argv[1:]
            def question(number, length=44):
                return struct.pack("!IIIHH", number, 0xe8b2f380, number, 0x20ff, 7) + bytes(length - 16)
            def opened(port=0):
                sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                sender.bind((own, port))
                sender.settimeout(1)
                return sender
            sender = opened()
            answers = []
            for number, length in enumerate([44, 44, 44, 300, 44]):
                sender.sendto(question(number, length), (site, 862))
                answers.append((question(number, length), sender.recv(9000)))
            sender.sendto(bytes(43), (site, 862))
            opened(862).sendto(question(0), (site, 862))
            echoed = all(answer[24:38] == asked[:14] and answer[14:16] == b"\\0\\7" for asked, answer in answers)
            flood, count = opened(), 0
            flood.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
            for number in range(1000):
                flood.sendto(question(number), (site, 862))
            try:
                while flood.recv(9000):
                    count += 1
            except TimeoutError:
                pass
            print("numbers", *(struct.unpack("!I", answer[:4])[0] for _, answer in answers), end=", ")
            print("lengths", *(len(answer) for _, answer in answers), end=", ")
            print(f"ttl {answers[0][1][40]}, echoed {echoed}, of 1000 at once {min(count, 100)}")

            """
    }
}
