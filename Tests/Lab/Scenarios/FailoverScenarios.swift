// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Lab
import NetworkTypes
import SystemIO
import Testing

extension Scenarios {
    /// Traffic follows the decision.
    @Suite(.serialized)
    struct Failover {
        @Test func silentCutMovesTrafficAndBackAfterTheHold() throws {
            try scenario("cut") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                let traffic = try Traffic(lab)
                let traffic6 = try Traffic(lab, to: Lab.target6)
                pause(.seconds(1))
                try lab.impair(.a, .blackout)
                try daemon.waitFor(path: .b, within: .seconds(3))
                #expect(try daemon.pnetctl("status").status == 1, "reached, but not as the file wants it")
                pause(.seconds(1))
                try lab.heal(.a)
                try daemon.waitFor(.a, .up, within: .seconds(20))
                let hold = try daemon.waitFor(path: .a, within: .seconds(10))
                pause(.seconds(1))
                // It began before a slow stage had seen that it did.
                let least: Duration = .milliseconds(Stage.here.patience == 1 ? 2_500 : 1_500)
                #expect(hold >= least, "back after the hold of 3 s, not before")
                for result in [try traffic.stop(), try traffic6.stop()] {
                    #expect(result.longestGap <= Stage.here.limit(.milliseconds(1_200)))
                    #expect(result.answered > 400)
                    // Coming back loses nothing: all that was lost was lost in one gap.
                    #expect(result.lost <= Int(result.longestGap / .milliseconds(10)) + 2)
                    print(
                        "silent cut: longest gap \(result.longestGap.shortText), \(result.lost) of \(result.sent) lost"
                    )
                }
            }
        }

        /// A window that is not open today, and then one that always is.
        @Test(.anyKernel) func trafficComesBackWithinItsWindowOnly() throws {
            let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
            let today = try #require(LocalTime(wallNanoseconds: SystemClock().wallNanoseconds)).day.rawValue
            let window = "\"\(days[(today + 3) % 7]) 02:00-04:00\""
            var options = SiteFile()
            options.failback = "1s, window: \(window)"
            try scenario("window", options) { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                try lab.impair(.a, .blackout)
                try daemon.waitFor(path: .b, within: .seconds(3))
                try lab.heal(.a)
                try daemon.waitFor(.a, .up, within: .seconds(20))
                pause(.seconds(3))
                #expect(try daemon.network().path?.text == Tunnel.b.path)
                let words = try daemon.pnetctl("explain", "azure").output.split { $0.isWhitespace }
                #expect(words.joined(separator: " ").contains("(failback: window)"))
                let text = String(decoding: try Files.read(daemon.file), as: UTF8.self)
                try lab.site.write("pnetd.yaml", text.replacing(window, with: "\"Mon-Sun 00:00-24:00\""))
                #expect(try daemon.pnetctl("reload").status == 0)
                try daemon.waitFor(path: .a, within: .seconds(3))
            }
        }

        @Test func carrierLossMovesTrafficAtOnce() throws {
            try scenario("carrier") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                let traffic = try Traffic(lab)
                pause(.seconds(1))
                try lab.setCarrier(.a, false)
                try daemon.waitFor(path: .b, within: .seconds(2))
                let status = try daemon.network()
                #expect(status.reasons == ["underlay eth0 is down or has no carrier"])
                pause(.seconds(1))
                let result = try traffic.stop()
                print("carrier loss: longest gap \(result.longestGap.shortText), \(result.lost) of \(result.sent) lost")
                #expect(result.longestGap <= Stage.here.limit(.milliseconds(250)))
                try lab.setCarrier(.a, true)
                try daemon.waitFor(path: .a, within: .seconds(20))
            }
        }

        @Test(.anyKernel) func lossAndOneWayFaults() throws {
            try scenario("loss") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                // One packet in ten from the site, both ways at random: the path stays.
                try lab.impair(.a, .randomLoss(percent: 10))
                pause(.seconds(6))
                #expect(try daemon.network().switches == 0)
                #expect(try daemon.network().path?.text == Tunnel.a.path)
                try lab.heal(.a)
                // Every third packet from the site, exactly: no more than a nuisance.
                try lab.impair(.a, .exactLoss(every: 3))
                pause(.seconds(6))
                #expect(try daemon.network().switches == 0)
                try lab.heal(.a)
                // Nothing that we send arrives, all that the cloud sends does: the path is dead all the same.
                try lab.impair(.a, .oneWayFromSite)
                try daemon.waitFor(path: .b, within: .seconds(3))
            }
        }

        @Test func delayAndJitterAreLivedWith() throws {
            var options = SiteFile()
            options.delayed = [.a: Delay(eachWay: .milliseconds(80), jitter: .milliseconds(40))]
            try scenario("delay", options) { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                pause(.seconds(8))
                let network = try daemon.network()
                #expect(network.switches == 0)
                let through = try #require(network.paths.first)
                #expect((150...300).contains(through.rttMs ?? 0))
            }
        }

        /// A modem's link has no gateway at all, and some providers' gateways lie outside of the link's prefix.
        @Test func underlaysWithoutAGatewayOnTheLinkWork() throws {
            try scenario("modem") { lab, daemon in
                try lab.site.run("ip", "address", "flush", "dev", "eth0")
                try lab.site.run("ip", "address", "add", "192.0.2.2/32", "dev", "eth0")
                try lab.site.run("ip", "route", "add", "default", "dev", "eth0", "metric", "500")
                try daemon.start()
                try daemon.waitFor(path: .a)
                let onLink = [
                    "ip", "route", "add", "default", "via", "192.0.2.1", "dev", "eth0", "onlink", "metric", "400",
                ]
                #expect(try lab.site.attempt(onLink).status == 0)
                try waitUntil("the gateway is taken up", within: .seconds(1)) {
                    try lab.site.run("ip", "route", "show", "table", "7065").contains("default via 192.0.2.1")
                }
                pause(.seconds(2))
                #expect(try daemon.network().switches == 0)
            }
        }

        @Test func outerPacketsStayOnTheirUnderlay() throws {
            try scenario("pinned") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                let outer = try Capture(lab, links: ["up-c"], filter: "udp and portrange 51820-51821")
                try lab.site.run("socat", "-u", "-", "UDP:203.0.113.1:51820", input: "proof")
                try outer.showsThatItSees(".51820: UDP")
                // The default route leads elsewhere; with the underlay gone, nothing of the tunnel may follow it.
                try lab.setCarrier(.a, false)
                try daemon.waitFor(path: .b, within: .seconds(2))
                pause(.seconds(6))
                #expect(outer.packets.count == 1, "the proof and nothing else")
                let route = try lab.site.attempt(["ip", "route", "get", "192.0.2.1", "mark", "0x41000000"])
                #expect(route.status != 0, "unreachable, not by the default route")
            }
        }
    }
}
