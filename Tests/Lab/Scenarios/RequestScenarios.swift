// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Lab
import NetworkTypes
import SystemIO
import Testing

/// Targets that want to know who we are, and what a large first packet shows.
extension Scenarios.Targets {
    private static let name = "hub1.example.net"
    private static let sharedKey = "V2hvZXZlciByZWFkcyB0aGlzIGlzIGEgdGVzdCBpbmRlZWQ="

    private func failing(_ daemon: Daemon, _ tunnel: Tunnel = .a) throws -> [String]? {
        try daemon.network().paths.first { $0.path.text == tunnel.path }?.failingTargets
    }

    /// As Azure IoT checks a token: the code of resource and end by the key of the device.
    private static let hub = """
        import base64, hashlib, hmac, http.server, ssl, sys, time, urllib.parse
        folder, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])

        class Hub(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                scheme, _, rest = self.headers.get("Authorization", "").partition(" ")
                part = dict(word.partition("=")[::2] for word in rest.split("&"))
                key = base64.b64decode(open(folder + "/hub.sas").read())
                said = part.get("sr", "") + "\\n" + part.get("se", "")
                code = base64.b64encode(hmac.new(key, said.encode(), hashlib.sha256).digest()).decode()
                good = (scheme == "SharedAccessSignature" and urllib.parse.unquote(part.get("sig", "")) == code
                        and urllib.parse.unquote(part["sr"]) == self.headers["Host"].split(":")[0] + self.path
                        and float(part["se"]) > time.time())
                self.send_response(204 if good else 401)
                self.end_headers()

        server = http.server.ThreadingHTTPServer((host, port), Hub)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder + "/good.pem", folder + "/hub.key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        print("it listens", flush=True)
        server.serve_forever()

        """

