// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Lab
import NetworkTypes
import SystemIO
import Testing

extension Scenarios {
    /// Who both ends of a path by IPsec are, and what is said where they do not agree.
    @Suite(.serialized)
    struct IPsecIdentities {
        private var certificates: IPsecPath {
            var path = IPsecPath(.certificates)
            path.hasRevocationList = true
            return path
        }

        /// The files that the site's file names are replaced, and nobody is told: another tunnel stands before the last one
        /// goes. What the gateway sends by it before the site has verified the gateway's proof is lost, and nothing else.
        @Test(.kernelESP) func anotherCertificateTakesOver() throws {
            try scenarioOnIPsec("ipsec-certificate", SiteFile.ipsecFirst(certificates)) { lab, daemon, ipsec in
                let (before, switches) = (try ipsec.numbers(), try daemon.network().switches)
                let traffic = try Traffic(lab, every: .milliseconds(2))
                pause(.seconds(1))
                try ipsec.certify(IPsecGateway())
                try ipsec.offer(IPsecGateway())
                try waitUntil("another tunnel stands alone", within: .seconds(20)) {
                    let (now, spis) = (try ipsec.numbers(), try ipsec.spis())
                    return now.count == 2 && Set(now).isDisjoint(with: before) && spis.count == 2
                }
                pause(.seconds(1))
                let result = try traffic.stop()
                print(
                    "ipsec: \(result.lost) of \(result.sent) lost while a certificate was replaced, longest gap "
                        + result.longestGap.shortText
                )
                #expect(result.longestGap <= Stage.here.limit(.milliseconds(100)))
                #expect(try daemon.network().switches == switches)
                let status = try daemon.status().paths.first { $0.name.text == IPsec.path }?.ipsec
                #expect(status?.certificateDaysLeft == 29 && status?.peerCertificateDaysLeft == 29)
                #expect(status?.replacement == nil)
            }
        }

        /// The other end is on the list that came: its tunnel is not left to stand, and comes back with another certificate.
        @Test(.kernelESP) func aListThatNamesTheGatewayEndsItsTunnel() throws {
            try scenarioOnIPsec("ipsec-revoked", SiteFile.ipsecFirst(certificates)) { lab, daemon, ipsec in
                let capture = try Capture(on: lab.cloud, links: ["up-b"], filter: "net 10.20.0.0/16")
                try ipsec.revokeGateway()
                let left = try daemon.waitFor(path: .a, within: .seconds(15))
                try waitUntil("it is said") {
                    try daemon.ipsecReasons().contains {
                        $0.hasPrefix("no IPsec tunnel: the peer's certificate was revoked")
                    }
                }
                #expect(try daemon.pnetctl("explain", IPsec.path).output.contains("revoked (it needs another one)"))
                try ipsec.certify(IPsecGateway())
                try ipsec.offer(IPsecGateway())
                let back = try daemon.waitFor(path: IPsec.path, within: .seconds(60))
                print("ipsec: revoked gateway left after \(left.shortText), back after \(back.shortText)")
                #expect(capture.packets == [])
            }
        }

        /// Its certificate names a responder that nobody answers for: charon waits for it, and for nothing else do we.
        @Test(.kernelESP) func aResponderThatKeepsSilentHoldsUpNothingElse() throws {
            var path = IPsecPath(.certificates)
            path.hasRevocationList = false
            try scenario("ipsec-responder", SiteFile.ipsecFirst(path)) { lab, daemon in
                try lab.cloud.run("nft", "add", "table", "inet", "mute")
                try lab.cloud.run("nft", "add chain inet mute in { type filter hook input priority 0; }")
                try lab.cloud.run("nft", "add rule inet mute in tcp dport 8888 drop")
                var gateway = IPsecGateway()
                gateway.responder = "http://\(path.gateway):8888"
                let ipsec = try lab.addIPsec(path, gateway)
                try daemon.start()
                let time = try daemon.waitFor(path: IPsec.path, within: .seconds(60))
                print("ipsec: up after \(time.shortText) with a silent responder")
                #expect(ipsec.site.log.contains("ocsp"), "it was asked")
                #expect(!daemon.log.contains("did not answer"), "charon took commands all the time")
                #expect(daemon.log.matches(of: /keeps the IPsec tunnels/).count == 1, "by one connection")
            }
        }

