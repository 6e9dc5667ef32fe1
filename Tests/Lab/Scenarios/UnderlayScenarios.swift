// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Lab
import NetworkTypes
import SystemIO
import Testing

extension Scenarios {
    /// Underlays as sites have them: addresses from DHCP (busybox's udhcpd and udhcpc), interfaces that come and go.
    @Suite(.serialized)
    struct Underlays {
        /// What the client does with a lease, as the scripts of distributions do: the default route of an uplink beside
        /// another has a higher metric.
        private static let leaseScript = """
            #!/bin/sh
            case $1 in
            deconfig) ip -4 address flush dev $interface ;;
            bound | renew)
                ip address replace $ip/24 dev $interface
                ip route replace default via $router dev $interface metric 300
                for server in $dns; do echo "nameserver $server"; done >/etc/resolv.conf
                ;;
            esac

            """

        private func serveLeases(_ lab: Lab, _ address: String) throws -> Background {
            let folder = lab.cloud.folder
            let file = try lab.cloud.write(
                "udhcpd-\(address)",
                """
                start \(address)
                end \(address)
                interface up-a
                lease_file \(folder)/leases-\(address)
                pidfile \(folder)/udhcpd.pid
                option subnet 255.255.255.0
                option router 192.0.2.1
                option dns 192.0.2.53
                option lease 3600

                """
            )
            try lab.cloud.write("leases-\(address)", "")
            return try lab.cloud.start("udhcpd-\(address)", "busybox", "udhcpd", "-f", file)
        }

        private func lease(_ lab: Lab, _ number: Int) throws -> Background {
            let script = try lab.site.write("lease", Self.leaseScript, mode: 0o755)
            let command = ["busybox", "udhcpc", "-f", "-i", "eth0", "-s", script, "-t", "20", "-T", "1"]
            return try lab.site.start("udhcpc-\(number)", command)
        }

        @Test(.anyKernel) func anAddressByLeaseMayChange() throws {
            var options = SiteFile()
            options.hosts = [.a: "gw-a.example.net"]
            options.discovered = [.a]
            try scenario("lease", options) { lab, daemon in
                try lab.site.run("ip", "address", "flush", "dev", "eth0")
                _ = try lab.startResolver(.a, knowing: ["gw-a.example.net. 60 IN A 192.0.2.1"])
                try daemon.start()
                try daemon.waitFor(path: .b)
                #expect(try daemon.status().paths.first?.verdict == .down)

                var server = try serveLeases(lab, "192.0.2.100")
                var client = try lease(lab, 1)
                try daemon.waitFor(path: .a, within: .seconds(20))
                #expect(try lab.cloud.run("wg", "show", "wg-a", "endpoints").contains("192.0.2.100:"))

                // The provider gives another address: the old one goes, and with it all that was sent from there.
                try server.stop()
                try client.stop()
                server = try serveLeases(lab, "192.0.2.101")
                let traffic = try Traffic(lab, every: .milliseconds(5))
                client = try lease(lab, 2)
                try waitUntil("the gateway hears the site from its new address", within: .seconds(30)) {
                    try lab.cloud.run("wg", "show", "wg-a", "endpoints").contains("192.0.2.101:")
                }
                try daemon.waitFor(path: .a, within: .seconds(30))
                let result = try traffic.stop()
                print(
                    "another lease: \(result.lost) of \(result.sent) lost, longest gap \(result.longestGap.shortText)"
                )
                #expect(result.longestGap <= Stage.here.limit(.seconds(1)))
            }
        }