    /// A certificate and a token, wrong and then right: each is told, nothing of either is shown, and none of it is the
    /// path's fault.
    @Test(.anyKernel) func whoWeAreIsShownToThoseWhoAskOnly() throws {
        let (broker, api) = ("\(Lab.target):7443", "\(Lab.target):7444")
        var options = SiteFile()
        options.targets = """
            {need: any, list: [{icmp: \(Lab.target)}, \
            {tls: "\(broker)", name: \(Self.name), ca-file: ca.pem, every: 5s, certificate-file: edge.pem, \
            private-key-file: edge.key}, \
            {https: "\(api)", name: \(Self.name), ca-file: ca.pem, every: 5s, path: /devices/edge-1, status: 200-299, \
            sas: {resource: \(Self.name)/devices/edge-1, key-file: edge.sas, valid: 1m}}]}
            """
        options.damping = false
        try scenario("identity", options) { lab, daemon in
            try certify(lab)
            let folder = lab.cloud.folder
            try lab.cloud.run(
                "sh",
                "-ec",
                """
                cd \(folder)
                openssl ecparam -genkey -name prime256v1 -out edge.key
                openssl req -new -key edge.key -subj /CN=edge -out edge.csr
                openssl x509 -req -in edge.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3 -out edge.pem
                openssl req -x509 -key edge.key -subj /CN=stranger -days 3 -out stranger.pem
                """
            )
            func read(_ name: String) throws -> String {
                String(decoding: try Files.read("\(folder)/\(name)"), as: UTF8.self)
            }
            try lab.site.write("edge.pem", read("stranger.pem"))
            try lab.site.write("edge.key", read("edge.key"), mode: 0o600)
            try lab.site.write("edge.sas", "\(Self.sharedKey)\n", mode: 0o600)
            try lab.cloud.write("hub.sas", "AAAA")
            let program = try lab.cloud.write("hub.py", Self.hub)
            let hub = try lab.cloud.start("hub", "python3", program, folder, Lab.target, "7444")
            try waitUntil("the hub listens") { hub.output.contains("it listens") }
            let authority = "\(folder)/ca.pem"
            _ = try serve(lab, "good", at: broker, "-CAfile", authority, "-Verify", "1", "-verify_return_error")

            try daemon.start()
            try daemon.waitFor(path: .a)
            let reasons = [
                "tls \(broker) as \(Self.name): it does not take the certificate that it was shown",
                "https \(api)/devices/edge-1 as \(Self.name): it answered with status 401 (is the key right, and this "
                    + "host's clock?)",
            ]
            try waitUntil("both decline", within: .seconds(8)) { try failing(daemon) == reasons }
            #expect(try daemon.network().switches == 0 && daemon.status().state == .up)

            try lab.cloud.write("hub.sas", Self.sharedKey)
            try lab.site.write("edge.pem", read("edge.pem"))
            #expect(try daemon.pnetctl("reload").status == 0)
            try waitUntil("both serve, by both paths", within: .seconds(12)) {
                try daemon.pnetctl("explain", "azure").output.ranges(of: "it serves").count == 4
            }
            #expect(try failing(daemon) == [])
            let page = try lab.site.run("curl", "-s", "http://127.0.0.1:9731/metrics")
            let labels = "network=\"azure\",target=\"\(broker)\",name=\"\(Self.name)\""
            let series = "pnetd_identity_certificate_expiry_seconds{\(labels)} "
            let line = try #require(page.split(separator: "\n").first { $0.hasPrefix(series) })
            let wall = Double(SystemClock().wallNanoseconds) / 1e9
            #expect(try abs(#require(Double(line.dropFirst(series.count))) - wall - 3 * 86_400) < 3_600)
            let end = "\(broker) as \(Self.name) is shown a certificate that is valid for another 2d"
            let warnings = try daemon.status().warnings
            #expect(warnings.contains { $0.contains(end) }, "\(warnings)")

            let status = try daemon.pnetctl("status").output
            let explained = try daemon.pnetctl("explain", "azure").output
            var shown = [daemon.log, status, explained, page]
            for file in try lab.site.run("find", "\(lab.site.folder)/state", "-type", "f").split(separator: "\n") {
                shown.append(String(decoding: try Files.read(String(file)), as: UTF8.self))
            }
            for pid in lab.site.processes {
                shown.append(String(decoding: (try? Files.read("/proc/\(pid)/cmdline")) ?? [], as: UTF8.self))
            }
            let key = try read("edge.key").split(separator: "\n").filter { !$0.hasPrefix("-") }.map(String.init)
            let secrets = [Self.sharedKey, "SharedAccessSignature", "&sig="] + key
            for text in shown { #expect(secrets.allSatisfy { !text.contains($0) }) }

            try daemon.stop()
            let replay = try lab.site.run("\(Daemon.programs)/pnetctl", "replay", "--file", daemon.file)
            #expect(replay.contains("the replay equals the live run"), "\(replay)")
        }
    }

    /// A path that loses large packets without a word, and nobody whom echoes could measure it with: the first packet of
    /// a handshake is large enough to show it.
    @Test(.anyKernel) func aBlackHoleSilencesATarget() throws {
        let server = "\(Lab.target):7443"
        var options = SiteFile()
        options.targets = """
            {need: any, list: [{tcp: "\(Lab.target):7007"}, \
            {tls: "\(server)", name: \(Self.name), ca-file: ca.pem, every: 5s}]}
            """
        options.drill = "{target: \(Lab.target)}"
        options.damping = false
        try scenario("silent", options) { lab, daemon in
            try certify(lab)
            _ = try serve(lab, "good", at: server)
            let listener = "TCP-LISTEN:7007,bind=\(Lab.target),fork,reuseaddr"
            _ = try lab.cloud.start("listener", "socat", "-u", listener, "/dev/null")
            try lab.cloud.run(
                "nft",
                "-f",
                "-",
                input: """
                    table inet hole {
                      chain there { type filter hook input priority -300; udp dport 51820 meta length > 1300 drop; }
                    }
                    """
            )
            try daemon.start()
            try daemon.waitFor(path: .a)
            let silence =
                "tls \(server) as \(Self.name): connected, but no answer to the TLS handshake in time; small packets get "
                + "through, large ones may be lost on the way (an MTU black hole)"
            try waitUntil("it is silent", within: .seconds(10)) { try failing(daemon) == [silence] }
            try waitUntil("by the other path it serves", within: .seconds(5)) {
                try daemon.pnetctl("explain", "azure").output.contains("it serves")
            }
            #expect(try failing(daemon, .b) == [])
            #expect(try daemon.pnetctl("explain", "azure").output.contains("(an MTU black hole)"))
            let status = try daemon.pnetctl("status").output.split { $0.isWhitespace }.joined(separator: " ")
            #expect(status.contains("(an MTU black hole)"), "\(status)")
            #expect(try daemon.status().paths.allSatisfy { $0.carriedMTU == nil }, "no echo has found it")
            #expect(try daemon.network().path?.text == "vpn-a" && daemon.network().switches == 0)

            try lab.cloud.run("nft", "delete", "table", "inet", "hole")
            try waitUntil("it serves again", within: .seconds(12)) { try failing(daemon) == [] }
        }
    }
}