        /// A certificate that the other end does not take: what stands stays, and it is said.
        @Test(.kernelESP) func aCertificateThatIsRefusedTakesNothingDown() throws {
            try scenarioOnIPsec("ipsec-refused", SiteFile.ipsecFirst(certificates)) { lab, daemon, ipsec in
                let before = try ipsec.numbers()
                let traffic = try Traffic(lab)
                var stranger = IPsecGateway()
                stranger.siteIsForeign = true
                try ipsec.certify(stranger)
                try waitUntil("it is said that another tunnel fails", within: .seconds(20)) {
                    try daemon.status().warnings.contains {
                        $0.hasPrefix("\(IPsec.path): another tunnel is to take the place")
                            && $0.contains("refused our proof")
                    }
                }
                #expect(try ipsec.numbers() == before)
                #expect(try traffic.stop().lost == 0)
                // Half a file is no certificate: it is said, and nothing else happens.
                try Files.replace(
                    "\(lab.site.folder)/certs/plant-7.pem",
                    with: Array("-----BEGIN CERTIFICATE-----\n".utf8)
                )
                try waitUntil("it is said what is not taken", within: .seconds(10)) {
                    try daemon.status().warnings.contains {
                        $0.contains("plant-7.pem changed, and what was read before stays")
                    }
                }
                #expect(try ipsec.numbers() == before)
                try ipsec.certify(IPsecGateway())
                try ipsec.offer(IPsecGateway())
                try waitUntil("another tunnel stands alone", within: .seconds(20)) {
                    let now = try ipsec.numbers()
                    return now.count == 2 && Set(now).isDisjoint(with: before)
                }
                #expect(try daemon.status().warnings.allSatisfy { !$0.contains(IPsec.path) && !$0.contains("plant-7") })
            }
        }

        /// What is wrong at one end, and how `status` begins to say it.
        struct Flaw: Sendable {
            let proof: IPsecPath.Proof
            let reason: String
            let spoil: @Sendable (inout IPsecGateway) -> Void

            init(_ proof: IPsecPath.Proof, _ reason: String, _ spoil: @escaping @Sendable (inout IPsecGateway) -> Void)
            {
                (self.proof, self.reason, self.spoil) = (proof, reason, spoil)
            }

            static let all = [
                Flaw(.presharedKey, "the peer refused our proof") { $0.hasWrongKey = true },
                Flaw(.presharedKey, "no IKE proposal in common") { $0.proposals = "aes128-sha1-modp2048" },
                Flaw(.presharedKey, "no ESP proposal in common") { $0.childProposals = "aes128-sha1" },
                Flaw(.presharedKey, "the peer does not take these networks") {
                    ($0.localSelectors, $0.remoteSelectors) = (["::/0"], ["::/0"])
                },
                Flaw(.certificates, "the peer's certificate is not valid now") { $0.hasExpired = true },
                Flaw(.certificates, "the peer's certificate leads to none of our authorities") { $0.isForeign = true },
                Flaw(.certificates, "the peer refused our certificate, which is not valid now") {
                    $0.siteHasExpired = true
                },
                Flaw(.certificates, "the peer refused our proof") { $0.siteIsForeign = true },
            ]
        }

        /// What somebody has to read who looks for the flaw, within seconds, and that nothing else is to be done once it is
        /// mended.
        @Test(.kernelESP, arguments: IPsecPath.Proof.allCases) func whatIsWrongIsSaid(_ proof: IPsecPath.Proof) throws {
            var path = IPsecPath(proof)
            path.more = "    traffic: {local: [0.0.0.0/0], remote: [0.0.0.0/0]}"
            try scenario("ipsec-wrong-\(proof)", SiteFile.ipsecFirst(path)) { lab, daemon in
                let ipsec = try lab.addIPsec(path)
                for flaw in Flaw.all where flaw.proof == proof {
                    var wrong = IPsecGateway()
                    flaw.spoil(&wrong)
                    try ipsec.certify(wrong)
                    try ipsec.offer(wrong)
                    try daemon.start()
                    let time = try waitUntil("it is said: \(flaw.reason)", within: .seconds(20)) {
                        try daemon.ipsecReasons().contains { $0.hasPrefix("no IPsec tunnel: \(flaw.reason)") }
                    }
                    #expect(try daemon.network().path?.text == Tunnel.a.path)
                    #expect(try daemon.pnetctl("explain", IPsec.path).output.contains(flaw.reason))
                    print("ipsec: '\(flaw.reason)' said after \(time.shortText)")
                    try daemon.stop()
                }
                try ipsec.certify(IPsecGateway())
                try ipsec.offer(IPsecGateway())
                try daemon.start()
                try daemon.waitFor(path: IPsec.path, within: .seconds(20))
                // It asks, and hears nothing: half of it is open.
                try ipsec.cut(.ikeFromGateway)
                _ = try ipsec.site.swanctl("--terminate", "--force", "--ike", "pnetd-\(IPsec.path)")
                try waitUntil("nobody is said to answer", within: .seconds(30)) {
                    try daemon.ipsecReasons().contains { $0.hasPrefix("no IPsec tunnel: no answer from the peer") }
                }
                try ipsec.mend()
                try daemon.waitFor(path: IPsec.path, within: .seconds(60))
            }
        }
    }
}