        /// As ppp0 and wwan0 do: the name stays, the interface is another one, and its address too.
        @Test func anInterfaceMayComeBackAsAnother() throws {
            try scenario("redial") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                try waitUntil("the spare path is up") { try daemon.status().paths.allSatisfy { $0.verdict == .up } }
                let traffic = try Traffic(lab, every: .milliseconds(5))
                try lab.site.run("ip", "link", "delete", "eth0")
                try daemon.waitFor(path: .b)
                #expect(try daemon.status().paths.first?.reasons == ["underlay eth0 does not exist"])
                try lab.redial(.a, address: "192.0.2.9/24", gateway: "192.0.2.1/24")
                try daemon.waitFor(path: .a, within: .seconds(30))
                #expect(try lab.cloud.run("wg", "show", "wg-a", "endpoints").contains("192.0.2.9:"))
                let result = try traffic.stop()
                print("an uplink that went and came back: longest gap \(result.longestGap.shortText)")
                #expect(result.longestGap <= Stage.here.limit(.milliseconds(300)))
            }
        }

        /// The time protocol (RFC 868) with a clock of its own, since all hosts of the lab share the machine's.
        private static let timeServer = """
            import socket, struct, sys, time
            server = socket.create_server(("203.0.113.53", 37))
            while True:
                client, _ = server.accept()
                seconds = time.clock_gettime(time.CLOCK_MONOTONIC) + float(sys.argv[1])
                client.sendall(struct.pack("!I", int(seconds + 1) + 2208988800))
                client.close()
            """

        /// As on a host without a clock that boots: the peers refuse its handshakes, and nothing private works. Time
        /// comes by the underlay all the same, and with it the tunnels.
        @Test(.ownClock) func aHostWithoutAClockFindsTheTimeOutside() throws {
            try scenario("no-clock") { lab, daemon in
                let clock = SystemClock()
                let offset = (clock.wallNanoseconds - clock.now.nanoseconds) / 1_000_000_000
                _ = try lab.cloud.start("time", "python3", "-c", Self.timeServer, "\(offset)")
                let setClock = ["busybox", "rdate", "-s", "203.0.113.53"]
                defer { _ = try? lab.site.attempt(setClock) }
                try daemon.start()
                try daemon.waitFor(path: .a, within: .seconds(20))
                try daemon.stop()
                for tunnel in Tunnel.allCases { try lab.site.run("ip", "link", "delete", tunnel.interface) }

                try lab.site.run("date", "-s", "@1600000000")
                try daemon.start()
                try daemon.waitFor(path: nil, within: .seconds(20))
                for tunnel in Tunnel.allCases {
                    try waitUntil("the clock is named") {
                        try daemon.status().warnings.contains { $0.hasPrefix("\(tunnel.path): this host's clock is") }
                    }
                }
                #expect(try lab.site.attempt(setClock).status == 0)
                try daemon.waitFor(path: .a, within: .seconds(30))
                #expect(try daemon.status().warnings.allSatisfy { !$0.contains("clock is") })
            }
        }

        /// What costs is probed at a tenth of the pace.
        @Test(.anyKernel) func aMeteredUnderlayIsSpared() throws {
            try scenario("metered") { lab, daemon in
                let file = String(decoding: try Files.read(daemon.file), as: UTF8.self)
                try lab.site.write(
                    "pnetd.yaml",
                    file.replacing("{interface: eth1,", with: "{interface: eth1, metered: true,")
                )
                try daemon.start()
                try daemon.waitFor(path: .a, within: .seconds(30))
                try waitUntil("the page is there") { try daemon.status().frontend?.state == .up }
                func sent() throws -> [Double] {
                    let page = try lab.site.run("curl", "-s", "http://127.0.0.1:9731/metrics")
                    return ["vpn-a", "vpn-b"].compactMap { path in
                        page.split(separator: "\n")
                            .first { $0.hasPrefix("pnetd_probes_sent_total{path=\"\(path)\"}") }
                            .flatMap { $0.split(separator: " ").last }.flatMap { Double($0) }
                    }
                }
                let before = try sent()
                pause(.seconds(5))
                let pace = zip(try sent(), before).map { $0 - $1 }
                #expect(pace.count == 2 && pace[0] >= 8 * pace[1] && pace[1] > 0, "\(pace)")
            }
        }
    }
}
