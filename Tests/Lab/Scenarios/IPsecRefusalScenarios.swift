// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Lab
import NetworkTypes
import Testing

extension Scenarios {
    /// An IPsec path whose tunnel stands, and by which packets come in that the kernel refuses.
    @Suite(.serialized)
    struct IPsecRefusals {
        private func onIPsec(_ label: String, _ body: (Lab, Daemon, IPsec) throws -> Void) throws {
            var options = SiteFile()
            options.ipsec = IPsecPath()
            options.paths = [.a]
            try scenario(label, options) { lab, daemon in
                let ipsec = try lab.addIPsec(IPsecPath())
                try daemon.start()
                try daemon.waitFor(path: IPsec.path, within: .seconds(20))
                try daemon.waitFor(.a, .up)
                try body(lab, daemon, ipsec)
            }
        }

        private func packets(_ daemon: Daemon) throws -> StatusReport.Path.IPsec.Packets? {
            try daemon.status().paths.first { $0.name.text == IPsec.path }?.ipsec?.packets
        }

        private func metric(_ lab: Lab, _ sample: String) throws -> Double {
            let page = try lab.site.attempt(["curl", "-s", "http://127.0.0.1:9731/metrics"]).output
            let line = page.split(separator: "\n").first { $0.hasPrefix(sample) }
            return line?.split(separator: " ").last.flatMap { Double($0) } ?? -1
        }

        /// The path is left as any that falls silent, what came in is said to be what it is, and a tunnel with other keys
        /// heals it.
        @Test(.kernelESP) func otherKeysAtTheGatewayAreNamedAndHealed() throws {
            try onIPsec("ipsec-forged") { lab, daemon, ipsec in
                let traffic = try Traffic(lab)
                pause(.milliseconds(500))
                let old = try ipsec.spis()
                try ipsec.spoilGatewayKey()
                let left = try daemon.waitFor(path: .a, within: .seconds(3))
                try waitUntil("it is a reason") {
                    try daemon.network().paths.contains { path in
                        path.path.text == IPsec.path
                            && path.reasons.contains { $0.contains("by the tunnel that cannot be authenticated") }
                    }
                }
                let warning = try daemon.status().warnings.first { $0.contains("could not be authenticated") } ?? ""
                #expect(warning.hasPrefix("\(IPsec.path): ") && warning.contains("the keys of the two ends differ"))
                let text = try daemon.pnetctl("status").output
                #expect(text.contains("packets refused") && text.contains("(XfrmInStateProtoError, "))
                let explained = try daemon.pnetctl("explain", IPsec.path).output
                #expect(explained.contains("they could not be authenticated") && explained.contains("tcpdump -ni eth1"))
                #expect(explained.contains("XfrmInStateProtoError"))
                #expect(try packets(daemon).map { $0.forged > 0 && $0.late == 0 && $0.repeated == 0 } == true)
                let back = try daemon.waitFor(path: IPsec.path, within: .seconds(40))
                #expect(try ipsec.spis().isDisjoint(with: old))
                let result = try traffic.stop()
                print(
                    "ipsec: another key at the gateway left after \(left.shortText), back after \(back.shortText), longest "
                        + "gap \(result.longestGap.shortText), \(try packets(daemon)?.forged ?? 0) packets refused"
                )
                #expect(result.longestGap <= Stage.here.limit(.milliseconds(1_200)))
                let sample = "pnetd_ipsec_refused_packets_total{path=\"\(IPsec.path)\",reason="
                try waitUntil("the metrics count it") {
                    try metric(lab, "\(sample)\"forged\"}") > 0
                        && metric(lab, "pnetd_xfrm_errors_total{counter=\"XfrmInStateProtoError\"}") > 0
                }
                #expect(try metric(lab, "\(sample)\"late\"}") == 0)
            }
        }

        /// Whoever recorded a packet can send it again: the kernel refuses it, it is counted and said, and traffic stays.
        @Test(.kernelESP) func replayedPacketsAreNamedAndMoveNothing() throws {
            try onIPsec("ipsec-replayed") { lab, daemon, ipsec in
                let switches = try daemon.network().switches
                let before = try #require(try packets(daemon))
                let traffic = try Traffic(lab)
                pause(.milliseconds(500))
                try ipsec.replay(times: 40)
                try waitUntil("it is counted") {
                    guard let now = try packets(daemon) else { return false }
                    return now.late + now.repeated - before.late - before.repeated == 40
                }
                let now = try #require(try packets(daemon))
                #expect(now.repeated >= 20 && now.late > 0 && now.forged == 0)
                let warning = try daemon.status().warnings.first { $0.hasPrefix("\(IPsec.path): 40 packets") } ?? ""
                #expect(warning.contains("had come before, or came too late") && warning.contains("replay_window"))
                #expect(try daemon.pnetctl("explain", IPsec.path).output.contains("XfrmInStateSeqError, 40 packets"))
                let result = try traffic.stop()
                #expect(result.lost == 0)
                #expect(try daemon.network().switches == switches)
                #expect(try daemon.network().paths.first { $0.path.text == IPsec.path }?.verdict == .up)
                let sample = "pnetd_ipsec_refused_packets_total{path=\"\(IPsec.path)\",reason=\"repeated\"}"
                try waitUntil("the metrics count it") { try metric(lab, sample) == Double(now.repeated) }
            }
        }

        /// ESP goes one way alone, and IKE is answered: nothing but the associations' counters can tell which.
        @Test(.kernelESP) func aFarEndThatIsNotHeardIsSaidToBeSilent() throws {
            try onIPsec("ipsec-unheard") { _, daemon, ipsec in
                try ipsec.cut(.sealed)
                try daemon.waitFor(path: .a, within: .seconds(3))
                try waitUntil("it is said", within: .seconds(60)) {
                    try daemon.network().paths.contains { path in
                        path.path.text == IPsec.path
                            && path.reasons.contains { $0.hasPrefix("nothing comes from the tunnel's far end") }
                    }
                }
                try ipsec.mend()
                try daemon.waitFor(path: IPsec.path, within: .seconds(60))
            }
        }
    }
}
