// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import NetworkTypes
import Testing

@testable import pnetctl

struct RenderingTests {
    /// 2026-01-03T04:05:06Z
    private let now: Int64 = 1_767_413_106

    private func page(colour: Bool = false, width: Int = 80) -> Page {
        Page(hasColour: colour, width: width, now: now)
    }

    @Test func namesTheViewOfAFinding() throws {
        let name = try #require(DomainName("b.plant.internal"))
        var finding = NameAudit.Finding(.hiddenByView, name, "it is hidden", remedy: "add it")
        finding.view = "ot"
        let report = NameAudit(findings: [finding], names: [name], skipped: [name], more: 3)
        let expected = """
            b.plant.internal in view ot: hidden-by-view
              it is hidden
              try: add it
            1 name asked for, 1 found
            1 were left out for time; name them to ask
            3 more are too many for one audit; name those to ask

            """
        #expect(page().audited(report) == expected)
    }

    @Test func saysFirstWhatCannotBeReached() throws {
        let expected = """
            plant-7 is down  generation 12, pnetd 0.1.0

            NETWORK  STATE    PATH   SINCE  SWITCHES
            azure    up       vpn-a  2d4h   3
            aws      blocked  -      3m5s   0
                     vpn-b: 9 probes unanswered for 0.8s, and before that loss of 30% for as
                     long as 2m

            PATH   VERDICT  SINCE  INTERFACE     BY      HANDSHAKE  RECEIVED  SENT
            vpn-a  up       2d4h   pn-a on eth0  kernel  12s ago    1.2 MiB   148 B
                   azure: up, rtt 20.1ms, jitter 0.4ms, loss 0%
            vpn-b  down     3m5s   pn-b on eth1  -       never      -         -
                   no handshake for 3m5s
                   last error: set peers of pn-b: Operation not permitted
                   azure: down, loss 100%, 9 probes unanswered for 0.8s
                   aws: down

            resolver  up, queries 100
            frontend  up
            warning   net.ipv4.nexthop_compat_mode is 1: each switch costs the more, the
                      more prefixes there are

            """
        let text = try page().status(Sample.report())
        #expect(text == expected)
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 })
    }

    @Test func showsWhatNameSetsHold() throws {
        var report = try Sample.report()
        #expect(!page().status(report).contains("name sets"))
        let names = try ["azure-management", "updates"].map { try #require(NameSetName($0)) }
        report.nameSets = zip(names, [12, 0]).map(StatusReport.NameSet.init)
        #expect(page().status(report).contains("\nname sets addresses held: azure-management 12, updates 0\n"))
    }

    @Test func showsASessionWithItsReasonWhereItIsNotUp() throws {
        var report = try Sample.report()
        var session = StatusReport.Path.BFD(
            peer: try #require(IPAddress("10.99.0.1")),
            state: .up,
            remoteState: .up,
            since: "2026-01-01T00:00:00Z",
            diagnostic: "no diagnostic",
            remoteDiagnostic: "no diagnostic",
            detectionMs: 900
        )
        report.paths[0].bfd = session
        let up = page(width: 200).status(report)
        #expect(up.contains("\n       bfd with 10.99.0.1: up for 2d4h, far end up, detection 900ms\n"))
        (session.state, session.diagnostic) = (.down, "control detection time expired")
        report.paths[0].bfd = session
        let down = page(width: 200).status(report)
        #expect(down.contains(": down for 2d4h, control detection time expired, far end up, detection 900ms\n"))
    }

    @Test func showsWhatIPsecRefusesWhereThatIsWorthALook() throws {
        var report = try Sample.report()
        report.paths[1].ipsec = .init(
            childState: "INSTALLED",
            packets: .init(received: 90, sent: 100, forged: 2, late: 3, repeated: 4)
        )
        let growth = StatusReport.XFRM.Growth(
            counter: "XfrmInNoStates",
            packets: 12,
            explanation: "the peer uses another SPI (XfrmInNoStates, 12 packets)",
            isNotable: true
        )
        report.xfrm = .init(isCounted: true, lastMinute: [growth])
        let text = page(width: 200).status(report)
        #expect(text.contains("\n       ipsec: INSTALLED, 9 packets refused\n"))
        #expect(
            text.contains("\nipsec     in the last minute: the peer uses another SPI (XfrmInNoStates, 12 packets)\n")
        )
        report.xfrm?.lastMinute[0].isNotable = false
        #expect(!page(width: 200).status(report).contains("XfrmInNoStates"))
    }

    @Test func saysWhetherAQuantumComputerCouldReadIt() throws {
        var report = try Sample.report()
        var tunnel = StatusReport.Path.IPsec(state: "ESTABLISHED", childState: "INSTALLED", quantumProtection: nil)
        report.paths[0].ipsec = tunnel
        #expect(page(width: 200).status(report).contains("\n       ipsec: INSTALLED\n"))
        tunnel.quantumProtection = .init(by: .mlKEM)
        report.paths[0].ipsec = tunnel
        #expect(page(width: 200).status(report).contains("\n       ipsec: INSTALLED, quantum-safe by ML-KEM\n"))
        tunnel.quantumProtection = .init(reason: "charon has no ML-KEM; a ppk would do")
        report.paths[0].ipsec = tunnel
        let text = page(width: 200).status(report)
        #expect(text.contains("ipsec: INSTALLED, not quantum-safe (charon has no ML-KEM; a ppk would do)\n"))
    }

    @Test func coloursWithoutMovingAColumn() throws {
        let coloured = try page(colour: true).status(Sample.report())
        #expect(coloured.contains("\u{1b}[31mblocked\u{1b}[0m"))
        #expect(coloured.contains("\u{1b}[32mup\u{1b}[0m       vpn-a"))
        let codes = [1, 2, 31, 32, 33, 0].map { "\u{1b}[\($0)m" }
        let stripped = codes.reduce(coloured) { $0.replacing($1, with: "") }
        #expect(try stripped == page().status(Sample.report()))
    }

    @Test func staysShortWhereThereIsLittleToSay() throws {
        let report = StatusReport(
            site: try #require(SiteName("small")),
            version: "0.1.0",
            generation: 0,
            paths: [],
            networks: [],
            resolver: nil,
            frontend: nil,
            warnings: []
        )
        #expect(page().status(report) == "small is up  generation 0, pnetd 0.1.0\n")
    }

    @Test func writesADecisionAsOneLine() throws {
        let line = try ChangeText.line(of: Sample.event())
        #expect(line == "04:05:06Z azure up -> up path vpn-a -> vpn-b (vpn-a: 9 probes unanswered for 0.8s)")
        var blocked = try Sample.event()
        (blocked.to, blocked.path, blocked.carriers) = (.blocked, nil, [])
        #expect(
            ChangeText.line(of: blocked)
                == "04:05:06Z azure up -> blocked path vpn-a -> none (vpn-a: 9 probes unanswered for 0.8s)"
        )
        var degraded = try Sample.event()
        (degraded.to, degraded.path, degraded.reasons) = (.degraded, PathName("vpn-a"), [])
        degraded.carriers = degraded.fromCarriers
        #expect(ChangeText.line(of: degraded) == "04:05:06Z azure up -> degraded path vpn-a")
        var joined = degraded
        joined.carriers.append(try #require(PathName("vpn-b")))
        #expect(ChangeText.line(of: joined) == "04:05:06Z azure up -> degraded path vpn-a -> vpn-a + vpn-b")
    }

    @Test func writesWhatChangedBesideTheDecision() throws {
        let before = try Sample.report(spare: .up)
        var after = try Sample.report()
        after.resolver = .init(state: .down, queries: 0)
        let update = WatchUpdate(time: Sample.time, event: try Sample.event(), report: after)
        #expect(
            ChangeText.lines(of: update, after: before) == [
                "04:05:06Z path vpn-b up -> down (no handshake for 3m5s)",
                "04:05:06Z resolver up -> down",
                "04:05:06Z azure up -> up path vpn-a -> vpn-b (vpn-a: 9 probes unanswered for 0.8s)",
            ]
        )
        let first = WatchUpdate(time: Sample.time, event: nil, report: after)
        #expect(
            ChangeText.lines(of: first, after: nil) == [
                "04:05:06Z plant-7 is down (azure up path vpn-a, aws blocked)"
            ]
        )
        #expect(ChangeText.lines(of: first, after: after) == [])
    }

    @Test func cutsAScreenAtItsLastRow() {
        #expect(Screen.repainting(["a", "b", "c"], rows: 3) == "\u{1b}[Ha\u{1b}[K\r\nb\u{1b}[K\r\n\u{1b}[J")
    }

    @Test func readsQuantitiesLikeAPerson() {
        #expect(
            [0, 1023, 1024, 1_048_576, 109_051_904].map(Quantity.octets) == [
                "0 B", "1023 B", "1.0 KiB", "1.0 MiB", "104 MiB",
            ]
        )
        #expect(Quantity.octets(.max) == "16.0 EiB")
        #expect([0, 0.0004, 0.005, 0.123, 1].map(Quantity.percent) == ["0%", "<0.1%", "0.5%", "12.3%", "100%"])
        #expect([0.44, 20.14, 150.6].map(Quantity.milliseconds) == ["0.4ms", "20.1ms", "151ms"])
        #expect(Quantity.milliseconds(.nan) == "?ms")
        #expect(Quantity.milliseconds(.infinity) == "?ms")
    }

    @Test func keepsATimeThatItCannotRead() {
        #expect(page().age(since: "yesterday") == "yesterday")
        #expect(page().age(since: "2027-01-01T00:00:00Z") == "0s")
    }
}
